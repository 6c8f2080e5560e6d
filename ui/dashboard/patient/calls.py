"""Open alerts of this patient, and taking note of them."""

from collections.abc import Iterator, Sequence

import streamlit as st

from agents import Alert, Call
from agents import calls as calls_of
from ui.dashboard.auth import Permission
from ui.dashboard.here import Here
from ui.dashboard.look import Safe, callout, show, tag
from ui.dashboard.patient import told
from ui.dashboard.services import Problem, alert_without_level
from ui.dashboard.strings import text, word
from ui.dashboard.times import clock_time


def calls(here: Here, found: Sequence[Alert], *, levels: bool) -> None:
    """Each deterioration as one message with its reasons and one button. ``levels``: whether levels may be named."""
    for call in calls_of(found):
        reasons = [kept if levels else alert_without_level(kept) for kept in call.reasons]
        with st.container(key=f"alert-{call.id}", horizontal=True, vertical_alignment="center"):
            show(callout(_words(reasons[0]), *_rest(here, reasons), tone="danger", live=True))
            if here.may(Permission.ACKNOWLEDGE):
                st.button(
                    text("patient.acknowledge"), key=f"ack-{call.id}", on_click=_take_note, args=(here, call)
                )


def _rest(here: Here, reasons: Sequence[Alert]) -> Iterator[Safe]:
    """Since when and by which source, for the first reason and every other one."""
    for number, alert in enumerate(reasons):
        since = text("patient.alert-since", at=clock_time(alert.since, here.now), source=alert.source)
        yield tag("span", tag("b", _words(alert), " ") if number else None, since)


def _words(alert: Alert) -> str:
    return text(f"alert.{alert.code}", subject=word("fact", alert.subject))


def _take_note(here: Here, call: Call) -> None:
    try:
        here.service.acknowledge(here.actor, call.id)
        here.notice(text("patient.acknowledged"))
    except Problem as problem:
        told.keep(problem)
