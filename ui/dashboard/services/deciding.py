"""What a decision still needs, by name, so that the form can say it in the reader's language.

The agent's policy decides; these are its questions asked first. What it refuses beyond them stays refused.
"""

from agents import Asking, ReviewPolicy, must_confirm, questions
from data_schemas import OverrideReason, ReviewDecision, ReviewerRole, TriageAssessment
from ui.dashboard.services.problems import Problem


def check_decision(
    assessment: TriageAssessment,
    policy: ReviewPolicy,
    *,
    decision: ReviewDecision,
    level: int | None,
    reason: OverrideReason | None,
    role: ReviewerRole,
    confirmed: bool,
    why_not: str | None,
) -> None:
    """Nothing, where nothing is lacking that can be told beforehand.

    Raises:
        Problem: what is lacking; ``field`` names the field of the form.
    """
    accepting = decision is ReviewDecision.ACCEPT
    chosen = assessment.level if accepting else level
    if chosen is None:
        raise Problem("invalid", field="level", detail="1-5")
    if not accepting and chosen == assessment.level:
        raise Problem("same-level", field="level", level=chosen)
    if not accepting and reason is None:
        raise Problem("reason-needed", field="reason")
    floor = assessment.floor
    if floor is not None and chosen > floor and role not in policy.floor_override_roles:
        rules = ", ".join(assessment.floor_statement_ids)
        raise Problem("floor-needs-physician", field="level", level=chosen, floor=floor, rules=rules)
    if accepting and not confirmed and must_confirm(assessment, policy) is not None:
        raise Problem("confirm-needed", field="confirmed", level=assessment.level)
    if policy.why_not is Asking.REQUIRED and not (why_not or "").strip():
        asked = questions(assessment, chosen, up_to=policy.why_not_level)
        if asked:
            raise Problem("why-not-needed", field="why_not", level=min(question.level for question in asked))
