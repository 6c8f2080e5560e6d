"""The limits that "above", "below" and "normal" are measured against where a claim names none."""

from decimal import Decimal

from data_schemas import Direction, EsiVersion, FactKind, IntakeRecord
from triage.guidelines.vital_limits import danger_limit, hypotension_limit
from triage.verifying.words import kind_words, number_words

_UP = frozenset({Direction.ABOVE, Direction.AT_OR_ABOVE})
_DOWN = frozenset({Direction.BELOW, Direction.AT_OR_BELOW})
_ADULT_DAYS = 16 * Decimal("365.25")
FEVER, COLD = Decimal(38), Decimal(36)
"""°C: fever above, too cold below (ESI v5, ENA 2023, algorithm, paediatric fever; SIRS criteria, ACCP/SCCM 1992)."""
_ADULT_LOWEST = {FactKind.HEART_RATE: Decimal(51), FactKind.RESPIRATORY_RATE: Decimal(12)}
"""The least that scores 0 in NEWS2 (Royal College of Physicians 2017), age 16 and over."""
_SLOW_ADULT = Decimal(60)
"""Bradycardia: under 60 /min (2018 ACC/AHA/HRS guideline on bradycardia uses under 50 for treatment; 60 defines it)."""


def beyond(value: Decimal, direction: Direction, limit: Decimal) -> bool:
    """Whether ``value`` lies on the side of ``limit`` that ``direction`` names; NORMAL names none."""
    match direction:
        case Direction.ABOVE:
            return value > limit
        case Direction.AT_OR_ABOVE:
            return value >= limit
        case Direction.BELOW:
            return value < limit
        case Direction.AT_OR_BELOW:
            return value <= limit
        case _:
            return False


def usual_limit(
    kind: FactKind, direction: Direction, age_days: Decimal | None, version: EsiVersion
) -> tuple[Decimal, str] | None:
    """The limit that ``direction`` means for this age, and the band in words; None where there is none."""
    if kind is FactKind.TEMPERATURE:
        return (
            (FEVER, "fever") if direction in {Direction.ABOVE, Direction.AT_OR_BELOW} else (COLD, "too cold")
        )
    if kind is FactKind.OXYGEN_SATURATION:
        return danger_limit(kind, Decimal(0), version)
    if age_days is None:
        return None
    if kind in {FactKind.HEART_RATE, FactKind.RESPIRATORY_RATE} and direction in {
        *_UP,
        Direction.AT_OR_BELOW,
    }:
        return danger_limit(kind, age_days, version)
    if kind is FactKind.HEART_RATE and age_days >= _ADULT_DAYS:
        return _SLOW_ADULT, "16 years and over"
    if kind is FactKind.SYSTOLIC_BP and direction in {*_DOWN, Direction.AT_OR_ABOVE}:
        return hypotension_limit(age_days)
    return None


def normal_problem(kind: FactKind, value: Decimal, record: IntakeRecord, version: EsiVersion) -> str | None:
    """Why a value cannot be called normal, or None where it can. An unknown age makes no rate normal."""
    said = number_words(kind, value)
    age = record.age_days
    if kind is FactKind.OXYGEN_SATURATION:
        limit, _ = danger_limit(kind, Decimal(0), version) or (Decimal(92), "")
        return f"{said} is below {limit} %" if value < limit else None
    if kind is FactKind.TEMPERATURE:
        return None if COLD <= value <= FEVER else f"{said} is outside {COLD} to {FEVER} °C"
    if kind is FactKind.PAIN:
        return None if value == 0 else f"the pain score is {said}"
    if kind is FactKind.GCS:
        return None if value == Decimal(15) else f"the GCS is {said}"
    if age is None:
        return "the age is not recorded, so what is normal is not known"
    if kind in _ADULT_LOWEST:
        high = danger_limit(kind, age, version)
        if high is not None and value > high[0]:
            return f"{said} is above {high[0]} ({high[1]})"
        if age >= _ADULT_DAYS and value < _ADULT_LOWEST[kind]:
            return f"{said} is below {_ADULT_LOWEST[kind]} (16 years and over)"
        return None
    if kind is FactKind.SYSTOLIC_BP:
        low, band = hypotension_limit(age)
        return f"{said} is below {low} ({band})" if value < low else None
    return f"no normal range of the {kind_words(kind)} is known here"
