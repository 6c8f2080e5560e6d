"""Typed words into values: what cannot be is refused with its limit, what is unusual is asked about. Never a guess."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from data_schemas import AGE_UNITS_IN_DAYS, CANONICAL_UNITS, FactKind
from integrations.fhir._patient import MAX_AGE
from integrations.fhir._vitals import SCORES, ZERO_IS_NO_MEASUREMENT
from integrations.fhir.units import EXACT, to_canonical
from integrations.intake.form import UNITS, Age, Measured
from triage.plausibility import LIMITS, contradictory_pressures

UNUSUAL: dict[FactKind, tuple[Decimal, Decimal]] = {
    FactKind.HEART_RATE: (Decimal(30), Decimal(220)),
    FactKind.RESPIRATORY_RATE: (Decimal(6), Decimal(70)),
    FactKind.OXYGEN_SATURATION: (Decimal(70), Decimal(100)),
    FactKind.OXYGEN_FLOW: (Decimal(0), Decimal(15)),
    FactKind.TEMPERATURE: (Decimal(32), Decimal(42)),
    FactKind.SYSTOLIC_BP: (Decimal(50), Decimal(250)),
    FactKind.DIASTOLIC_BP: (Decimal(25), Decimal(150)),
    FactKind.GLUCOSE: (Decimal(36), Decimal(600)),
    FactKind.WEIGHT: (Decimal(2), Decimal(250)),
}
"""Outside these, in canonical units, a slip of the fingers is about as likely as a very sick patient, so the form asks
once. This project's own choice; nothing is refused and nothing is judged normal by it."""

AIR, OXYGEN = "air", "oxygen"
CHILD_WEIGHT_YEARS = Decimal(12)
_LONGEST = 8
_NUMBER = re.compile(r"^\d{1,5}([.,]\d{1,3})?$", re.ASCII)
_BORN = re.compile(r"^(\d{4})[-./ ]?(\d{2})[-./ ]?(\d{2})$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Objection:
    """Why something typed cannot be taken (``asks`` False), or what is asked about it before it is.

    ``key`` is the words' key in the catalogue (``arrival.check.<key>``), ``values`` go into its places. They hold
    numbers and limits that were typed just now, and nothing else.
    """

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)
    asks: bool = False


def read_number(kind: FactKind, typed: str, unit: str) -> Measured | Objection | None:
    """A vital sign, score, glucose or weight; None where nothing was typed: not measured.

    Raises:
        ValueError: the kind is not entered in this unit.
    """
    if unit not in UNITS[kind]:
        raise ValueError(f"{kind.value} is not entered in {unit}")
    words = typed.strip()
    if not words:
        return None
    if len(words) > _LONGEST or not _NUMBER.match(words):
        return Objection("not-a-number")
    value = Decimal(words.replace(",", "."))
    low, high = LIMITS[kind]
    canonical = to_canonical(kind, value, unit)
    if canonical == 0 and kind in ZERO_IS_NO_MEASUREMENT:
        return Objection("zero")
    if not low <= canonical <= high:
        other = _fitting_unit(kind, value, unit)
        key = "outside" if other is None else "outside-other-unit"
        return Objection(
            key, {"low": in_unit(low, unit, kind), "high": in_unit(high, unit, kind), "other": other}
        )
    if kind in SCORES and kind is not FactKind.PAIN and value != value.to_integral_value():
        return Objection("whole")
    return Measured(value=value, unit=unit)


def unusual(kind: FactKind, measured: Measured, age_years: Decimal | None) -> Objection | None:
    """What to ask about a number that can be, but seldom is; None where there is nothing to ask."""
    canonical = to_canonical(kind, measured.value, measured.unit)
    low, high = UNUSUAL.get(kind, LIMITS[kind])
    if kind is FactKind.WEIGHT:
        low, high = weight_range(age_years)
    if low <= canonical <= high:
        return None
    values = {"low": in_unit(low, measured.unit, kind), "high": in_unit(high, measured.unit, kind)}
    other = _fitting_unit(kind, measured.value, measured.unit, limits=(low, high))
    if other is not None:
        return Objection("unusual-other-unit", values | {"other": other}, asks=True)
    return Objection("unusual-low" if canonical < low else "unusual-high", values, asks=True)


def weight_range(age_years: Decimal | None) -> tuple[Decimal, Decimal]:
    """The weights (kg) that need no question at this age.

    Children: half to two and a half times the estimate 2 x (age + 4) of Advanced Paediatric Life Support (infants
    1.5 to 14 kg); from 12 years on 30 to 250 kg. Without an age the widest. The factors are this project's own.
    """
    if age_years is None:
        return UNUSUAL[FactKind.WEIGHT]
    if age_years < 1:
        return Decimal("1.5"), Decimal(14)
    if age_years < CHILD_WEIGHT_YEARS:
        estimate = 2 * (int(age_years) + 4)
        return Decimal(estimate) / 2, Decimal(estimate) * Decimal("2.5")
    return Decimal(30), Decimal(250)


def check_pressures(systolic: Measured | None, diastolic: Measured | None) -> Objection | None:
    """Whether the two pressures can belong together."""
    if systolic is None or diastolic is None:
        return None
    if contradictory_pressures(systolic.value, diastolic.value) is None:
        return None
    return Objection("pressures", {"systolic": systolic.value, "diastolic": diastolic.value})


def check_gcs(total: Measured | None, parts: tuple[Measured | None, ...]) -> Objection | None:
    """Whether the total is the sum of its three parts, where all are there."""
    scores = [part.value for part in parts if part is not None]
    if total is None or len(scores) < 3 or sum(scores) == total.value:
        return None
    return Objection("gcs-sum", {"sum": sum(scores)})


def check_oxygen(breathes: str | None, flow: Measured | None) -> Objection | None:
    """A flow belongs to oxygen, and oxygen to a flow. ``breathes`` is ``AIR``, ``OXYGEN`` or not known."""
    given = flow is not None and flow.value > 0
    if breathes == AIR and given:
        return Objection("flow-on-air")
    return Objection("flow-needed") if breathes == OXYGEN and not given else None


def read_birth_date(typed: str, today: date) -> date | Objection | None:
    """``1985-03-07`` or ``19850307``; None where nothing was typed. Other orders can mean two days."""
    words = typed.strip()
    if not words:
        return None
    match = _BORN.match(words)
    try:
        born = date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        born = None
    if born is None:
        return Objection("not-a-date")
    if born > today:
        return Objection("born-later", {"today": today.isoformat()})
    if full_months(born, today) > MAX_AGE * 12:
        return Objection("too-old", {"years": MAX_AGE})
    return born


def read_age(typed: str, unit: str, born: date | None, today: date) -> Age | Objection | None:
    """An age as it was said; None where nothing was typed. It must fit the date of birth where that is known too."""
    words = typed.strip()
    if not words:
        return None
    if not re.match(r"^\d{1,4}$", words, re.ASCII):
        return Objection("age-not-whole")
    age = Age(value=int(words), unit=unit)
    if unit == "a" and age.value == 0:
        return Objection("age-zero")
    days = int(age.value * AGE_UNITS_IN_DAYS[unit])
    if days > MAX_AGE * AGE_UNITS_IN_DAYS["a"]:
        return Objection("too-old", {"years": MAX_AGE})
    if born is not None:
        one = int(AGE_UNITS_IN_DAYS[unit])
        if not days - one - 3 <= (today - born).days <= days + 2 * one + 3:
            return Objection("age-and-birth-date", {"years": full_years(born, today)})
    return age


def full_years(born: date, today: date) -> int:
    """Age in whole years."""
    return full_months(born, today) // 12


def full_months(born: date, today: date) -> int:
    """Age in whole months."""
    return (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)


def age_in_years(born: date | None, age: Age | None, today: date) -> Decimal | None:
    """The age in years of 365.25 days; None where it is not known."""
    if born is not None:
        return Decimal((today - born) / timedelta(days=1)) / AGE_UNITS_IN_DAYS["a"]
    return None if age is None else age.value * AGE_UNITS_IN_DAYS[age.unit] / AGE_UNITS_IN_DAYS["a"]


def check_length(words: str, limit: int) -> Objection | None:
    """Whether a text is too long to be kept whole."""
    return Objection("too-long", {"count": len(words), "limit": limit}) if len(words) > limit else None


def in_unit(canonical: Decimal, unit: str, kind: FactKind) -> str:
    """A limit in the unit that somebody types in, rounded so that it reads well."""
    offset, factor, divisor = EXACT[CANONICAL_UNITS[kind]][unit]
    value = canonical * divisor / factor + offset
    return f"{value.quantize(Decimal('0.1')).normalize():f}"


def _fitting_unit(
    kind: FactKind, value: Decimal, unit: str, limits: tuple[Decimal, Decimal] | None = None
) -> str | None:
    """Another unit in which the same number would be nothing unusual."""
    low, high = limits or UNUSUAL.get(kind, LIMITS[kind])
    for other in UNITS[kind]:
        try:
            if other != unit and low <= to_canonical(kind, value, other) <= high:
                return other
        except (InvalidOperation, OverflowError):
            continue
    return None
