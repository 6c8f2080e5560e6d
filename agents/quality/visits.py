"""What the figures are made of: one row a case, without name, identifier, words or values of the patient."""

from dataclasses import dataclass, field
from datetime import datetime

from data_schemas import AssessmentMode, FactKind, OverrideReason

UNKNOWN = "unknown"
AGE_BANDS: tuple[tuple[str, float], ...] = (
    ("0-17", 18),
    ("18-39", 40),
    ("40-64", 65),
    ("65-79", 80),
    ("80+", float("inf")),
)
"""Name and the age in years below which it ends."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """A suggestion. ``top`` is the greatest of the model's five probabilities, None where only the rules spoke.

    ``set_size`` counts the levels of the prediction set.
    """

    level: int
    mode: AssessmentMode
    top: float | None
    set_size: int


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision. ``unaided_level`` was given before the suggestion was shown, where the site asks for it."""

    level: int
    reason: OverrideReason | None
    at: datetime
    scripted: bool = False
    unaided_level: int | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """One case: the first record, the first decision, and the suggestion that it was about.

    Where nothing was decided yet, ``suggested`` is the latest one; None while there is none. ``runs`` counts the
    assessments. ``encounter_key`` only joins a table of outcomes; no figure holds it.
    """

    case_id: str
    encounter_key: str = field(repr=False)
    opened_at: datetime
    arrived_at: datetime | None
    age_years: float | None
    sex: str
    arrival_mode: str
    missing: frozenset[FactKind]
    runs: int
    suggested: Suggested | None
    decided: Decided | None

    @property
    def came_at(self) -> datetime:
        """The arrival, or when the case came into our books where the arrival is not known."""
        return self.arrived_at or self.opened_at

    @property
    def age_band(self) -> str:
        """One of ``AGE_BANDS``, or ``UNKNOWN``."""
        if self.age_years is None or self.age_years < 0:
            return UNKNOWN
        return next(name for name, end in AGE_BANDS if self.age_years < end)

    @property
    def pair(self) -> tuple[int, int] | None:
        """The suggested and the decided level, where there are both."""
        if self.suggested is None or self.decided is None:
            return None
        return self.suggested.level, self.decided.level


@dataclass(frozen=True, slots=True)
class AlertTimes:
    """An alert by its code, and when somebody took note of it."""

    code: str
    raised_at: datetime
    acknowledged_at: datetime | None
