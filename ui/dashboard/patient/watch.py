"""Tells that the page is no longer what the service holds, while somebody looks at it. Nothing typed is touched."""

import streamlit as st

from agents import Case
from data_schemas import ReviewDecision
from ui.dashboard.here import Here
from ui.dashboard.look import callout, show
from ui.dashboard.services import Problem, Row, RowState
from ui.dashboard.shell import still_here
from ui.dashboard.strings import text


def watch(here: Here, case: Case) -> None:
    """A small piece that a timer draws; it reads the board, which all sessions share."""

    @st.fragment(run_every=here.settings.ui.refresh_seconds)
    def look() -> None:
        still_here(here.service)
        try:
            rows = here.service.board(here.actor).rows
        except Problem:
            return
        row = next((row for row in rows if row.case_id == case.id), None)
        if row is None or same(case, row):
            return
        show(callout(text("patient.no-longer"), text("patient.no-longer-next"), tone="warn", live=True))
        if st.button(text("patient.show-it"), key=f"show-newer-{case.id}"):
            st.rerun()

    look()


def same(case: Case, row: Row) -> bool:
    """Whether the board knows nothing newer than what was drawn."""
    if row.assessment_id != (None if case.assessment is None else case.assessment.id):
        return False
    if case.review is None:
        return row.state not in {RowState.ACCEPTED, RowState.OVERRIDDEN}
    accepted = case.review.decision is ReviewDecision.ACCEPT
    return row.state is (RowState.ACCEPTED if accepted else RowState.OVERRIDDEN)
