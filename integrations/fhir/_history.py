"""What was known before: conditions, medicines, allergies, pregnancy."""

from collections.abc import Iterator
from datetime import timedelta

from data_schemas import Fact, FactKind, QualityIssue
from integrations.fhir._json import Json, codings, obj, objs, string, words
from integrations.fhir._times import When, parse_when
from integrations.fhir._visit import Visit
from integrations.fhir.codes import (
    LOINC,
    PREGNANCY_ANSWERS,
    PREGNANCY_CONDITIONS,
    PREGNANCY_ICD10_PREFIXES,
    PREGNANCY_STATUS_CODE,
    PREGNANCY_WORDS,
)
from integrations.fhir.leaks import is_encounter_diagnosis, is_problem_list_item
from triage.facts import make_fact

_ACTIVE = frozenset({"active", "recurrence", "relapse"})
_REFUTED = frozenset({"refuted", "entered-in-error"})
_UNCERTAIN = frozenset({"unconfirmed", "provisional", "differential"})


def read_history(visit: Visit) -> list[Fact]:
    """Facts for active conditions, current medicines and allergies recorded before triage, and for pregnancy."""
    conditions = list(_conditions(visit))
    facts = [
        *_limited(
            visit, FactKind.CONDITION, (_said(visit, FactKind.CONDITION, c, "code") for c in conditions)
        ),
        *_limited(visit, FactKind.MEDICATION, _medications(visit)),
        *_limited(visit, FactKind.ALLERGY, _allergies(visit)),
    ]
    pregnancy = _pregnancy(visit, conditions)
    return [*facts, pregnancy] if pregnancy is not None else facts


def diagnoses_of_this_visit(visit: Visit) -> set[str]:
    """Keys of Conditions that ``Encounter.diagnosis`` lists, but for comorbidities and the chief complaint."""
    keys = set()
    for _, diagnosis in objs(visit.encounter, "diagnosis"):
        roles = {code for _, code in codings(obj(diagnosis, "use"))}
        key = visit.index.key(obj(diagnosis, "condition"))
        if key is not None and not roles & {"CM", "CC"}:
            keys.add(key)
    return keys


def is_later_condition(visit: Visit, condition: Json, linked: bool, diagnoses: set[str]) -> bool:
    """Whether a Condition became known only through this visit.

    The rule: filed as an encounter-diagnosis of this visit or listed in ``Encounter.diagnosis``; or filed under this
    encounter without being a problem-list item, or as an encounter-diagnosis of no encounter, and not recorded before
    arrival; or recorded, or begun, after triage.
    """
    if visit.index.key_of.get(id(condition)) in diagnoses:
        return True
    recorded = parse_when(condition.get("recordedDate"))
    unfiled = is_encounter_diagnosis(condition) and not visit.index.encounter_keys(condition)
    known_since = recorded or parse_when(condition.get("onsetDateTime"))
    if linked and is_encounter_diagnosis(condition):
        return True
    if unfiled or (linked and not is_problem_list_item(condition)):
        return known_since is None or known_since.end >= visit.reference_time
    onset = parse_when(condition.get("onsetDateTime"))
    return any(when is not None and when.start > visit.cutoff for when in (recorded, onset))


def _mine_of_any_encounter(visit: Visit, resource_type: str) -> Iterator[tuple[Json, bool]]:
    """Resources about the patient whatever encounter they were recorded in, and whether it is this one."""
    linked = {id(r) for r, is_linked in visit.mine(resource_type) if is_linked}
    for resource in visit.index.of_patient(visit.patient_key):
        if resource.get("resourceType") == resource_type and visit.is_one_version(resource, resource_type):
            yield resource, id(resource) in linked


def _conditions(visit: Visit) -> Iterator[Json]:
    diagnoses = diagnoses_of_this_visit(visit)
    for condition, linked in _mine_of_any_encounter(visit, "Condition"):
        verification = {code for _, code in codings(obj(condition, "verificationStatus"))}
        if verification & _REFUTED:
            continue
        if is_later_condition(visit, condition, linked, diagnoses):
            _strip(visit, condition, FactKind.CONDITION, "made or recorded in or after this visit")
            continue
        clinical = {code for _, code in codings(obj(condition, "clinicalStatus"))}
        ended = any(name.startswith("abatement") for name in condition)
        if (clinical and not clinical & _ACTIVE) or (not clinical and ended):
            continue
        if verification & _UNCERTAIN:
            visit.findings.add(
                QualityIssue.NOT_FINAL,
                "condition: not confirmed; not used. Ask the patient.",
                kind=FactKind.CONDITION,
                source=visit.source(condition, "verificationStatus"),
            )
            continue
        yield condition


def _medications(visit: Visit) -> Iterator[Fact | None]:
    for statement, _ in _mine_of_any_encounter(visit, "MedicationStatement"):
        asserted = parse_when(statement.get("dateAsserted")) or _effective(statement)
        if string(statement, "status") == "active" and not _later(
            visit, statement, asserted, FactKind.MEDICATION
        ):
            yield _medication(visit, statement)
    for request, linked in _mine_of_any_encounter(visit, "MedicationRequest"):
        if string(request, "status") != "active" or string(request, "intent") in {"proposal", "option"}:
            continue
        authored = parse_when(request.get("authoredOn"))
        reported = request.get("reportedBoolean") is True or string(request, "intent") == "plan"
        ordered_here = not reported and (
            (linked and (authored is None or authored.end >= visit.reference_time))
            or (authored is not None and authored.start >= visit.reference_time)
        )
        if ordered_here:
            _strip(visit, request, FactKind.MEDICATION, "ordered in this visit")
        elif not _later(visit, request, authored, FactKind.MEDICATION):
            yield _medication(visit, request)


def _medication(visit: Visit, resource: Json) -> Fact | None:
    if isinstance(obj(resource, "medication").get("concept"), dict):
        _unreadable(visit, resource, FactKind.MEDICATION, "medication", "has the shape of FHIR R5")
        return None
    concept = obj(resource, "medicationCodeableConcept")
    if concept:
        return _said(visit, FactKind.MEDICATION, resource, "medicationCodeableConcept")
    reference = obj(resource, "medicationReference")
    target = visit.index.resolve(reference, resource)
    text = words(obj(target, "code")) or string(reference, "display")
    return _fact(visit, FactKind.MEDICATION, resource, "medicationReference", text)


def _allergies(visit: Visit) -> Iterator[Fact | None]:
    for allergy, _ in _mine_of_any_encounter(visit, "AllergyIntolerance"):
        clinical = {code for _, code in codings(obj(allergy, "clinicalStatus"))}
        verification = {code for _, code in codings(obj(allergy, "verificationStatus"))}
        if (clinical and "active" not in clinical) or verification & _REFUTED:
            continue
        recorded = parse_when(allergy.get("recordedDate"))
        if not _later(visit, allergy, recorded, FactKind.ALLERGY):
            yield _said(visit, FactKind.ALLERGY, allergy, "code")


def _effective(resource: Json) -> When | None:
    return parse_when(resource.get("effectiveDateTime")) or parse_when(
        obj(resource, "effectivePeriod").get("start")
    )


def _later(visit: Visit, resource: Json, when: When | None, kind: FactKind) -> bool:
    """Whether it was recorded after triage. A day without a time, or no date at all, counts as before."""
    if when is not None and when.start > visit.cutoff:
        _strip(visit, resource, kind, "recorded after triage")
        return True
    return False


def _strip(visit: Visit, resource: Json, kind: FactKind, why: str) -> None:
    visit.findings.left_out(kind, why, visit.source(resource, "id"))


def _unreadable(visit: Visit, resource: Json, kind: FactKind, path: str, why: str) -> None:
    visit.findings.add(
        QualityIssue.UNREADABLE,
        f"{kind.value}: {path} {why}; not used. Look in the record.",
        kind=kind,
        source=visit.source(resource, path),
    )


def _said(visit: Visit, kind: FactKind, resource: Json, path: str) -> Fact | None:
    return _fact(visit, kind, resource, path, words(obj(resource, path)))


def _fact(visit: Visit, kind: FactKind, resource: Json, path: str, text: str | None) -> Fact | None:
    if text is None:
        _unreadable(visit, resource, kind, path, "has no words")
        return None
    source = visit.source(resource, path)
    safe = visit.words(text, kind, source, visit.settings.max_text_chars)
    return make_fact(1, kind, text=safe, source=source) if safe is not None else None


def _limited(visit: Visit, kind: FactKind, facts: Iterator[Fact | None]) -> list[Fact]:
    """At most ``max_history`` different ones, in the order received."""
    kept: dict[str, Fact] = {}
    for fact in facts:
        if fact is None or fact.text.casefold() in kept:
            continue
        if len(kept) == visit.settings.max_history:
            visit.findings.add(
                QualityIssue.TRUNCATED,
                f"{kind.value}: more than {visit.settings.max_history}; the rest is left out. See the record.",
                kind=kind,
                source=fact.source,
            )
            break
        kept[fact.text.casefold()] = fact
    return list(kept.values())


def _pregnancy(visit: Visit, conditions: list[Json]) -> Fact | None:
    """The latest usable pregnancy status (82810-3), else an active Condition that says so."""
    best: tuple[When, Fact] | None = None
    for observation in visit.index.of_patient(visit.patient_key):
        if observation.get("resourceType") != "Observation" or not _is_pregnancy_status(observation):
            continue
        found = _pregnancy_status(visit, observation)
        if found is not None and (best is None or found[0].start > best[0].start):
            best = found
    if best is not None:
        return best[1]
    for condition in conditions:
        code = _pregnancy_of(condition)
        if code is not None:
            return make_fact(1, FactKind.PREGNANCY, code=code, source=visit.source(condition, "code"))
    return None


def _is_pregnancy_status(observation: Json) -> bool:
    return (LOINC, PREGNANCY_STATUS_CODE) in set(codings(obj(observation, "code")))


def _pregnancy_status(visit: Visit, observation: Json) -> tuple[When, Fact] | None:
    source = visit.source(observation, "valueCodeableConcept")

    def refuse(issue: QualityIssue, why: str) -> None:
        visit.findings.add(issue, f"pregnancy: {why}; not used. Ask.", kind=FactKind.PREGNANCY, source=source)

    when = _effective(observation)
    concept = obj(observation, "valueCodeableConcept")
    answers = {PREGNANCY_ANSWERS[pair] for pair in codings(concept) if pair in PREGNANCY_ANSWERS}
    answers = answers or {PREGNANCY_WORDS.get((words(concept) or "").casefold())}
    code = answers.pop() if len(answers) == 1 else None
    if string(observation, "status") not in {"final", "amended", "corrected"}:
        refuse(QualityIssue.NOT_FINAL, "the status is not final")
    elif when is None:
        refuse(QualityIssue.UNREADABLE, "when it was recorded is not known")
    elif when.start > visit.now + visit.settings.clock_tolerance:
        refuse(QualityIssue.FUTURE, "recorded in the future")
    elif when.start > visit.cutoff:
        refuse(QualityIssue.LATER_STRIPPED, "recorded after triage")
    elif code is None:
        refuse(QualityIssue.UNREADABLE, "the answer is unknown")
    else:
        valid: timedelta = (
            visit.settings.not_pregnant_valid if code == "not-pregnant" else visit.settings.pregnancy_valid
        )
        if when.end < visit.reference_time - valid:
            refuse(QualityIssue.STALE, "recorded too long ago")
            return None
        moment = when.start if when.exact else None
        return when, make_fact(
            1, FactKind.PREGNANCY, code=code, source=source, observed_at=moment, as_received=words(concept)
        )
    return None


def _pregnancy_of(condition: Json) -> str | None:
    concept = obj(condition, "code")
    for system, code in codings(concept):
        known = PREGNANCY_CONDITIONS.get((system, code))
        if known is not None:
            return known
        if "icd-10" in system.lower():
            for prefix, meaning in PREGNANCY_ICD10_PREFIXES.items():
                if code.upper().startswith(prefix):
                    return meaning
    found = PREGNANCY_WORDS.get((words(concept) or "").casefold())
    return found if found != "not-pregnant" else None
