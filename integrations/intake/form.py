"""What is entered by hand about one arrival. All but token and times may be unknown: None, never a default."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from data_schemas import FactKind
from data_schemas._base import Frozen

MAX_COMPLAINT, MAX_NOTE, MAX_ITEM, MAX_ITEMS = 500, 8000, 200, 50
"""Characters of the complaint, of the note and of one condition, medicine or allergy; most of each. The reader's."""

UNITS: dict[FactKind, tuple[str, ...]] = {
    FactKind.HEART_RATE: ("/min",),
    FactKind.RESPIRATORY_RATE: ("/min",),
    FactKind.OXYGEN_SATURATION: ("%",),
    FactKind.OXYGEN_FLOW: ("L/min",),
    FactKind.TEMPERATURE: ("Cel", "[degF]"),
    FactKind.SYSTOLIC_BP: ("mm[Hg]",),
    FactKind.DIASTOLIC_BP: ("mm[Hg]",),
    FactKind.PAIN: ("{score}",),
    FactKind.GCS: ("{score}",),
    FactKind.GCS_EYE: ("{score}",),
    FactKind.GCS_VERBAL: ("{score}",),
    FactKind.GCS_MOTOR: ("{score}",),
    FactKind.GLUCOSE: ("mg/dL", "mmol/L"),
    FactKind.WEIGHT: ("kg", "[lb_av]"),
}
"""What can be measured at the desk, and the UCUM codes in which it can be entered; the first is the usual one."""


class Measured(Frozen):
    """A number as it was typed, with the UCUM code it was typed in."""

    value: Decimal
    unit: str


class Age(Frozen):
    """An age as somebody said it: ``a`` years, ``mo`` months, ``wk`` weeks, ``d`` days."""

    value: int
    unit: str


class IntakeForm(Frozen):
    """One arrival as entered.

    ``token`` is the form's own name (a UUID): the same form sent twice is one patient. ``measured_at`` is when the
    vital signs were taken. ``allergies`` is an empty tuple where nobody asked, and ``no_known_allergies`` where
    somebody asked and there are none. ``entered_by`` signs the entries; ``test_data`` marks training patients.
    """

    token: str
    arrived_at: datetime
    measured_at: datetime
    entered_by: str | None = None
    test_data: bool = False
    given: str | None = None
    family: str | None = None
    record_number: str | None = None
    birth_date: date | None = None
    age: Age | None = None
    sex: str | None = None
    pregnancy: str | None = None
    arrival_mode: str | None = None
    injury: str | None = None
    complaint: str | None = None
    note: str | None = None
    measured: Mapping[FactKind, Measured] = {}
    avpu: str | None = None
    conditions: tuple[str, ...] = ()
    medications: tuple[str, ...] = ()
    allergies: tuple[str, ...] = ()
    no_known_allergies: bool = False
