"""Deciding: one click for the usual case, a deliberate one where the policy asks for it, and changing the level.

What a click does happens in its callback, with the assessment that was on the screen when it was clicked: a suggestion
that came meanwhile is never decided on by accident.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import streamlit as st

from agents import Asking, Case, Question, ReviewPolicy, must_confirm, questions
from data_schemas import ReviewDecision, TriageAssessment
from ui.dashboard.auth import Permission
from ui.dashboard.here import Here
from ui.dashboard.look import callout, chip, level_look, plain, show, tag
from ui.dashboard.patient import told
from ui.dashboard.patient.change import change_level
from ui.dashboard.patient.identity import beside_decision
from ui.dashboard.patient.taking import beside, decide, why_not
from ui.dashboard.patient.words import either, spoken
from ui.dashboard.services import Problem
from ui.dashboard.strings import text

THEN_NEXT = "patient-then-next"
ACCEPT_KEY = "alt+a"
"""With a modifier: a scanner that types a wristband must not decide anything (WCAG 2.2, 2.1.4)."""


def decision(here: Here, case: Case, policy: ReviewPolicy, problem: Problem | None) -> None:
    """The panel beside the suggestion. ``problem``: what the last click met with."""
    assessment = case.assessment
    assert assessment is not None
    names = here.may(Permission.SEE_NAMES)
    with st.container(key="decide", border=True):
        show(beside_decision(case.intake, names=names))
        with st.container():  # always there: what stands below must not be drawn anew when the words go
            if problem is not None:
                told.show_problem(here, problem)
        if not here.may(Permission.DECIDE):
            show(tag("p", text("patient.cannot-decide"), cls="ed-soft"))
            return
        if expired(assessment, here.settings.review.suggestion_minutes, here.now):
            _again(here, case)
            return
        _accept(here, case, assessment, policy, problem)
        change_level(here, case, assessment, policy, problem)
        _afterwards()


def expired(assessment: TriageAssessment, minutes: float, now: datetime) -> bool:
    """Whether a suggestion has waited too long to be decided on."""
    return minutes > 0 and now - assessment.created_at > timedelta(minutes=minutes)


def _accept(
    here: Here, case: Case, assessment: TriageAssessment, policy: ReviewPolicy, problem: Problem | None
) -> None:
    own = here.service.unaided_level(here.actor, assessment.id)
    look = level_look(assessment.level, assessment.scale)
    if own is not None:
        same = own == assessment.level
        key = "patient.own-same" if same else "patient.own-differs"
        words = text(key, own=own, level=assessment.level)
        show(callout(words, tone="good" if same else "warn"))
    asked = questions(assessment, assessment.level)
    required = policy.why_not is Asking.REQUIRED and any(q.level <= policy.why_not_level for q in asked)
    if required:
        _asked(here, case, asked, problem, required=True)
    why = must_confirm(assessment, policy)
    confirmed = True
    if why is not None:
        show(tag("p", chip(text("patient.deliberate"), "warn"), " ", _confirm_words(assessment)))
        confirmed = st.checkbox(
            text("patient.confirm", level=assessment.level), key=f"confirm-{assessment.id}"
        )
        beside(here, problem, "confirmed")
    st.button(
        plain(text("patient.accept", level=assessment.level, word=look.word)),
        key=f"accept-{assessment.id}",
        type="primary",
        width="stretch",
        shortcut=ACCEPT_KEY,
        disabled=not confirmed,
        on_click=_accepted,
        args=(here, case, why is not None),
    )
    if asked and not required:
        _asked(here, case, asked, problem, required=False)


def _asked(
    here: Here, case: Case, asked: Sequence[Question], problem: Problem | None, *, required: bool
) -> None:
    """What the rules ask whoever accepts; above the button where an answer is needed, else below it."""
    levels = either(sorted({question.level for question in asked}))
    show(
        tag(
            "details",
            tag("summary", tag("b", text("patient.rules-ask", levels=levels))),
            tag("ul", *(spoken("li", question.text) for question in asked), cls="pt-questions"),
            cls="pt-asked",
            open=required,
        )
    )
    why_not(here, case, problem, field="why-not", required=required)


def _accepted(here: Here, case: Case, deliberate: bool) -> None:
    """The click on accept; where the policy asks for it, the box was ticked or there was no button to click."""
    assert case.assessment is not None
    ticked = bool(st.session_state.get(f"confirm-{case.assessment.id}"))
    decide(here, case, ReviewDecision.ACCEPT, confirmed=deliberate and ticked)


def _confirm_words(assessment: TriageAssessment) -> str:
    urgent = assessment.level <= 2
    return text("patient.confirm-urgent" if urgent else "patient.confirm-conflict", level=assessment.level)


def _again(here: Here, case: Case) -> None:
    minutes = f"{here.settings.review.suggestion_minutes:g}"
    show(
        callout(
            text("patient.expired"), text("patient.expired-next", minutes=minutes), tone="warn", live=True
        )
    )
    st.button(
        text("patient.assess-again"),
        key="assess-again",
        type="primary",
        width="stretch",
        on_click=_assess_again,
        args=(here, case.id),
    )


def _assess_again(here: Here, case_id: str) -> None:
    try:
        here.service.reassess(here.actor, case_id)
        here.notice(text("patient.assessed-again"))
    except Problem as problem:
        told.keep(problem)


def _afterwards() -> None:
    """A choice that holds for every patient of the session."""
    st.toggle(
        text("patient.then-next"),
        value=bool(st.session_state.get(THEN_NEXT)),
        key="then-next",
        on_change=_remember_next,
    )


def _remember_next() -> None:
    st.session_state[THEN_NEXT] = st.session_state["then-next"]
