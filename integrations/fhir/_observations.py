"""Which Observations of a visit may be read: final, of this visit, known at triage, and no acuity."""

from collections.abc import Iterator

from data_schemas import FactKind, QualityIssue
from integrations.fhir._json import Json, codings, obj, objs
from integrations.fhir._times import When, parse_when
from integrations.fhir._visit import Timing, Visit
from integrations.fhir.codes import (
    CHIEF_COMPLAINT_CODES,
    LOINC,
    OTHER_VITAL_SIGN_CODES,
    PREGNANCY_STATUS_CODE,
    REPORTED_AGE_CODES,
    TRANSPORT_MODE_CODE,
    VITAL_CODES,
)
from integrations.fhir.leaks import is_acuity, is_laboratory, is_vital_sign

FINAL = frozenset({"final", "amended", "corrected"})
_READ_ELSEWHERE = OTHER_VITAL_SIGN_CODES | {
    *CHIEF_COMPLAINT_CODES,
    *REPORTED_AGE_CODES,
    TRANSPORT_MODE_CODE,
    PREGNANCY_STATUS_CODE,
}


def usable_observations(visit: Visit) -> Iterator[tuple[Json, When | None]]:
    """Observations of this visit that carry a vital sign, are final, and were known at triage."""
    laboratory: list[Json] = []
    uncoded: list[Json] = []
    for observation, linked in visit.mine("Observation"):
        if not linked and visit.timing(observed(observation), linked=False) is Timing.EARLIER:
            continue  # of an earlier time, and nothing ties it to this visit
        concept = obj(observation, "code")
        if is_acuity(concept, visit.settings.acuity_codes):
            visit.findings.add(
                QualityIssue.ACUITY_STRIPPED,
                "An acuity level already in the record was left out.",
                source=visit.source(observation, "code"),
            )
            continue
        kinds = {k for k, _ in kinds_of(visit, observation)}
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
    _name_strays(visit)
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


def _name_strays(visit: Visit) -> None:
    """Vital signs of this patient and this time that name an encounter which is not here."""
    strays = [
        observation
        for observation in visit.index.of_patient(visit.patient_key)
        if observation.get("resourceType") == "Observation"
        and (named := visit.index.encounter_keys(observation))
        and not any(key in visit.index.by_key for key in named)
        and (when := observed(observation)) is not None
        and visit.timing(when, linked=False) is Timing.KNOWN
        and any(kinds_of(visit, observation))
    ]
    if strays:
        visit.findings.add(
            QualityIssue.UNREADABLE,
            f"{len(strays)} vital sign(s) of this patient and time refer to an encounter that is not here; not used. "
            "Check which visit they belong to.",
            source=visit.source(strays[0], "encounter"),
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


def kinds_of(visit: Visit, observation: Json) -> Iterator[tuple[FactKind, str]]:
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
