"""What the record is told in words: who decided, what limits the suggestion, and what argues for which level.

Whoever reads the note sees neither our screen nor our database: a reason for another level, a refused model and
a missing measurement must be in the words, or the level looks better founded than it is.
"""

from collections.abc import Iterable

from data_schemas import (
    AssessmentMode,
    IntakeRecord,
    Reason,
    ReasonOrigin,
    ReviewDecision,
    ReviewerRole,
    TriageAssessment,
    WriteRequest,
)
from triage.verifying import evidence_label

DEMO_CLINICIAN = "scripted demo clinician"


def evidence_sentences(request: WriteRequest) -> list[str]:
    """The note, one sentence each: the decision, the limits, then every reason that stood verification."""
    assessment = request.assessment
    return [
        *_decision(request),
        *_limits(assessment),
        *_reasons(assessment),
        *_unknown(request.record),
    ]


def decider(request: WriteRequest) -> str:
    """Who decided, in words that never make a script look like a person."""
    scripted = request.review is not None and request.review.role is ReviewerRole.DEMO
    return f"{DEMO_CLINICIAN} (not a person)" if scripted else "clinician"


def _decision(request: WriteRequest) -> Iterable[str]:
    level, review = request.assessment.level, request.review
    if review is None:
        yield f"Suggested by a program and not confirmed by a clinician: level {level}."
        return
    who = decider(request)
    if review.decision is ReviewDecision.ACCEPT:
        yield f"The {who} accepted the suggested level {level}."
    else:
        yield f"The {who} changed the suggested level {level} to {review.level} ({review.reason})."
    if review.comment:
        yield f"Comment of the {who}: {review.comment}"


def _limits(assessment: TriageAssessment) -> Iterable[str]:
    level, first, last = assessment.level, assessment.set_most_urgent, assessment.set_least_urgent
    if assessment.mode is AssessmentMode.RULES_ONLY:
        yield "No language model took part; the suggestion is that of the rules alone."
    elif rules := assessment.raised_words:
        yield f"The model said level {assessment.model_level}; the suggestion was raised to {level} by {rules}."
    if first != last:
        yield f"The suggestion allows for levels {first} to {last}."


def _reasons(assessment: TriageAssessment) -> Iterable[str]:
    if not assessment.evidence:
        yield f"No checked evidence supports level {assessment.level}."
    for reason in assessment.evidence:
        yield f"For level {assessment.level}: {_said(reason)}"
    for reason in assessment.other_levels:
        yield f"For level {reason.argues_for(assessment.screening)} and not for the one suggested: {_said(reason)}"
    if any(r.origin is ReasonOrigin.MODEL and r.struck is None for r in assessment.reasons):
        yield f"Evidence given by the model is {evidence_label(assessment.identity)}."
    for reason in assessment.observations:
        if reason.text.strip():
            yield f"Looked at, evidence for no level: {_said(reason)}"


def _said(reason: Reason) -> str:
    """A rule's text holds the values, a model's is the statement's own: neither is said twice."""
    origin = "model" if reason.origin is ReasonOrigin.MODEL else "rule"
    statement = reason.statement
    if statement is None:
        return f"{reason.text} ({origin})"
    values = "" if reason.text == statement.text else f"{reason.text.rstrip('.')}: "
    return f"{values}{statement.text} ({origin}; {statement.source})"


def _unknown(record: IntakeRecord) -> Iterable[str]:
    if record.missing:
        names = ", ".join(kind.value.replace("_", " ") for kind in record.missing)
        yield f"Not recorded, so not reassuring: {names}."
