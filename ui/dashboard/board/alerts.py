"""The alerts above the board: who needs somebody now, and who took note."""

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from agents import Alert
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
    """Open alerts of those who wait, the most urgent patient first; acknowledging one needs a clinician."""
    found = [(row, alert) for row in rows for alert in row.alerts]
    if not found:
        return
    with st.container(key="alerts"):
        show(tag("h2", many("board.alerts", len(found)), cls="bd-alerts-title"))
        for row, alert in found[:_MOST]:
            _line(here, row, alert, now)
        if len(found) > _MOST:
            show(tag("p", many("board.alerts-more", len(found) - _MOST), cls="ed-soft"))


def _line(here: Here, row: Row, alert: Alert, now: datetime) -> None:
    of_whom = text("board.alert-of", who=words.who(row), at=clock_time(alert.since, now))
    with st.container(key=f"alert-{alert.id}", horizontal=True, vertical_alignment="center"):
        show(
            tag(
                "div",
                level_badge(row.level, row.scale),
                tag(
                    "div",
                    tag("b", words.alert(alert)),
                    tag("div", of_whom, cls="ed-soft"),
                ),
                cls="bd-alert",
                role="alert",
            )
        )
        if here.may(Permission.ACKNOWLEDGE):
            st.button(
                text("board.acknowledge"),
                key=f"ack-{alert.id}",
                help=plain(text("board.acknowledge-help", who=words.who(row))),
                on_click=_take_note,
                args=(here, alert.id),
            )


def _take_note(here: Here, alert_id: str) -> None:
    touch(here.now)
    try:
        here.service.acknowledge(here.actor, alert_id)
    except Problem as problem:
        here.notice(here.words(problem), "danger")
