"""What a click left to be said on the run after it, and words that were typed and must not be lost."""

from collections.abc import Iterable

import streamlit as st

from agents import Case
from data_schemas import ClinicianReview
from ui.dashboard.here import Here
from ui.dashboard.look import Safe, callout, panel, show, tag
from ui.dashboard.services import Problem
from ui.dashboard.strings import has_text, text

_PROBLEM, _DRAFTS = "patient-problem", "patient-drafts"
DRAFTED = ("comment", "why-not", "change-why-not", "change-level", "change-reason")
"""Fields of the decision, by the first part of their keys."""


def key(field: str, case_id: str) -> str:
    """The key of a field: by case and not by assessment, so that a newer suggestion empties nothing."""
    return f"{field}-{case_id}"


def keep(problem: Problem) -> None:
    """Show it on the next run."""
    st.session_state[_PROBLEM] = problem


def taken() -> Problem | None:
    """The problem that a click left, once."""
    problem = st.session_state.pop(_PROBLEM, None)
    return problem if isinstance(problem, Problem) else None


def show_problem(here: Here, problem: Problem, *more: str | Safe) -> None:
    """What was not done, why, and the next step."""
    lines: list[str | Safe] = [here.words(problem), *more]
    following = f"patient.next.{problem.key}"
    if has_text(following):
        lines.append(tag("b", text(following)))
    show(callout(text("problem.title"), *lines, tone="danger", live=True))


def remember(case_id: str) -> None:
    """Keep what the fields hold; Streamlit forgets the fields that a run does not draw."""
    draft = st.session_state.setdefault(_DRAFTS, {}).setdefault(case_id, {})
    for field in DRAFTED:
        if key(field, case_id) in st.session_state:
            draft[field] = st.session_state[key(field, case_id)]


def restore(case_id: str, fields: Iterable[str] = DRAFTED) -> None:
    """Give fields that are about to be drawn what they held before."""
    draft = st.session_state.get(_DRAFTS, {}).get(case_id, {})
    for field in fields:
        if draft.get(field) is not None and key(field, case_id) not in st.session_state:
            st.session_state[key(field, case_id)] = draft[field]


def forget(case_id: str) -> None:
    """The words have been used."""
    st.session_state.get(_DRAFTS, {}).pop(case_id, None)
    for field in DRAFTED:
        st.session_state.pop(key(field, case_id), None)


def show_words(case_id: str) -> None:
    """Words that were typed for a decision that was not taken."""
    draft = st.session_state.get(_DRAFTS, {}).get(case_id, {})
    words = [draft[field] for field in ("comment", "why-not", "change-why-not") if draft.get(field)]
    if words:
        show(panel(*(tag("p", line) for line in words), title=text("patient.your-words"), tone="warn"))


def show_overtaken(here: Here, case: Case, review: ClinicianReview, problem: Problem | None) -> None:
    """Somebody decided while this person was about to: by a click that came too late, or before any click.

    The page may be drawn anew by a field alone. Without this it would then show a decision in the place of what was
    being entered, and not say where that went.
    """
    draft = st.session_state.get(_DRAFTS, {}).get(case.id, {})
    if problem is None:
        if not any(draft.values()):
            return
        problem = Problem("already-decided", who=review.reviewer, at=review.decided_at)
    show_problem(here, problem, text("patient.decided-level", level=review.level))
    show_words(case.id)
    if any(draft.values()):
        st.button(text("patient.acknowledge"), key=f"overtaken-{case.id}", on_click=forget, args=(case.id,))
