"""Level first: the clinician's own level, asked before the suggestion is shown."""

import streamlit as st

from agents import Case
from data_schemas import LEVELS
from ui.dashboard.auth import Permission
from ui.dashboard.here import Here
from ui.dashboard.look import level_look, plain, show, tag
from ui.dashboard.patient import told
from ui.dashboard.patient.identity import beside_decision
from ui.dashboard.services import Problem
from ui.dashboard.strings import text


def own_level(here: Here, case: Case, problem: Problem | None) -> None:
    """Five buttons; one click gives the level and shows the suggestion."""
    assessment = case.assessment
    assert assessment is not None
    with st.container(key="decide", border=True):
        show(beside_decision(case.intake, names=here.may(Permission.SEE_NAMES)))
        if problem is not None:
            told.show_problem(here, problem)
        show(tag("h2", text("patient.first-title")))
        show(tag("p", text("patient.first-help"), cls="ed-soft"))
        for level in LEVELS:
            look = level_look(level, assessment.scale)
            st.button(
                plain(text("patient.level-word", level=level, word=look.word)),
                key=f"own-{level}-{assessment.id}",
                width="stretch",
                on_click=_give,
                args=(here, case.id, assessment.id, level),
            )


def _give(here: Here, case_id: str, assessment_id: str, level: int) -> None:
    try:
        here.service.give_level(here.actor, case_id, assessment_id, level)
    except Problem as problem:
        told.keep(problem)
