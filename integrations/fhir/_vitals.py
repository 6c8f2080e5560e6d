"""Vital signs and scores: Observations and their components into readings, readings into facts."""

import re
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from data_schemas import CANONICAL_UNITS, VITAL_SIGNS, Fact, FactKind, FactSource, QualityIssue
from integrations.fhir._json import Json, clean, codings, first_code, number, obj, objs, string, words
from integrations.fhir._observations import kinds_of, usable_observations
from integrations.fhir._times import When
from integrations.fhir._visit import Visit
from integrations.fhir.codes import (
    AVPU_ANSWERS,
    AVPU_WORDS,
    UCUM,
)
from integrations.fhir.quality import Reading, settle
from integrations.fhir.units import UnknownUnitError, to_canonical
from triage.facts import make_fact
from triage.plausibility import contradictory_pressures, implausible

SCORES = frozenset(kind for kind, unit in CANONICAL_UNITS.items() if unit == "{score}")
ZERO_IS_NO_MEASUREMENT = frozenset(
    {
        FactKind.HEART_RATE,
        FactKind.RESPIRATORY_RATE,
        FactKind.OXYGEN_SATURATION,
        FactKind.SYSTOLIC_BP,
        FactKind.DIASTOLIC_BP,
        FactKind.GLUCOSE,
    }
)
"""A 0 here is a device that reads nothing, or a patient in arrest: never a number to compute with."""

_SAFE_UNIT = re.compile(r"^[A-Za-z0-9/%\[\]{}*.^_\- ]{1,16}$", re.ASCII)


def read_vitals(visit: Visit) -> list[Fact]:
    """Facts for every usable vital sign, score, glucose and weight of this visit, latest first within a kind."""
    readings: dict[FactKind, list[Reading]] = defaultdict(list)
    for observation, when in usable_observations(visit):
        for reading in _readings(visit, observation, when):
            readings[reading.kind].append(reading)
    settled = {
        kind: settle(found, visit.findings, visit.settings.contradiction_window)
        for kind, found in readings.items()
    }
    _check_pressures(visit, settled)
    _check_gcs(visit, settled)
    facts = [
        make_fact(
            1,
            kind,
            value=reading.value,
            code=reading.code,
            source=reading.source,
            observed_at=reading.when.start if reading.when and reading.when.exact else None,
            as_received=reading.as_received,
        )
        for kind, found in settled.items()
        for reading in _latest(visit, kind, found)
    ]
    if not {fact.kind for fact in facts} & set(VITAL_SIGNS):
        visit.findings.add(
            QualityIssue.MISSING,
            "No usable vital sign is recorded for this visit. Measure them; absent is not normal.",
            source=visit.source(visit.encounter, "id"),
        )
    return facts


def _latest(visit: Visit, kind: FactKind, readings: list[Reading]) -> list[Reading]:
    limit = visit.settings.max_readings
    if len(readings) > limit:
        visit.findings.add(
            QualityIssue.TRUNCATED,
            f"{kind.value}: {len(readings)} readings; the latest {limit} are used. See the record.",
            kind=kind,
            source=readings[limit].source,
        )
    return readings[:limit]


def _readings(visit: Visit, observation: Json, when: When | None) -> Iterator[Reading]:
    for kind, prefix in kinds_of(visit, observation):
        holder = observation
        if prefix:
            index = int(prefix[len("component[") : -2])
            holder = next(component for i, component in objs(observation, "component") if i == index)
        elif not _has_value(observation) and any(objs(observation, "component")):
            continue  # a panel that carries its own code: the values are in its components
        reading = (
            _avpu(visit, observation, holder, prefix, when)
            if kind is FactKind.AVPU
            else _quantity(visit, observation, holder, prefix, kind, when)
        )
        if reading is not None:
            yield reading


def _has_value(holder: Json) -> bool:
    return any(name.startswith("value") for name in holder)


def _quantity(
    visit: Visit, observation: Json, holder: Json, prefix: str, kind: FactKind, when: When | None
) -> Reading | None:
    def refuse(issue: QualityIssue, message: str, element: str) -> None:
        visit.findings.add(
            issue, f"{kind.value}: {message}", kind=kind, source=visit.source(observation, prefix + element)
        )

    if "valueInteger" in holder and kind in SCORES:
        element, raw, quantity = "valueInteger", holder["valueInteger"], {}
    elif "valueQuantity" in holder:
        quantity = obj(holder, "valueQuantity")
        element, raw = "valueQuantity", quantity.get("value")
    elif "valueInteger" in holder:
        refuse(
            QualityIssue.UNIT_MISSING,
            "a whole number without a unit; not used. Send a Quantity.",
            "valueInteger",
        )
        return None
    elif _has_value(holder):
        element = next(name for name in holder if name.startswith("value"))
        refuse(
            QualityIssue.NOT_NUMERIC,
            "sent as text or code, not as a quantity; not used. Measure.",
            clean(element)[:40],
        )
        return None
    else:
        reason = first_code(obj(holder, "dataAbsentReason"))
        refuse(
            QualityIssue.EMPTY, f"no value{' (a reason is given)' if reason else ''}. Measure it.", "value"
        )
        return None
    if raw is None:
        refuse(QualityIssue.EMPTY, "no value. Measure it.", element)
        return None
    value = number(raw)
    if value is None:
        refuse(
            QualityIssue.NOT_NUMERIC,
            "the value is not a JSON number; not used. Enter it as a number.",
            element,
        )
        return None
    if string(quantity, "comparator") is not None:
        refuse(
            QualityIssue.NOT_NUMERIC, "the value is only a bound (comparator); not used. Measure it.", element
        )
        return None
    ucum = _ucum(visit, quantity, kind, element, refuse)
    if ucum is None:
        return None
    try:
        canonical = to_canonical(kind, value, ucum)
    except UnknownUnitError:
        shown = f" {ucum!r}" if _SAFE_UNIT.match(ucum) else ""
        refuse(
            QualityIssue.UNIT_UNKNOWN,
            f"the unit{shown} does not measure it; not used. Correct the unit.",
            element,
        )
        return None
    except OverflowError:
        refuse(
            QualityIssue.IMPOSSIBLE, "the number is beyond any measurement; not used. Measure again.", element
        )
        return None
    wrong = _impossible(kind, canonical)
    if wrong is not None:
        refuse(QualityIssue.IMPOSSIBLE, wrong, element)
        return None
    shown_unit = string(quantity, "code") or string(quantity, "unit") or ""
    return Reading(
        kind=kind,
        source=visit.source(observation, prefix + element),
        when=when,
        value=canonical,
        as_received=f"{raw} {shown_unit[:40]}".strip(),
    )


def _ucum(visit: Visit, quantity: Json, kind: FactKind, element: str, refuse: Any) -> str | None:
    """The UCUM code of a quantity; None, named, where there is none. A score needs no unit: LOINC defines it."""
    code, system, text = (string(quantity, name) for name in ("code", "system", "unit"))
    if code is not None and system == UCUM:
        return code
    alias = visit.settings.unit_aliases.get(code or text or "")
    if alias is not None:
        return alias
    if code is None and text is None:
        if kind in SCORES:
            return "{score}"
        refuse(QualityIssue.UNIT_MISSING, "no unit; not used. Send the UCUM code.", element)
        return None
    refuse(
        QualityIssue.UNIT_UNKNOWN,
        "the unit has no UCUM code (system http://unitsofmeasure.org); not used. Send the code, or map the unit "
        "in ReaderSettings.unit_aliases.",
        element,
    )
    return None


def _impossible(kind: FactKind, value: Decimal) -> str | None:
    if value == 0 and kind in ZERO_IS_NO_MEASUREMENT:
        return "a reading of 0 is no measurement, or an arrest; not used. Check the patient now."
    if kind in SCORES and kind is not FactKind.PAIN and value != value.to_integral_value():
        return "a score is a whole number; not used. Score again."
    wrong = implausible(kind, value)
    return (
        None if wrong is None else f"{wrong.removeprefix(kind.value).lstrip()}; not used. Check the patient."
    )


def _avpu(visit: Visit, observation: Json, holder: Json, prefix: str, when: When | None) -> Reading | None:
    concept = obj(holder, "valueCodeableConcept")
    element = "valueCodeableConcept" if concept else "valueString"
    text = words(concept) if concept else string(holder, "valueString")
    coded = {AVPU_ANSWERS[pair] for pair in codings(concept) if pair in AVPU_ANSWERS}
    said = AVPU_WORDS.get((text or "").casefold().strip(" ."))
    answers = coded or ({said} if said else set())
    source = visit.source(observation, prefix + element)
    if len(answers) != 1 or (coded and said and said not in coded):
        issue = QualityIssue.CONTRADICTORY if answers else QualityIssue.UNREADABLE
        if not _has_value(holder):
            issue = QualityIssue.EMPTY
        visit.findings.add(
            issue,
            "avpu: the answer is not one of alert, confusion, voice, pain, unresponsive; not used. Assess it.",
            kind=FactKind.AVPU,
            source=source,
        )
        return None
    return Reading(
        kind=FactKind.AVPU,
        source=source,
        when=when,
        code=answers.pop(),
        as_received=(text or "")[:80] or None,
    )


def _check_pressures(visit: Visit, settled: dict[FactKind, list[Reading]]) -> None:
    """Drop pairs taken together whose diastolic is not below the systolic."""
    for diastolic in list(settled.get(FactKind.DIASTOLIC_BP, ())):
        for systolic in list(settled.get(FactKind.SYSTOLIC_BP, ())):
            if systolic.when != diastolic.when or systolic.value is None or diastolic.value is None:
                continue
            wrong = contradictory_pressures(systolic.value, diastolic.value)
            if wrong is not None:
                _drop(visit, settled, diastolic, systolic, message=f"{wrong}; neither is used.")


def _check_gcs(visit: Visit, settled: dict[FactKind, list[Reading]]) -> None:
    """Drop a GCS total that is not the sum of the parts scored with it."""
    parts = (FactKind.GCS_EYE, FactKind.GCS_VERBAL, FactKind.GCS_MOTOR)
    for total in list(settled.get(FactKind.GCS, ())):
        same = [next((r for r in settled.get(kind, ()) if r.when == total.when), None) for kind in parts]
        values = [r.value for r in same if r is not None and r.value is not None]
        if len(values) == len(parts) and sum(values) != total.value:
            found = [r for r in same if r is not None]
            _drop(
                visit,
                settled,
                total,
                *found,
                message="gcs: the total is not the sum of its parts; none is used. Score again.",
            )


def _drop(visit: Visit, settled: dict[FactKind, list[Reading]], *readings: Reading, message: str) -> None:
    source: FactSource = readings[0].source
    visit.findings.add(QualityIssue.CONTRADICTORY, message, kind=readings[0].kind, source=source)
    for reading in readings:
        if reading in settled[reading.kind]:
            settled[reading.kind].remove(reading)
