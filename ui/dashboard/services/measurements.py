"""New vital signs of somebody who waits, put into their record: checked, never guessed."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

from data_schemas import CANONICAL_UNITS, VITAL_SIGNS, FactKind, FactSource, IntakeRecord
from triage.facts import CODE_TEXTS, make_fact, missing_kinds, number_facts
from triage.plausibility import contradictory_pressures, implausible
from ui.dashboard.services.problems import Problem

MEASURABLE: tuple[FactKind, ...] = (
    *VITAL_SIGNS,
    FactKind.PAIN,
    FactKind.AVPU,
    FactKind.GCS,
    FactKind.GLUCOSE,
)
"""What can be entered at the bedside; numbers in ``CANONICAL_UNITS``, AVPU by its code."""

_LONGEST_NUMBER = 8


def with_measurements(
    record: IntakeRecord, values: Mapping[FactKind, Decimal | int | str], at: datetime
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
        number = numbers[kind] = _number(kind, given)
        received = f"{given} {CANONICAL_UNITS[kind]}"
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


def _number(kind: FactKind, given: Decimal | int | str) -> Decimal:
    text = str(given).strip().replace(",", ".")
    try:
        number = Decimal(text) if len(text) <= _LONGEST_NUMBER else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise Problem("invalid", field=kind.value, detail=CANONICAL_UNITS[kind])
    why = implausible(kind, number)
    if why is not None:
        raise Problem("invalid", field=kind.value, detail=why)
    return number
