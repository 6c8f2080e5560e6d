"""The intake record: what was known about a patient at triage, as numbered facts."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from data_schemas._base import Frozen


class FactKind(StrEnum):
    """What a fact is about. A vital sign's canonical UCUM unit is in ``CANONICAL_UNITS``."""

    AGE = "age"
    SEX = "sex"
    PREGNANCY = "pregnancy"
    ARRIVAL_MODE = "arrival_mode"
    INJURY = "injury"
    CHIEF_COMPLAINT = "chief_complaint"
    HEART_RATE = "heart_rate"
    RESPIRATORY_RATE = "respiratory_rate"
    OXYGEN_SATURATION = "oxygen_saturation"
    OXYGEN_FLOW = "oxygen_flow"
    INSPIRED_OXYGEN = "inspired_oxygen"
    TEMPERATURE = "temperature"
    SYSTOLIC_BP = "systolic_bp"
    DIASTOLIC_BP = "diastolic_bp"
    PAIN = "pain"
    AVPU = "avpu"
    GCS = "gcs"
    GCS_EYE = "gcs_eye"
    GCS_VERBAL = "gcs_verbal"
    GCS_MOTOR = "gcs_motor"
    GLUCOSE = "glucose"
    WEIGHT = "weight"
    CONDITION = "condition"
    MEDICATION = "medication"
    ALLERGY = "allergy"
    IMMUNISATION = "immunisation"
    TRIAGE_NOTE = "triage_note"


VITAL_SIGNS: tuple[FactKind, ...] = (
    FactKind.HEART_RATE,
    FactKind.RESPIRATORY_RATE,
    FactKind.OXYGEN_SATURATION,
    FactKind.TEMPERATURE,
    FactKind.SYSTOLIC_BP,
    FactKind.DIASTOLIC_BP,
)

EXPECTED_FACTS: tuple[FactKind, ...] = (
    FactKind.AGE,
    FactKind.SEX,
    FactKind.CHIEF_COMPLAINT,
    *VITAL_SIGNS,
    FactKind.PAIN,
    FactKind.AVPU,
)
"""What a triage nurse is expected to record. Each one absent is named in ``IntakeRecord.missing``."""

CANONICAL_UNITS: dict[FactKind, str] = {
    FactKind.HEART_RATE: "/min",
    FactKind.RESPIRATORY_RATE: "/min",
    FactKind.OXYGEN_SATURATION: "%",
    FactKind.OXYGEN_FLOW: "L/min",
    FactKind.INSPIRED_OXYGEN: "%",
    FactKind.TEMPERATURE: "Cel",
    FactKind.SYSTOLIC_BP: "mm[Hg]",
    FactKind.DIASTOLIC_BP: "mm[Hg]",
    FactKind.PAIN: "{score}",
    FactKind.GCS: "{score}",
    FactKind.GCS_EYE: "{score}",
    FactKind.GCS_VERBAL: "{score}",
    FactKind.GCS_MOTOR: "{score}",
    FactKind.GLUCOSE: "mg/dL",
    FactKind.WEIGHT: "kg",
}

AGE_UNITS_IN_DAYS: dict[str, Decimal] = {
    "d": Decimal(1),
    "wk": Decimal(7),
    "mo": Decimal("30.4375"),
    "a": Decimal("365.25"),
}


class FactSource(Frozen):
    """Where a fact came from, precisely enough to highlight it.

    ``path`` is a FHIRPath for FHIR, a column name for a data set, a segment for HL7 v2.
    ``start`` and ``end`` are character offsets, half-open, where the element is text and the fact a part of it.
    """

    resource_type: str
    resource_id: str | None = None
    path: str
    start: int | None = None
    end: int | None = None


class Fact(Frozen):
    """One thing known at triage.

    ``value`` is numeric in ``unit`` (canonical UCUM, see ``CANONICAL_UNITS``; age: d, wk, mo or a).
    ``code`` holds a coded value: sex ``male|female|other|unknown``; AVPU ``A|C|V|P|U`` (C: new confusion);
    arrival ``ambulance|walk-in|wheelchair|public|private|police|helicopter|other``;
    pregnancy ``pregnant|postpartum|not-pregnant``; injury and immunisation ``yes|no|incomplete``.
    ``text`` is what a person reads, always filled; for complaint, note, condition, drug: the very words.
    ``as_received`` keeps the value and unit exactly as sent ("98.60 [degF]").
    """

    id: str = Field(pattern=r"^F[1-9][0-9]*$")
    kind: FactKind
    text: str = Field(min_length=1)
    value: Decimal | None = None
    unit: str | None = None
    code: str | None = None
    observed_at: datetime | None = None
    source: FactSource
    as_received: str | None = None


class QualityIssue(StrEnum):
    """What is wrong with an element of the record."""

    MISSING = "missing"
    EMPTY = "empty"
    IMPOSSIBLE = "impossible"
    CONTRADICTORY = "contradictory"
    DUPLICATE = "duplicate"
    FUTURE = "future"
    STALE = "stale"
    UNIT_MISSING = "unit-missing"
    UNIT_UNKNOWN = "unit-unknown"
    NOT_NUMERIC = "not-numeric"
    NOT_FINAL = "not-final"
    UNREADABLE = "unreadable"
    TRUNCATED = "truncated"
    ACUITY_STRIPPED = "acuity-stripped"
    LATER_STRIPPED = "later-stripped"
    INSTRUCTION_IN_TEXT = "instruction-in-text"


class DataQualityFinding(Frozen):
    """A named defect of the record. The value concerned is never used as if it were good.

    ``message`` says what and where and what to do; it holds no patient's name.
    """

    issue: QualityIssue
    kind: FactKind | None = None
    message: str
    source: FactSource | None = None


class PatientIdentity(Frozen):
    """Who the patient is: for the screen and the write-back only, never in a prompt, log or metric."""

    reference: str
    names: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    birth_date: date | None = None


class IntakeRecord(Frozen):
    """Everything known about one arrival at triage, and what is not known.

    ``encounter_key`` identifies the ED visit in its source system (``<source>|Encounter/<id>``).
    ``facts`` are numbered F1, F2, ... in ``FactKind`` order, so that equal records give equal prompts.
    """

    encounter_key: str
    patient: PatientIdentity
    arrived_at: datetime | None = None
    read_at: datetime
    """The instant 'now' of this reading: age, staleness and future times are judged against it."""
    facts: tuple[Fact, ...]
    missing: tuple[FactKind, ...] = ()
    findings: tuple[DataQualityFinding, ...] = ()

    def all(self, kind: FactKind) -> tuple[Fact, ...]:
        """Every fact of ``kind``, latest first as the reader ordered them."""
        return tuple(fact for fact in self.facts if fact.kind is kind)

    def first(self, kind: FactKind) -> Fact | None:
        """The fact to use for ``kind`` (the latest valid one), or None where it is not known."""
        return next((fact for fact in self.facts if fact.kind is kind), None)

    def number(self, kind: FactKind) -> Decimal | None:
        """The numeric value of ``first(kind)`` in its canonical unit; None is unknown, never normal."""
        fact = self.first(kind)
        return None if fact is None else fact.value

    def code(self, kind: FactKind) -> str | None:
        """The coded value of ``first(kind)``, or None where it is not known."""
        fact = self.first(kind)
        return None if fact is None else fact.code

    def fact(self, fact_id: str) -> Fact | None:
        """The fact with this id, or None."""
        return next((fact for fact in self.facts if fact.id == fact_id), None)

    @property
    def age_days(self) -> Decimal | None:
        """Age in days, or None where it is not known."""
        fact = self.first(FactKind.AGE)
        if fact is None or fact.value is None or fact.unit not in AGE_UNITS_IN_DAYS:
            return None
        return fact.value * AGE_UNITS_IN_DAYS[fact.unit]

    @property
    def age_years(self) -> Decimal | None:
        """Age in years of 365.25 days, or None where it is not known."""
        fact = self.first(FactKind.AGE)
        if fact is not None and fact.unit == "a":
            return fact.value
        days = self.age_days
        return None if days is None else days / AGE_UNITS_IN_DAYS["a"]
