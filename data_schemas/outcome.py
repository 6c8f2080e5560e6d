"""What became of a decision in the hospital's record."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from data_schemas._base import Frozen
from data_schemas.acuity import AcuityLevel
from data_schemas.assessment import TriageAssessment
from data_schemas.intake import IntakeRecord
from data_schemas.review import ClinicianReview


class WriteRequest(Frozen):
    """What the hospital's record is to be told: the proposal, or with ``review`` the clinician's decision.

    ``encounter_key`` is ``<source>|Encounter/<id>``; a writer serves only the source it was made for.
    """

    case_id: str
    encounter_key: str
    record: IntakeRecord
    assessment: TriageAssessment
    review: ClinicianReview | None = None


class WriteState(StrEnum):
    """``written`` only when the server was seen to hold it; a time-out is ``unknown``, never written."""

    PENDING = "pending"
    WRITTEN = "written"
    UNKNOWN = "unknown"
    CONFLICT = "conflict"
    REFUSED = "refused"
    NOT_CONFIGURED = "not-configured"


class WriteReceipt(Frozen):
    """One resource in the hospital's record, as the server answered.

    ``held_level``: where the record holds a signed level of somebody else that was left as it is, that level.
    """

    resource_type: str
    resource_id: str | None = None
    version_id: str | None = None
    state: WriteState
    detail: str | None = None
    held_level: AcuityLevel | None = Field(default=None, exclude_if=lambda level: level is None)


class TriageOutcome(Frozen):
    """The end of a case: the level the clinician decided, and where it was written."""

    case_id: str
    level: AcuityLevel
    receipts: tuple[WriteReceipt, ...]
    completed_at: datetime

    @property
    def written(self) -> bool:
        """Whether every write was confirmed by the server."""
        return bool(self.receipts) and all(r.state is WriteState.WRITTEN for r in self.receipts)
