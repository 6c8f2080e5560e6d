"""Taking a decision with what the fields hold, and the fields that both ways of deciding share."""

from typing import Any

import streamlit as st

from agents import Case, PendingWrite
from data_schemas import ReviewDecision
from ui.dashboard.here import Here
from ui.dashboard.look import level_look, show, tag
from ui.dashboard.patient import told
from ui.dashboard.services import Problem
from ui.dashboard.strings import text

LEAVE = "patient-leave"
"""Set by a click that decided, with what is to be said: the next run goes on to the board or to the next patient."""
LONGEST = 2000


def decide(here: Here, case: Case, decided: ReviewDecision, *, confirmed: bool = False) -> None:
    """Take the decision that the fields hold, on the assessment that ``case`` was drawn with."""
    assessment = case.assessment
    assert assessment is not None
    overriding = decided is ReviewDecision.OVERRIDE
    told.remember(case.id)
    try:
        outcome = here.service.decide(
            here.actor,
            case.id,
            assessment.id,
            decided,
            level=_field("change-level", case) if overriding else None,
            reason=_field("change-reason", case) if overriding else None,
            comment=_words("comment", case),
            confirmed=confirmed,
            why_not=_words("change-why-not" if overriding else "why-not", case),
        )
    except Problem as problem:
        told.keep(problem)
        return
    told.forget(case.id)
    word = level_look(outcome.level, assessment.scale).word
    pending = isinstance(outcome, PendingWrite)
    key = "patient.decided-pending" if pending else "patient.decided"
    st.session_state[LEAVE] = (
        case.id,
        text(key, level=outcome.level, word=word),
        "warn" if pending else "good",
    )


def why_not(here: Here, case: Case, problem: Problem | None, *, field: str, required: bool) -> None:
    """The answer to rules that ask to consider a more urgent level."""
    told.restore(case.id, [field])
    label = text("patient.why-not-required" if required else "patient.why-not")
    st.text_input(label, key=told.key(field, case.id), max_chars=LONGEST)
    beside(here, problem, "why_not")


def beside(here: Here, problem: Problem | None, field: str) -> None:
    """What is wrong with a field, right below it. Its place is always there, so that an open list below stays open."""
    with st.container():
        if problem is not None and problem.field == field:
            show(tag("p", here.words(problem), cls="pt-error"))


def _field(name: str, case: Case) -> Any:
    return st.session_state.get(told.key(name, case.id))


def _words(name: str, case: Case) -> str | None:
    return str(_field(name, case) or "").strip() or None
