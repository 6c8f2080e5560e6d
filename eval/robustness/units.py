"""The same measurements sent in other units, read by the very FHIR reader that the agent uses.

An intake record holds canonical units only, so the change is made where units exist: each measurement is written as a
FHIR Observation in the other unit, with the decimals that a device or nurse gives, and read back. What is left of the
change is that rounding; the model never sees the unit itself.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from data_schemas import CANONICAL_UNITS, Fact, FactKind, IntakeRecord
from eval.robustness.texts import with_facts
from eval.robustness.variant import Arm, Variant
from integrations.fhir.codes import LOINC, UCUM
from integrations.fhir.reader import read_bundle
from integrations.fhir.units import EXACT

_CODES: Mapping[FactKind, str] = {
    FactKind.OXYGEN_SATURATION: "2708-6",
    FactKind.TEMPERATURE: "8310-5",
    FactKind.SYSTOLIC_BP: "8480-6",
    FactKind.DIASTOLIC_BP: "8462-4",
    FactKind.GLUCOSE: "14743-9",
    FactKind.WEIGHT: "29463-7",
}
_UNITS: Mapping[str, tuple[str, Decimal, tuple[FactKind, ...]]] = {
    "degF": ("[degF]", Decimal("0.1"), (FactKind.TEMPERATURE,)),
    "kPa": ("kPa", Decimal("0.1"), (FactKind.SYSTOLIC_BP, FactKind.DIASTOLIC_BP)),
    "fraction": ("1", Decimal("0.001"), (FactKind.OXYGEN_SATURATION,)),
    "mmol/L": ("mmol/L", Decimal("0.1"), (FactKind.GLUCOSE,)),
    "lb": ("[lb_av]", Decimal("0.1"), (FactKind.WEIGHT,)),
}
"""Arm -> UCUM code, the finest step that is recorded, what is measured so."""


def in_unit(kind: FactKind, value: Decimal, code: str, step: Decimal) -> Decimal:
    """A canonical value as it is recorded in the unit ``code``.

    Raises:
        KeyError: the unit is none of the kind's.
    """
    offset, factor, divisor = EXACT[CANONICAL_UNITS[kind]][code]
    return (value * divisor / factor + offset).quantize(step, ROUND_HALF_EVEN)


def sent_in(record: IntakeRecord, arms: tuple[str, ...]) -> IntakeRecord | None:
    """The record as it is read when these measurements come in the other units; None where it has none of them.

    A measurement that the reader does not take is not in the record: it is never kept as it was.
    """
    units = {kind: (code, step) for arm in arms for code, step, kinds in (_UNITS[arm],) for kind in kinds}
    sent = {
        fact.kind: (fact, *units[fact.kind])
        for fact in reversed(record.facts)  # the first of a kind is the latest, and is written last
        if fact.kind in units and fact.value is not None
    }
    if not sent:
        return None
    measured = {
        kind: in_unit(kind, fact.value or Decimal(0), code, step) for kind, (fact, code, step) in sent.items()
    }
    read = _read(record, {kind: (measured[kind], code) for kind, (_, code, _) in sent.items()})
    facts: list[Fact] = []
    for fact in record.facts:
        ours = sent.get(fact.kind)
        if ours is None or ours[0] is not fact:
            facts.append(fact)
        elif (back := read.get(fact.kind)) is not None:
            update = {"value": back.value, "text": back.text, "as_received": back.as_received}
            facts.append(fact.model_copy(update=update))
    return with_facts(record, tuple(facts))


def _read(record: IntakeRecord, sent: Mapping[FactKind, tuple[Decimal, str]]) -> dict[FactKind, Fact]:
    """What the FHIR reader makes of the measurements, by kind."""
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": _entries(record, sent)}
    (found,) = read_bundle(bundle, source="robustness", now=record.read_at)
    if not isinstance(found, IntakeRecord):
        raise found
    return {fact.kind: fact for fact in found.facts if fact.kind in sent}


def _entries(record: IntakeRecord, sent: Mapping[FactKind, tuple[Decimal, str]]) -> list[dict[str, Any]]:
    at = record.read_at.isoformat()
    subject, encounter = {"reference": "Patient/1"}, {"reference": "Encounter/1"}
    resources: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": "1", "birthDate": _born(record)},
        {
            "resourceType": "Encounter",
            "id": "1",
            "status": "arrived",
            "class": {"code": "EMER"},
            "subject": subject,
            "period": {"start": at},
        },
    ]
    resources += [
        {
            "resourceType": "Observation",
            "id": f"o{number}",
            "status": "final",
            "code": {"coding": [{"system": LOINC, "code": _CODES[kind]}]},
            "subject": subject,
            "encounter": encounter,
            "effectiveDateTime": at,
            "valueQuantity": {"value": value, "unit": code, "system": UCUM, "code": code},
        }
        for number, (kind, (value, code)) in enumerate(sent.items(), start=1)
    ]
    return [
        {"fullUrl": f"urn:robustness:{item['resourceType']}/{item['id']}", "resource": item}
        for item in resources
    ]


def _born(record: IntakeRecord) -> str:
    """A year that fits the age, for the reader's limits of what is plausible."""
    years = record.age_years
    return str(record.read_at.year - (40 if years is None else int(years)))


def _arm(name: str, arms: tuple[str, ...]) -> Arm:
    return Arm(name, lambda record, _seed: sent_in(record, arms))


UNITS = (
    Variant(
        "units",
        "units",
        "same",
        "Temperature in degrees Fahrenheit, pressures in kPa, saturation as a fraction, glucose in mmol/L, weight in "
        "pounds, through the FHIR reader; all of them at once.",
        (*(_arm(name, (name,)) for name in _UNITS), _arm("all", tuple(_UNITS))),
    ),
)
