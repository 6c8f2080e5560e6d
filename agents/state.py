"""The graph's state: frozen values only.

Every channel holds one pydantic value, so that all patient data lies inside nested objects: a serializer that
encrypts leaves top-level strings and numbers readable.
"""

from typing import TypedDict

from agents.values import Delivery
from data_schemas import (
    ClinicianReview,
    Flag,
    IntakeRecord,
    ModelAnswer,
    Reason,
    Screening,
    SecondLook,
    TriageAssessment,
)
from data_schemas._base import Frozen


class Run(Frozen):
    """Which run this is: both ids are random and identify nobody."""

    case_id: str
    assessment_id: str


class Screened(Frozen):
    """The rules' findings and how long they took, in seconds."""

    screening: Screening
    seconds: float


class Asked(Frozen):
    """The model's answer, or why there is none: exactly one of the two."""

    answer: ModelAnswer | None
    failure: str | None
    seconds: float


class Verified(Frozen):
    """Checked evidence, and contradictions between the model's path and the record."""

    reasons: tuple[Reason, ...]
    flags: tuple[Flag, ...]
    seconds: float


class Looked(Frozen):
    """The second look, None where there was no doubt or nobody to ask."""

    look: SecondLook | None
    seconds: float


class Audited(Frozen):
    """What is wrong with the run's part of the audit chain; empty where it is in order."""

    problems: tuple[str, ...]


class CaseInput(TypedDict):
    """What a run starts from."""

    run: Run
    intake: IntakeRecord


class CaseState(CaseInput, total=False):
    """What the nodes add, each one its own key."""

    screened: Screened
    asked: Asked
    verified: Verified
    looked: Looked
    assessment: TriageAssessment
    proposal: Delivery
    review: ClinicianReview
    final: Delivery
    audited: Audited
