"""What a decision must bring with it, by configuration. Enforced by the service, whatever the screen does."""

from enum import StrEnum

from data_schemas import AcuityLevel, OverrideReason, ReviewDecision, ReviewerRole, RuleTier, TriageAssessment
from data_schemas._base import Frozen

CONFLICTS = frozenset({"raised-by-floor", "rules-disagree"})
"""Flags that say the model's level is not the rules'."""


class Asking(StrEnum):
    """Whether a clinician who decides less urgently than a rule asks to consider must say why."""

    OPTIONAL = "optional"
    """It is asked, and an answer is recorded."""
    REQUIRED = "required"


class ReviewPolicy(Frozen):
    """The policy of a site.

    ``floor_override_roles`` may decide a level less urgent than a demand rule's, with a coded reason; nobody else may.
    ``confirm_levels``: suggestions of these levels are accepted with an express confirmation only.
    ``confirm_conflicts``: so are suggestions where model and rules are at odds. ``why_not``: see ``Asking``; it
    concerns considered levels from 1 to ``why_not_level``.
    """

    floor_override_roles: frozenset[ReviewerRole] = frozenset({ReviewerRole.PHYSICIAN})
    confirm_levels: frozenset[AcuityLevel] = frozenset({1, 2})
    confirm_conflicts: bool = True
    why_not: Asking = Asking.OPTIONAL
    why_not_level: AcuityLevel = 2


class Question(Frozen):
    """A rule that asks to consider a more urgent level. ``text`` may quote values of the patient: for the screen."""

    statement_id: str
    level: int
    text: str


def questions(assessment: TriageAssessment, level: int, *, up_to: int = 5) -> tuple[Question, ...]:
    """What a clinician who decides ``level`` is asked: one for each rule that asks to consider a more urgent one."""
    return tuple(
        Question(
            statement_id=finding.statement.id,
            level=finding.level,
            text=f"A rule asks to consider level {finding.level}: {finding.explanation} "
            f"({finding.statement.id}). Why not?",
        )
        for finding in assessment.screening.findings
        if finding.tier is RuleTier.CONSIDER and finding.level < level and finding.level <= up_to
    )


def must_confirm(assessment: TriageAssessment, policy: ReviewPolicy) -> str | None:
    """Why accepting this suggestion takes an express confirmation; None where a plain one will do."""
    if assessment.level in policy.confirm_levels:
        return f"the suggestion is level {assessment.level}"
    if policy.confirm_conflicts:
        found = sorted(flag.code for flag in assessment.flags if flag.code in CONFLICTS)
        if found:
            return f"the model and the rules are at odds ({', '.join(found)})"
    return None


def refusal(
    assessment: TriageAssessment,
    policy: ReviewPolicy,
    *,
    decision: ReviewDecision,
    level: int,
    reason: OverrideReason | None,
    role: ReviewerRole,
    confirmed: bool,
    why_not: str | None,
) -> str | None:
    """Why the policy does not allow this decision, with the remedy; None where it does."""
    floor = assessment.floor
    if floor is not None and level > floor:
        rules = ", ".join(assessment.floor_statement_ids)
        below = f"level {level} is less urgent than the safety floor {floor} ({rules})"
        if role not in policy.floor_override_roles:
            allowed = ", ".join(sorted(policy.floor_override_roles)) or "nobody"
            return f"{below}; allowed to: {allowed}"
        if reason is None:
            return f"{below}; give a reason: one of {', '.join(OverrideReason)}"
    if decision is ReviewDecision.ACCEPT and not confirmed:
        why = must_confirm(assessment, policy)
        if why is not None:
            return f"{why}: look at the evidence and confirm it (`--confirm`), or override it"
    if policy.why_not is Asking.REQUIRED and not (why_not or "").strip():
        asked = questions(assessment, level, up_to=policy.why_not_level)
        if asked:
            rules = ", ".join(dict.fromkeys(question.statement_id for question in asked))
            return f"rules ask to consider level {min(q.level for q in asked)} ({rules}): say why not (`--why-not`)"
    return None
