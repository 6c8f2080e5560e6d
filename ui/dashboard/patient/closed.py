"""What was decided, by whom, and whether the hospital's record holds it."""

from datetime import datetime

from agents import Case
from data_schemas import ClinicianReview, ReviewDecision, WriteState
from ui.dashboard.look import Safe, chip, definition, level_badge, panel, tag
from ui.dashboard.strings import text, word
from ui.dashboard.times import clock_time

_TONES = {WriteState.WRITTEN: "good", WriteState.NOT_CONFIGURED: "plain"}


def decided(case: Case, now: datetime) -> Safe:
    """The decision on the current assessment."""
    review, assessment = case.review, case.assessment
    assert review is not None
    assert assessment is not None
    accepted = review.decision is ReviewDecision.ACCEPT
    key = "patient.was-accepted" if accepted else "patient.was-changed"
    note = text(key, who=review.reviewer, at=clock_time(review.decided_at, now))
    return panel(
        level_badge(review.level, assessment.scale, note=note, large=True),
        definition(_details(review, assessment.level)),
        tag("div", *_written(case), cls="pt-written"),
        tag("p", text("patient.after-decision"), cls="ed-soft pt-after"),
        title=text("patient.decided-title"),
        tone="good",
    )


def _details(review: ClinicianReview, suggested: int) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = [
        (
            text("patient.by-role"),
            text(f"role.{review.role}") if review.role.value != "demo" else review.role.value,
        )
    ]
    if review.decision is ReviewDecision.OVERRIDE:
        found.append((text("patient.had-suggested"), str(suggested)))
    if review.reason is not None:
        found.append((text("patient.reason"), text(f"reason.{review.reason}")))
    if review.comment:
        found.append((text("patient.comment"), review.comment))
    if review.why_not:
        found.append((text("patient.why-not"), review.why_not))
    if review.confirmed:
        found.append((text("patient.confirmed"), text("patient.yes")))
    if review.unaided_level is not None:
        found.append((text("patient.unaided"), str(review.unaided_level)))
    return found


def _written(case: Case) -> list[Safe]:
    if case.final is None:
        return [chip(text("patient.write.pending"), "warn")]
    state = case.final.state
    return [chip(word("patient.write", state.value), _TONES.get(state, "warn"))]
