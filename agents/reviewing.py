"""Whether a decision makes sense and is allowed, before it is kept."""

from datetime import datetime

from pydantic import ValidationError

from agents.context import AgentSettings
from agents.errors import InvalidReviewError
from agents.policy import refusal
from data_schemas import ClinicianReview, OverrideReason, ReviewDecision, ReviewerRole, TriageAssessment


def make_review(
    assessment: TriageAssessment,
    *,
    decision: ReviewDecision,
    level: int | None,
    reason: OverrideReason | None,
    comment: str | None,
    reviewer: str,
    role: ReviewerRole,
    confirmed: bool = False,
    why_not: str | None = None,
    unaided_level: int | None = None,
    settings: AgentSettings,
    now: datetime,
) -> ClinicianReview:
    """The decision on ``assessment``.

    Raises:
        InvalidReviewError: it contradicts itself, or the policy does not allow it.
    """
    if decision is ReviewDecision.ACCEPT:
        if level is not None and level != assessment.level:
            raise InvalidReviewError(
                f"accepting means level {assessment.level}; to decide level {level}, override with a reason"
            )
        chosen = assessment.level
    else:
        if level is None:
            raise InvalidReviewError("an override names the level decided (1 to 5)")
        if reason is None:
            raise InvalidReviewError("an override needs a reason: one of " + ", ".join(OverrideReason))
        if level == assessment.level:
            raise InvalidReviewError(f"level {level} is the suggestion: accept it instead of overriding it")
        chosen = level
    if not reviewer.strip():
        raise InvalidReviewError("reviewer: say who decides")
    not_allowed = refusal(
        assessment,
        settings.policy,
        decision=decision,
        level=chosen,
        reason=reason,
        role=role,
        confirmed=confirmed,
        why_not=why_not,
    )
    if not_allowed is not None:
        raise InvalidReviewError(not_allowed)
    try:
        return ClinicianReview(
            assessment_id=assessment.id,
            decision=decision,
            level=chosen,
            reason=reason,
            comment=comment,
            reviewer=reviewer,
            role=role,
            decided_at=now,
            confirmed=confirmed,
            why_not=why_not,
            unaided_level=unaided_level,
        )
    except ValidationError as error:
        # Field and rule only: the values may quote the patient.
        words = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'decision'}: {item['msg']}"
            for item in error.errors(include_input=False, include_context=False)
        )
        raise InvalidReviewError(words) from None
