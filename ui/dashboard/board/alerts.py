"""The alerts above the board: who needs somebody now, and who took note."""

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from agents import calls
from ui.dashboard.auth import Permission
from ui.dashboard.auth.signin import touch
from ui.dashboard.board import words
from ui.dashboard.here import Here
from ui.dashboard.look import level_badge, plain, show, tag
from ui.dashboard.services import Problem, Row
from ui.dashboard.strings import many, text
from ui.dashboard.times import clock_time

_MOST = 4


def alerts_panel(here: Here, rows: Sequence[Row], now: datetime) -> None:
    """Open alerts of those who wait, the most urgent patient first; acknowledging them needs a clinician."""
    alarmed = [row for row in rows if row.alerts]
    if not alarmed:
        return
    with st.container(key="alerts"):
        show(
            tag(
                "h2",
                many("board.alerts", sum(len(calls(row.alerts)) for row in alarmed)),
                cls="bd-alerts-title",
            )
        )
        for row in alarmed[:_MOST]:
            _patient(here, row, now)
        if len(alarmed) > _MOST:
            show(tag("p", many("board.alerts-more", len(alarmed) - _MOST), cls="ed-soft"))


def _patient(here: Here, row: Row, now: datetime) -> None:
    since = clock_time(min(alert.since for alert in row.alerts), now)
    with st.container(key=f"alert-{row.case_id}", horizontal=True, vertical_alignment="center"):
        show(
            tag(
                "div",
                level_badge(row.level, row.scale),
                tag(
                    "div",
                    tag("b", text("board.alert-of", who=words.who(row), at=since)),
                    tag("ul", *(tag("li", words.alert(alert)) for alert in row.alerts)),
                ),
                cls="bd-alert",
                role="alert",
            )
        )
        if here.may(Permission.ACKNOWLEDGE):
            st.button(
                text("board.acknowledge"),
                key=f"ack-{row.case_id}",
                help=plain(text("board.acknowledge-help", who=words.who(row))),
                on_click=_take_note,
                args=(here, row),
            )


def _take_note(here: Here, row: Row) -> None:
    """Of the deteriorations that were on the screen, and of no other that was raised meanwhile."""
    touch(here.now)
    for call in calls(row.alerts):
        try:
            here.service.acknowledge(here.actor, call.id)
        except Problem as problem:
            here.notice(here.words(problem), "danger")
