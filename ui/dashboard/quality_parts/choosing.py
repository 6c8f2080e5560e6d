"""Which period, against which, and the hospital's table of outcomes."""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo

import streamlit as st

from agents.quality import Outcome, Period, TruthError, read_truth
from ui.dashboard.here import Here
from ui.dashboard.look import callout, show, tag
from ui.dashboard.strings import many, text

LENGTHS = ("7", "30", "90", "365", "own")
REFERENCES = ("1", "3")
_SHOWN_FAULTS = 5


def choose_period(now: datetime, zone: tzinfo | None) -> Period | None:
    """The chosen period in whole days of the reader's zone; None while one of the two dates is chosen."""
    today = now.astimezone(zone).date()
    with st.container(key="quality-period", horizontal=True, vertical_alignment="bottom"):
        length = st.selectbox(
            text("quality.period"),
            LENGTHS,
            index=1,
            format_func=lambda code: text(f"quality.periods.{code}"),
            key="quality-length",
            width=260,
        )
        if length == "own":
            chosen = st.date_input(
                text("quality.dates"),
                value=(today - timedelta(days=29), today),
                max_value=today,
                key="quality-dates",
                width=260,
            )
            if not isinstance(chosen, tuple) or len(chosen) != 2:
                return None
            first, last = chosen
        else:
            first, last = today - timedelta(days=int(length) - 1), today
        times = st.selectbox(
            text("quality.reference-period"),
            REFERENCES,
            format_func=lambda code: text(f"quality.references.{code}"),
            key="quality-reference",
            width=260,
        )
    return whole_days(first, last, int(times), zone)


def whole_days(first: date, last: date, times: int, zone: tzinfo | None) -> Period:
    """From the first day's midnight to the last day's end; the reference is ``times`` as many days before it."""
    days = (last - first).days + 1
    ends = (first, last + timedelta(days=1), first - timedelta(days=days * times))
    start, end, before = (datetime.combine(day, time(), zone).astimezone() for day in ends)
    return Period(start, end, before)


def choose_truth(here: Here) -> tuple[Mapping[str, Outcome] | None, str]:
    """The rows of the table that was brought, and its digest; None where there is none. It is kept nowhere."""
    with st.expander(text("quality.truth-add")):
        show(tag("p", text("quality.truth-how"), cls="ed-soft"))
        file = st.file_uploader(text("quality.truth-file"), type="csv", key="quality-truth")
        if file is None:
            return None, ""
        raw = file.getvalue()
        try:
            table = read_truth(raw)
        except TruthError as error:
            show(
                callout(
                    text("quality.truth-refused"),
                    text(f"quality.fault.{error.fault}"),
                    tone="danger",
                    live=True,
                )
            )
            return None, ""
        show(tag("p", many("quality.truth-read", len(table.rows))))
        if table.faults:
            lines = [
                text("quality.truth-line", line=line, fault=text(f"quality.fault.{fault}"))
                for line, fault in table.faults[:_SHOWN_FAULTS]
            ]
            show(callout(many("quality.truth-faults", len(table.faults)), *lines))
        return table.rows, hashlib.sha256(raw).hexdigest()
