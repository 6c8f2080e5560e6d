"""One patient: level, why, and the button that decides; then the record that it rests on."""

import streamlit as st

from agents import Case, ReviewPolicy, Step
from data_schemas import EsiVersion, IntakeRecord
from ui.dashboard.auth import Permission
from ui.dashboard.here import Here, Page
from ui.dashboard.look import callout, empty_state, plain, show, tag
from ui.dashboard.patient import told
from ui.dashboard.patient.calls import calls
from ui.dashboard.patient.closed import decided
from ui.dashboard.patient.courses import courses, ruled
from ui.dashboard.patient.decide import THEN_NEXT, decision
from ui.dashboard.patient.evidence import model_evidence, rule_findings, struck
from ui.dashboard.patient.exhibits import Exhibit, exhibits, library
from ui.dashboard.patient.first import own_level
from ui.dashboard.patient.identity import banner
from ui.dashboard.patient.measure import DONE, new_vital_signs, show_note
from ui.dashboard.patient.record import record_panel
from ui.dashboard.patient.since import changed, second_look
from ui.dashboard.patient.suggestion import missing, other_flags, suggestion
from ui.dashboard.patient.taking import LEAVE
from ui.dashboard.patient.vitals import vital_signs
from ui.dashboard.patient.watch import watch
from ui.dashboard.patient.words import spoken
from ui.dashboard.services import Problem, RowState
from ui.dashboard.strings import text
from ui.dashboard.times import clock_time

PAGE = Page("patient", ":material/person:", Permission.SEE_CASE, order=20)
_UNDECIDED = {RowState.SUGGESTED, RowState.CHANGED}
_LAST = "patient-last"


def render(here: Here) -> None:
    """Draw it."""
    # What is drawn only at times has a place of its own: a piece that a timer draws is known by its place on the page,
    # and a click on one that has moved meanwhile would be lost.
    above = st.container(key="patient-above")
    leaving = st.session_state.pop(LEAVE, None)
    if leaving is not None:
        decided_on, words, tone = leaving
        here.notice(words, tone)
        if not _next(here, decided_on):
            here.go("board")
        with above:
            here.show_notice()
    st.session_state.pop(DONE, None)
    if here.case_id is None:
        show(empty_state(text("app.choose-patient")))
        _back(here)
        return
    told.remember(here.case_id)
    problem = told.taken()
    try:
        case = here.service.case(here.actor, here.case_id)
        policy = here.service.policy(here.actor)
        alerts = here.service.alerts(here.actor, case.id)
    except Problem as away:
        _away(here, here.case_id, away)
        return
    st.session_state[_LAST] = case
    hidden = here.service.level_asked(here.actor, case)
    found = () if hidden else _exhibits(here, case)
    names = here.may(Permission.SEE_NAMES)
    _back(here)
    show(banner(case, here.now, names=names))
    with st.container(key="patient-calls"):
        calls(here, alerts, levels=not hidden)
    watch(here, case)
    left, right = st.columns([1.5, 1], gap="medium")
    with right:
        _decide(here, case, policy, problem, hidden=hidden)
    with left:
        _suggested(here, case, found, hidden=hidden)
    _measure(here, case)
    with st.container(key="patient-below"):
        _below(here, case, found, hidden=hidden)


def _decide(here: Here, case: Case, policy: ReviewPolicy, problem: Problem | None, *, hidden: bool) -> None:
    if case.assessment is None:
        show(callout(text("patient.assessing"), text("patient.assessing-next"), tone="accent", live=True))
        st.button(text("patient.look-again"), key="look-again")
    elif case.review is not None:
        told.show_overtaken(here, case, case.review, problem)
        show(decided(case, here.now))
    elif hidden:
        own_level(here, case, problem)
    else:
        decision(here, case, policy, problem)


def _suggested(here: Here, case: Case, found: tuple[Exhibit, ...], *, hidden: bool) -> None:
    if case.assessment is None:
        return
    if hidden:
        show(callout(text("patient.hidden"), text("patient.hidden-why"), tone="accent"))
        show(record_panel(case.intake, ()))
    else:
        show(suggestion(case.assessment, found, decided=case.review is not None))
    lacking = missing(case.intake, None if hidden else case.assessment)
    if lacking is not None:
        show(lacking)


def _measure(here: Here, case: Case) -> None:
    if here.may(Permission.REASSESS) and case.assessment is not None:
        show_note()
        with st.expander(text("patient.measure"), icon=":material/vital_signs:"):
            new_vital_signs(here, case)


def _below(here: Here, case: Case, found: tuple[Exhibit, ...], *, hidden: bool) -> None:
    assessment = case.assessment
    earlier: tuple[IntakeRecord, ...] = ()
    if case.assessments > 1:
        with here.problems():
            since = changed(here.service.changes(here.actor, case.id), levels=not hidden)
            if since is not None:
                show(since)
            earlier = _earlier(here, case)
    version = here.settings.esi_version if assessment is None else assessment.screening.esi_version
    left, right = st.columns([1, 1], gap="medium")
    with left:
        rules = {} if assessment is None or hidden else ruled(assessment.screening)
        show(vital_signs(courses(case.intake, earlier, EsiVersion(version)), here.now, rules))
    if hidden:
        return
    with right:
        show(record_panel(case.intake, found))
    if assessment is None:
        return
    left, right = st.columns([1, 1], gap="medium")
    with left:
        show(model_evidence(assessment, found))
        for part in (struck(found), second_look(assessment.second_look)):
            if part is not None:
                show(part)
    with right:
        show(rule_findings(assessment, found))
        flags = other_flags(assessment)
        if flags:
            lines = [spoken("li", flag.message) for flag in flags]
            show(tag("details", tag("summary", text("patient.other-flags")), tag("ul", *lines)))


def _exhibits(here: Here, case: Case) -> tuple[Exhibit, ...]:
    if case.assessment is None:
        return ()
    statements = library(case.assessment.screening.esi_version, here.settings.guideline_dir)
    return exhibits(case.assessment, case.intake, statements)


def _earlier(here: Here, case: Case) -> tuple[IntakeRecord, ...]:
    steps = here.service.timeline(here.actor, case.id)
    return tuple(s.evidence for s in steps if s.step is Step.READ and isinstance(s.evidence, IntakeRecord))


def _away(here: Here, case_id: str, problem: Problem) -> None:
    """The service does not answer: say so, keep what was typed, and show the last that was read, marked as such."""
    _back(here)
    told.show_problem(here, problem)
    st.button(text("patient.try-again"), key="try-again", type="primary")
    told.show_words(case_id)
    last = st.session_state.get(_LAST)
    if problem.key == "service-away" and isinstance(last, Case) and last.id == case_id:
        show(
            callout(
                text("patient.stale"),
                text("patient.stale-why", at=clock_time(last.updated_at, here.now)),
                tone="warn",
            )
        )
        show(banner(last, here.now, names=here.may(Permission.SEE_NAMES)))
        show(vital_signs(courses(last.intake), here.now))
        show(record_panel(last.intake, ()))


def _next(here: Here, after: str) -> bool:
    """Go on to the most urgent patient that nobody decided on, where that is wanted and there is one."""
    if not st.session_state.get(THEN_NEXT):
        return False
    try:
        rows = here.service.board(here.actor).rows
    except Problem:
        return False
    following = next((row.case_id for row in rows if row.state in _UNDECIDED and row.case_id != after), None)
    if following is None:
        return False
    here.choose(following)
    return True


def _back(here: Here) -> None:
    if st.button(plain(text("patient.back")), key="back", icon=":material/arrow_back:", type="tertiary"):
        here.go("board")
