"""Vital signs and scores: Observations and their components into readings, readings into facts."""

import re
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from data_schemas import CANONICAL_UNITS, VITAL_SIGNS, Fact, FactKind, FactSource, QualityIssue
from integrations.fhir._json import Json, clean, codings, first_code, number, obj, objs, string, words
from integrations.fhir._times import When, parse_when
from integrations.fhir._visit import Timing, Visit
from integrations.fhir.codes import (
    AVPU_ANSWERS,
    AVPU_WORDS,
    CHIEF_COMPLAINT_CODES,
    LOINC,
    OTHER_VITAL_SIGN_CODES,
    PREGNANCY_STATUS_CODE,
    TRANSPORT_MODE_CODE,
    UCUM,
    VITAL_CODES,
)
from integrations.fhir.leaks import is_acuity, is_laboratory, is_vital_sign
from integrations.fhir.quality import Reading, settle
from integrations.fhir.units import UnknownUnitError, to_canonical
from triage.facts import make_fact
from triage.plausibility import contradictory_pressures, implausible

FINAL = frozenset({"final", "amended", "corrected"})
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

_READ_ELSEWHERE = OTHER_VITAL_SIGN_CODES | {
    *CHIEF_COMPLAINT_CODES,
    TRANSPORT_MODE_CODE,
    PREGNANCY_STATUS_CODE,
}
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
        for reading in found
    ]
    if not {fact.kind for fact in facts} & set(VITAL_SIGNS):
        visit.findings.add(
            QualityIssue.MISSING,
            "No usable vital sign is recorded for this visit. Measure them; absent is not normal.",
            source=visit.source(visit.encounter, "id"),
        )
    return facts


def usable_observations(visit: Visit) -> Iterator[tuple[Json, When | None]]:
    """Observations of this visit that carry a vital sign, are final, and were known at triage."""
    laboratory: list[Json] = []
    uncoded: list[Json] = []
    for observation, linked in visit.mine("Observation"):
        if not linked and visit.timing(observed(observation), linked=False) is Timing.EARLIER:
            continue
        concept = obj(observation, "code")
        if is_acuity(concept, visit.settings.acuity_codes):
            visit.findings.add(
                QualityIssue.ACUITY_STRIPPED,
                "An acuity level already in the record was left out.",
                source=visit.source(observation, "code"),
            )
            continue
        kinds = {k for k, _ in _kinds(visit, observation)}
        if is_laboratory(observation) and FactKind.GLUCOSE not in kinds:
            laboratory.append(observation)
            continue
        if not kinds:
            if is_vital_sign(observation) and not _known_other(visit, concept):
                uncoded.append(observation)
            continue
        if _status_ok(visit, observation, next(iter(kinds))) and _time_ok(
            visit, observation, linked, min(kinds)
        ):
            yield observation, observed(observation)
    if laboratory:
        visit.findings.add(
            QualityIssue.LATER_STRIPPED,
            f"{len(laboratory)} laboratory result(s) left out: not known at triage.",
            source=visit.source(laboratory[0], "category"),
        )
    if uncoded:
        visit.findings.add(
            QualityIssue.UNREADABLE,
            f"{len(uncoded)} vital sign(s) without a code known here; not used. "
            "Map them in ReaderSettings.local_codes.",
            source=visit.source(uncoded[0], "code"),
        )


def observed(observation: Json) -> When | None:
    """When an Observation was made: its effective time, else when it was issued."""
    for value in (
        observation.get("effectiveDateTime"),
        observation.get("effectiveInstant"),
        obj(observation, "effectivePeriod").get("start"),
    ):
        if value is not None:
            return parse_when(value)
    return parse_when(observation.get("issued"))


def _known_other(visit: Visit, concept: Json) -> bool:
    """Whether another part of the reader takes it, or it is a vital sign that triage ignores."""
    settings = visit.settings
    pairs = set(codings(concept))
    if pairs & (settings.injury_codes | settings.immunisation_codes):
        return True
    return bool({code for system, code in pairs if system == LOINC} & (_READ_ELSEWHERE | settings.note_codes))


def _kinds(visit: Visit, observation: Json) -> Iterator[tuple[FactKind, str]]:
    """(kind, path prefix) of the Observation itself and of its components."""
    own = _kind(visit, obj(observation, "code"))
    if own is not None:
        yield own, ""
    for i, component in objs(observation, "component"):
        kind = _kind(visit, obj(component, "code"))
        if kind is not None:
            yield kind, f"component[{i}]."


def _kind(visit: Visit, concept: Json) -> FactKind | None:
    for system, code in codings(concept):
        local = visit.settings.local_codes.get((system, code))
        if local is not None:
            return local
        if system == LOINC:
            if code in visit.settings.glucose_codes:
                return FactKind.GLUCOSE
            if code in VITAL_CODES:
                return VITAL_CODES[code]
    return None


def _status_ok(visit: Visit, observation: Json, kind: FactKind) -> bool:
    status = observation.get("status")
    if isinstance(status, str) and status in FINAL:
        return True
    known = {"preliminary", "registered", "cancelled", "entered-in-error", "unknown"}
    shown = status if isinstance(status, str) and status in known else "missing or not of R4"
    visit.findings.add(
        QualityIssue.NOT_FINAL,
        f"{kind.value}: the status is {shown}; not used. Confirm the reading.",
        kind=kind,
        source=visit.source(observation, "status"),
    )
    return False


def _time_ok(visit: Visit, observation: Json, linked: bool, kind: FactKind) -> bool:
    timing = visit.timing(observed(observation), linked=linked)
    if timing is Timing.KNOWN:
        return True
    if timing is Timing.LATER:
        visit.findings.left_out(kind, "observed after triage", visit.source(observation, "effectiveDateTime"))
        return False
    issue, message = {
        Timing.FUTURE: (QualityIssue.FUTURE, "observed in the future; not used. Check the clock."),
        Timing.EARLIER: (QualityIssue.STALE, "observed long before this arrival; not used. Measure again."),
        Timing.UNKNOWN: (
            QualityIssue.UNREADABLE,
            "when it was observed is not known; not used. Send its time.",
        ),
    }[timing]
    visit.findings.add(
        issue, f"{kind.value}: {message}", kind=kind, source=visit.source(observation, "effectiveDateTime")
    )
    return False


def _readings(visit: Visit, observation: Json, when: When | None) -> Iterator[Reading]:
    for kind, prefix in _kinds(visit, observation):
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
