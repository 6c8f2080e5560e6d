"""What the clinician decided."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from data_schemas._base import Frozen
from data_schemas.acuity import AcuityLevel


class ReviewDecision(StrEnum):
    """Accept the suggestion or replace it."""

    ACCEPT = "accept"
    OVERRIDE = "override"


class OverrideReason(StrEnum):
    """Why a clinician changed the suggestion; coded, so that overrides can be counted."""

    CLINICAL_JUDGEMENT = "clinical-judgement"
    MORE_INFORMATION = "more-information"
    PATIENT_CHANGED = "patient-changed"
    WRONG_DATA = "wrong-data"
    MISSING_DATA = "missing-data"
    RESOURCES = "resources"
    LOCAL_PROTOCOL = "local-protocol"
    OTHER = "other"


class ReviewerRole(StrEnum):
    """Who decided, by role."""

    NURSE = "nurse"
    PHYSICIAN = "physician"
    DEMO = "demo"
    """A scripted clinician; only the demo and tests use it, and it is written as such."""


class ClinicianReview(Frozen):
    """One decision on one assessment.

    ``confirmed``: the clinician said expressly that they looked, as the policy asks for some suggestions. ``why_not``
    is their answer to the rules that asked to consider a more urgent level than the one decided. ``unaided_level`` is
    the level that this clinician gave before the suggestion was shown, where the site asks for it first; None where it
    was not asked. The three are left out of the JSON where they say nothing.
    """

    assessment_id: str
    decision: ReviewDecision
    level: AcuityLevel
    reason: OverrideReason | None = None
    comment: str | None = Field(default=None, max_length=2000)
    reviewer: str = Field(min_length=1)
    role: ReviewerRole
    decided_at: datetime
    confirmed: bool = Field(default=False, exclude_if=lambda confirmed: not confirmed)
    why_not: str | None = Field(default=None, max_length=2000, exclude_if=lambda words: words is None)
    unaided_level: AcuityLevel | None = Field(default=None, exclude_if=lambda level: level is None)

    @model_validator(mode="after")
    def _override_has_reason(self) -> Self:
        if self.decision is ReviewDecision.OVERRIDE and self.reason is None:
            raise ValueError("an override needs a reason: one of " + ", ".join(OverrideReason))
        if self.decision is ReviewDecision.ACCEPT and self.reason is not None:
            raise ValueError("an accepted suggestion carries no override reason")
        return self
