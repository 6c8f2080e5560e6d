"""How triage went in a period: volumes, waits, changes, agreement, subgroups, drift, alerts. Nobody is named."""

from collections.abc import Mapping
from datetime import timedelta, tzinfo
from typing import Literal

import streamlit as st

from agents.quality import Figures, Outcome, Period, to_csv
from ui.dashboard.auth import Permission
from ui.dashboard.here import Here, Page
from ui.dashboard.look import empty_state, heading, section, show, tag
from ui.dashboard.quality_parts import sections
from ui.dashboard.quality_parts.choosing import choose_period, choose_truth
from ui.dashboard.quality_parts.drifting import drifts
from ui.dashboard.strings import text
from ui.dashboard.times import clock_time, zone

PAGE = Page("quality", ":material/monitoring:", Permission.SEE_QUALITY, order=40)

_KEPT = "_quality"
_STAY: Literal["ignore"] = "ignore"
_FRESH = timedelta(minutes=5)


def render(here: Here) -> None:
    """Draw it."""
    show(heading(text("quality.title"), text("quality.lead")))
    here_zone = zone()
    period = choose_period(here.now, here_zone)
    if period is None:
        show(empty_state(text("quality.choose-both")))
        return
    rows, digest = choose_truth(here)
    with here.problems():
        figures = _figures(here, period, rows, digest, here_zone)
        if not figures.volumes.cases:
            show(empty_state(text("quality.empty"), text("quality.empty-help")))
            return
        as_table = st.toggle(text("quality.as-tables"), key="quality-tables")
        scale = here.settings.scale
        show(sections.summary(figures))
        show(sections.volumes(figures, scale, as_table=as_table))
        show(sections.waits(figures))
        show(sections.overrides(figures))
        show(sections.agreed(figures))
        show(section(text("quality.truth"), sections.truth(figures.truth)))
        show(sections.silent(figures))
        show(sections.attributes(figures.subgroups, with_truth=figures.truth is not None))
        show(drifts(figures.drift))
        show(sections.alerts(figures))


def _figures(
    here: Here, period: Period, rows: Mapping[str, Outcome] | None, digest: str, here_zone: tzinfo | None
) -> Figures:
    """The figures of the period, computed anew every five minutes and when asked for."""
    key = (period, digest, str(here_zone))
    kept = st.session_state.get(_KEPT)
    if kept is None or kept[0] != key or here.now - kept[1] > _FRESH:
        with st.spinner(text("quality.computing")):
            figures = here.service.quality(here.actor, period, truth=rows, zone=here_zone)
        kept = (key, here.now, figures)
        st.session_state[_KEPT] = kept
    with st.container(key="quality-tools", horizontal=True, vertical_alignment="center"):
        show(tag("p", text("quality.as-of", at=clock_time(kept[1], here.now)), cls="ed-soft"))
        st.button(text("quality.refresh"), key="quality-refresh", icon=":material/refresh:", on_click=_forget)
        st.download_button(
            text("quality.download"),
            data=to_csv(kept[2]),
            file_name="quality.csv",
            mime="text/csv",
            key="quality-csv",
            icon=":material/download:",
            on_click=_STAY,
        )
    found: Figures = kept[2]
    return found


def _forget() -> None:
    st.session_state.pop(_KEPT, None)
