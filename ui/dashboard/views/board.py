"""Everybody who waits, most urgent first."""

import streamlit as st

from ui.dashboard.arrival.feed_state import feed_notices
from ui.dashboard.auth import Permission
from ui.dashboard.auth.signin import touch
from ui.dashboard.board import words
from ui.dashboard.board.alerts import alerts_panel
from ui.dashboard.board.choosing import Attention, Choice, Sorting, chosen
from ui.dashboard.board.rows import card, plain_table, tallies, wall
from ui.dashboard.clicks import whole
from ui.dashboard.here import Here, Page
from ui.dashboard.look import callout, empty_state, heading, plain, show, tag
from ui.dashboard.services import Board, Row
from ui.dashboard.shell import WALL, leave_wall, still_here
from ui.dashboard.strings import many, text
from ui.dashboard.times import clock_time

PAGE = Page("board", ":material/view_list:", Permission.SEE_BOARD, order=10)

_FIRST, _MORE = 50, 50
_WALL_ROWS = 20
_SHOWN, _TABLE, _OPEN = "board-shown", "board-table", "board-open"


def render(here: Here) -> None:
    """Draw the controls once, and below them what a timer draws again."""
    on_wall = bool(st.session_state.get(WALL))
    _open_chosen(here)
    if not on_wall:
        show(heading(text("board.title"), text("board.lead")))
        _controls(here)

    @st.fragment(run_every=here.settings.ui.refresh_seconds)
    def live() -> None:
        still_here(here.service)
        if st.session_state.get(_OPEN) or bool(st.session_state.get(WALL)) != on_wall:
            st.rerun()  # a page is changed by a whole run, not by a piece of one
        with here.problems():
            board = here.service.board(here.actor)
            for notice in feed_notices(here):
                show(notice)
            if on_wall:
                _wall(here, board)
            else:
                _board(here, board)

    live()


def choice() -> Choice:
    """What the controls say; they keep it in the session, so that a refresh changes nothing of it."""
    state = st.session_state
    return Choice(
        words=state.get("board-words") or "",
        levels=frozenset(state.get("board-levels") or ()),
        attention=frozenset(Attention(item) for item in state.get("board-attention") or ()),
        sorting=Sorting(state.get("board-sorting") or Sorting.URGENCY),
    )


def _controls(here: Here) -> None:
    with st.container(key="board-controls", horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            text("board.search"),
            key="board-words",
            placeholder=text("board.search-hint"),
            icon=":material/search:",
        )
        st.pills(
            text("board.levels"),
            [1, 2, 3, 4, 5],
            selection_mode="multi",
            format_func=str,
            key="board-levels",
        )
        st.pills(
            text("board.attention.title"),
            list(Attention),
            selection_mode="multi",
            format_func=lambda item: text(f"board.attention.{item}"),
            key="board-attention",
            wrap=True,
        )
        st.selectbox(
            text("board.sorting.title"),
            list(Sorting),
            format_func=lambda item: text(f"board.sorting.{item}"),
            key="board-sorting",
            width=210,
        )
        st.toggle(text("board.as-table"), key=_TABLE)
        st.button(
            text("board.wall"),
            key="wall-on",
            icon=":material/tv:",
            help=text("board.wall-help"),
            on_click=_to_the_wall,
        )


def _board(here: Here, board: Board) -> None:
    _state_of(here, board)
    if board.as_of is not None:
        show(tallies(board, here.settings.reassess_minutes))
    here.show_notice()
    alerts_panel(here, board.rows, here.now)
    rows = chosen(board.rows, choice())
    if not board.rows:
        _nobody(board)
        return
    if not rows:
        show(empty_state(text("board.none-fits"), many("board.none-fits-hint", len(board.rows))))
        return
    shown = rows[: st.session_state.get(_SHOWN, _FIRST)]
    minutes = here.settings.reassess_minutes
    if st.session_state.get(_TABLE):
        show(plain_table(shown, minutes, here.now))
        _open_from_table(shown)
    else:
        for row in shown:
            with st.container(key=f"row-{row.case_id}"):
                show(card(row, minutes, here.now))
                if here.may(Permission.SEE_CASE):
                    label = plain(text("board.open", who=words.who(row)))
                    st.button(label, key=f"open-{row.case_id}", on_click=_choose, args=(here, row.case_id))
        show(tag("p", text("board.legend"), cls="bd-legend ed-soft"))
    if len(shown) < len(rows):
        st.button(many("board.more", len(rows) - len(shown)), key="more", on_click=_show_more, args=(here,))


def _state_of(here: Here, board: Board) -> None:
    if not board.stale:
        return
    if board.as_of is None:
        show(callout(text("board.away"), text("board.away-hint"), tone="danger", live=True))
    else:
        at = clock_time(board.as_of, here.now)
        show(callout(text("board.stale", at=at), text("board.stale-hint"), tone="danger", live=True))


def _wall(here: Here, board: Board) -> None:
    nameless = Board(tuple(row.without_name() for row in board.rows), board.as_of, board.stale)
    _state_of(here, board)
    show(tallies(nameless, here.settings.reassess_minutes))
    if nameless.rows:
        show(wall(nameless.rows[:_WALL_ROWS], here.settings.reassess_minutes, here.now))
        if len(nameless.rows) > _WALL_ROWS:
            show(heading(many("board.wall-more", len(nameless.rows) - _WALL_ROWS)))
    else:
        _nobody(board)
    st.button(text("board.leave-wall"), key="wall-off", on_click=leave_wall, type="tertiary")


def _nobody(board: Board) -> None:
    """Only a board that was read just now may say that nobody waits."""
    if not board.stale:
        show(empty_state(text("board.empty"), text("board.empty-hint")))


def _open_from_table(rows: tuple[Row, ...]) -> None:
    """A list to choose from stands in for the cards' own buttons."""
    by_id = {row.case_id: row for row in rows}
    st.selectbox(
        text("board.open-which"),
        list(by_id),
        index=None,
        placeholder=text("board.open-hint"),
        format_func=lambda case_id: f"{words.who(by_id[case_id])}: {words.complaint(by_id[case_id])}",
        key=_OPEN,
    )


@whole
def _open_chosen(here: Here) -> None:
    opened = st.session_state.pop(_OPEN, None)
    if opened is not None:
        here.choose(opened)
        here.go("patient")


def _choose(here: Here, case_id: str) -> None:
    touch(here.now)
    st.session_state[_OPEN] = case_id


def _show_more(here: Here) -> None:
    touch(here.now)
    st.session_state[_SHOWN] = st.session_state.get(_SHOWN, _FIRST) + _MORE


def _to_the_wall() -> None:
    st.session_state[WALL] = True
