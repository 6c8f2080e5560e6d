"""What the service hands out: cases, their history, and what is still to be delivered."""

from datetime import datetime
from enum import StrEnum

from data_schemas import (
    ClinicianReview,
    IntakeRecord,
    ModelAnswer,
    Reason,
    Screening,
    TriageAssessment,
    WriteReceipt,
    WriteState,
)
from data_schemas._base import Frozen


class CasePhase(StrEnum):
    """Where a case stands.

    ``recorded``: decided, kept here, and no hospital record is configured to hold it. ``erased``: the patient's
    data were removed; only the audit chain knows that there was a case.
    """

    ASSESSING = "assessing"
    AWAITING_REVIEW = "awaiting-review"
    WRITE_PENDING = "write-pending"
    WRITTEN = "written"
    RECORDED = "recorded"
    ERASED = "erased"


class DeliveryKind(StrEnum):
    """What is delivered to the hospital's record."""

    PROPOSAL = "proposal"
    FINAL = "final"


class Delivery(Frozen):
    """What came of one delivery. ``state`` is the worst of the receipts'."""

    kind: DeliveryKind
    state: WriteState
    receipts: tuple[WriteReceipt, ...] = ()


class PendingDelivery(Frozen):
    """A delivery that the hospital's record has not confirmed. ``last_error`` is a class name or a state."""

    case_id: str
    kind: DeliveryKind
    state: WriteState
    attempts: int
    next_attempt_at: datetime
    last_error: str | None = None


class PendingWrite(Frozen):
    """A decision that is safe here and not yet confirmed by the hospital's record; it is retried."""

    case_id: str
    level: int
    receipts: tuple[WriteReceipt, ...]

    @property
    def written(self) -> bool:
        """Never: that is what pending means."""
        return False


class Case(Frozen):
    """One ED visit under triage, with its current assessment.

    ``assessments`` counts the runs, the superseded ones included. ``review`` is the decision on the current
    assessment, None while it waits. ``proposal`` and ``final`` say what the hospital's record confirmed.
    """

    id: str
    encounter_key: str
    phase: CasePhase
    intake: IntakeRecord
    assessment: TriageAssessment | None
    review: ClinicianReview | None
    assessments: int
    proposal: Delivery | None
    final: Delivery | None
    created_at: datetime
    updated_at: datetime

    @property
    def written(self) -> bool:
        """Whether the hospital's record was seen to hold the current decision."""
        return self.phase is CasePhase.WRITTEN


class EarlierRun(Frozen):
    """A superseded assessment of a case: what was known, suggested and decided then; None where there was none."""

    assessment_id: str
    record: IntakeRecord
    level: int | None
    review: ClinicianReview | None
    created_at: datetime


class Step(StrEnum):
    """The steps that the audit chain records.

    ``proposed`` and ``written`` only when the hospital's record confirmed it; else ``...-attempted``.
    """

    READ = "read"
    SCREENED = "screened"
    ASSESSED = "assessed"
    VERIFIED = "verified"
    RECONCILED = "reconciled"
    PROPOSED = "proposed"
    PROPOSE_ATTEMPTED = "propose-attempted"
    REVIEWED = "reviewed"
    WRITTEN = "written"
    WRITE_ATTEMPTED = "write-attempted"
    CLOSED = "closed"
    ERASED = "erased"
    EXPORTED = "exported"
    ALERTED = "alerted"
    ACKNOWLEDGED = "acknowledged"


class HistoryStep(Frozen):
    """One audit entry with its evidence.

    ``intact`` is False where the stored evidence is no longer what the chain recorded. It is None where the
    entry's evidence is its own ``detail``. ``seconds`` is the time the step took, where it was measured.
    """

    sequence: int
    at: datetime
    step: Step
    assessment_id: str
    detail: dict[str, str | int | float | bool | list[str] | None]
    evidence: (
        IntakeRecord
        | Screening
        | ModelAnswer
        | TriageAssessment
        | ClinicianReview
        | tuple[Reason, ...]
        | None
    ) = None
    intact: bool | None = None
    seconds: float | None = None


class ChainReport(Frozen):
    """The verdict on the audit chain. ``head`` is the last hash: keep a copy elsewhere to detect a cut tail.

    ``erased`` counts the cases whose data were erased: their entries stand, and nothing behind them.
    """

    ok: bool
    entries: int
    head: str
    problems: tuple[str, ...] = ()
    erased: int = 0


class Recovery(Frozen):
    """What ``recover`` did. ``failed`` names cases that stopped again, with the error's class."""

    resumed: tuple[str, ...] = ()
    delivered: tuple[str, ...] = ()
    still_pending: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
