"""Deciding another level than the suggested one: with a coded reason, and an answer to the rules that ask."""

import streamlit as st

from agents import Asking, Case, ReviewPolicy, questions
from data_schemas import LEVELS, OverrideReason, ReviewDecision, TriageAssessment
from ui.dashboard.here import Here
from ui.dashboard.look import callout, level_look, plain, show, tag
from ui.dashboard.patient import told
from ui.dashboard.patient.taking import LONGEST, beside, decide, why_not
from ui.dashboard.patient.words import either, spoken
from ui.dashboard.services import Problem
from ui.dashboard.strings import text

_FIELDS = {"level", "reason"}


def change_level(
    here: Here, case: Case, assessment: TriageAssessment, policy: ReviewPolicy, problem: Problem | None
) -> None:
    """The fields, folded away until they are wanted."""
    own = here.service.unaided_level(here.actor, assessment.id)
    begun = st.session_state.get(told.key("change-level", case.id)) is not None
    told.restore(case.id, ["change-level", "change-reason", "comment"])
    wanted = begun or (own is not None and own != assessment.level)
    with st.expander(text("patient.change"), expanded=wanted, icon=":material/swap_vert:"):
        allowed, refused = levels(here, assessment, policy)
        if refused:
            rules = ", ".join(assessment.floor_statement_ids)
            who = ", ".join(text(f"role.{role}") for role in sorted(policy.floor_override_roles)) or text(
                "patient.nobody"
            )
            title = text("patient.floor", levels=either(refused), floor=assessment.floor)
            show(callout(title, text("patient.floor-who", rules=rules, who=who), tone="warn"))
        chosen = st.radio(
            text("patient.new-level"),
            allowed,
            index=None,
            format_func=lambda level: plain(_level(level, assessment)),
            key=told.key("change-level", case.id),
            horizontal=True,
        )
        beside(here, problem, "level")
        if chosen is not None and assessment.floor is not None and chosen > assessment.floor:
            show(tag("p", text("patient.below-floor", floor=assessment.floor), cls="pt-error"))
        # All in view: a list to open closes when the page moves under it, and takes a second click.
        st.radio(
            text("patient.reason"),
            list(OverrideReason),
            index=None,
            format_func=lambda reason: text(f"reason.{reason}"),
            key=told.key("change-reason", case.id),
        )
        beside(here, problem, "reason")
        _asked(here, case, assessment, policy, chosen, problem)
        st.text_area(text("patient.comment"), key=told.key("comment", case.id), max_chars=LONGEST, height=80)
        label = text("patient.decide-none") if chosen is None else text("patient.decide", level=chosen)
        st.button(
            label,
            key=f"override-{assessment.id}",
            width="stretch",
            disabled=chosen is None,
            on_click=decide,
            args=(here, case, ReviewDecision.OVERRIDE),
        )


def levels(here: Here, assessment: TriageAssessment, policy: ReviewPolicy) -> tuple[list[int], list[int]]:
    """The other levels that this role may decide, and those that it may not."""
    others = [level for level in LEVELS if level != assessment.level]
    if assessment.floor is None or here.actor.reviewer_role in policy.floor_override_roles:
        return others, []
    floor = assessment.floor
    return [level for level in others if level <= floor], [level for level in others if level > floor]


def _asked(
    here: Here,
    case: Case,
    assessment: TriageAssessment,
    policy: ReviewPolicy,
    chosen: int | None,
    problem: Problem | None,
) -> None:
    """The rules that ask to consider a more urgent level than the one chosen."""
    asked = questions(assessment, chosen) if chosen is not None else ()
    if not asked:
        return
    show(tag("ul", *(spoken("li", question.text) for question in asked), cls="pt-questions"))
    required = policy.why_not is Asking.REQUIRED and min(q.level for q in asked) <= policy.why_not_level
    why_not(here, case, problem, field="change-why-not", required=required)


def _level(level: int, assessment: TriageAssessment) -> str:
    return text("patient.level-word", level=level, word=level_look(level, assessment.scale).word)
