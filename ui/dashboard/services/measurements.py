"""New vital signs of somebody who waits, put into their record: checked, never guessed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from data_schemas import CANONICAL_UNITS, VITAL_SIGNS, FactKind, FactSource, IntakeRecord
from triage.facts import CODE_TEXTS, make_fact, missing_kinds, number_facts
from triage.plausibility import contradictory_pressures, implausible
from triage.verifying.units import to_canonical
from ui.dashboard.services.problems import Problem

MEASURABLE: tuple[FactKind, ...] = (
    *VITAL_SIGNS,
    FactKind.PAIN,
    FactKind.AVPU,
    FactKind.GCS,
    FactKind.GLUCOSE,
    FactKind.WEIGHT,
)
"""What can be entered at the bedside; numbers in ``CANONICAL_UNITS`` or as ``Typed``, AVPU by its code."""

_LONGEST_NUMBER = 8
_HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Typed:
    """A number as it was typed, with the UCUM unit that was chosen beside it: ``98.6`` in ``[degF]``."""

    text: str
    unit: str


def in_canonical_unit(kind: FactKind, typed: Typed) -> Decimal:
    """The number in the kind's canonical unit, to a hundredth where it was converted.

    Raises:
        Problem: ``invalid``: it is no number, the unit measures something else, or no living patient has it.
    """
    number = parsed(kind, typed.text)
    value = to_canonical(kind, number, typed.unit)
    if value is None:
        raise Problem("invalid", field=kind.value, detail=typed.unit)
    if typed.unit != CANONICAL_UNITS[kind]:
        value = value.quantize(_HUNDREDTH)
    why = implausible(kind, value)
    if why is not None:
        raise Problem("invalid", field=kind.value, detail=why)
    return value


def with_measurements(
    record: IntakeRecord, values: Mapping[FactKind, Decimal | int | str | Typed], at: datetime
) -> IntakeRecord:
    """The record with these values as its latest ones, read again at ``at``.

    Older values of a kind stay in the record behind the new one. Pressures are checked as a pair only where both were
    measured now: an old one proves nothing against a new one.

    Raises:
        Problem: ``invalid``, with the kind as ``field``: nothing was given, no number, or no living patient has it.
    """
    if not values:
        raise Problem("invalid", detail="-")
    facts = list(record.facts)
    numbers: dict[FactKind, Decimal] = {}
    for kind, given in values.items():
        if kind not in MEASURABLE:
            raise Problem("invalid", field=kind.value, detail=kind.value)
        source = FactSource(resource_type="Observation", path=f"dashboard.{kind.value}")
        if kind is FactKind.AVPU:
            if given not in CODE_TEXTS[kind]:
                raise Problem("invalid", field=kind.value, detail=", ".join(CODE_TEXTS[kind]))
            facts.append(make_fact(1, kind, source=source, code=str(given), observed_at=at))
            continue
        typed = given if isinstance(given, Typed) else Typed(str(given), CANONICAL_UNITS[kind])
        number = numbers[kind] = in_canonical_unit(kind, typed)
        received = f"{typed.text.strip()} {typed.unit}"
        facts.append(make_fact(1, kind, source=source, value=number, observed_at=at, as_received=received))
    systolic, diastolic = numbers.get(FactKind.SYSTOLIC_BP), numbers.get(FactKind.DIASTOLIC_BP)
    if systolic is not None and diastolic is not None:
        why = contradictory_pressures(systolic, diastolic)
        if why is not None:
            raise Problem("invalid", field=FactKind.DIASTOLIC_BP.value, detail=why)
    numbered = number_facts(facts)
    return record.model_copy(
        update={"facts": numbered, "missing": missing_kinds(numbered), "read_at": max(at, record.read_at)}
    )


def parsed(kind: FactKind, written: str) -> Decimal:
    """The number that was written, with a point or a comma.

    Raises:
        Problem: ``invalid``: it is none.
    """
    text = written.strip().replace(",", ".")
    try:
        number = Decimal(text) if len(text) <= _LONGEST_NUMBER else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise Problem("invalid", field=kind.value, detail=CANONICAL_UNITS[kind])
    return number
