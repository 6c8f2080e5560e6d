"""Open alerts of this patient, and taking note of them."""

from collections.abc import Sequence

import streamlit as st

from agents import Alert
from ui.dashboard.auth import Permission
from ui.dashboard.here import Here
from ui.dashboard.look import callout, show
from ui.dashboard.patient import told
from ui.dashboard.services import Problem, alert_without_level
from ui.dashboard.strings import text, word
from ui.dashboard.times import clock_time


def calls(here: Here, found: Sequence[Alert], *, levels: bool) -> None:
    """Each open alert with its button. ``levels``: whether levels may be named."""
    for kept in found:
        alert = kept if levels else alert_without_level(kept)
        with st.container(key=f"alert-{alert.id}", horizontal=True, vertical_alignment="center"):
            since = text("patient.alert-since", at=clock_time(alert.since, here.now), source=alert.source)
            show(callout(_words(alert), since, tone="danger", live=True))
            if here.may(Permission.ACKNOWLEDGE):
                st.button(
                    text("patient.acknowledge"),
                    key=f"ack-{alert.id}",
                    on_click=_take_note,
                    args=(here, alert.id),
                )


def _words(alert: Alert) -> str:
    return text(f"alert.{alert.code}", subject=word("fact", alert.subject))


def _take_note(here: Here, alert_id: str) -> None:
    try:
        here.service.acknowledge(here.actor, alert_id)
        here.notice(text("patient.acknowledged"))
    except Problem as problem:
        told.keep(problem)
