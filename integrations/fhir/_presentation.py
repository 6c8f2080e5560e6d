"""Why and how the patient came: chief complaint, mode of arrival, injury, the triage note."""

import re
from collections.abc import Iterator
from datetime import datetime

from data_schemas import Fact, FactKind, FactSource, QualityIssue
from integrations.fhir._history import diagnoses_of_this_visit, is_later_condition
from integrations.fhir._json import Json, codings, obj, objs, string, words
from integrations.fhir._notes import Note, triage_notes
from integrations.fhir._observations import FINAL, observed
from integrations.fhir._visit import BEFORE_TRIAGE, Timing, Visit
from integrations.fhir.codes import (
    ARRIVAL_MODES,
    ARRIVAL_WORDS,
    CHIEF_COMPLAINT_CODES,
    LOINC,
    MODE_OF_ARRIVAL_URL,
    TRANSPORT_MODE_CODE,
    YES_NO,
    YES_NO_WORDS,
)
from integrations.fhir.leaks import is_diagnosis_coded, is_encounter_diagnosis
from triage.facts import make_fact

SEEN = frozenset({"in-progress", "onleave", "finished"})
"""From here on a physician may have written the diagnosis over the reason."""

_NOTE_COMPLAINT = re.compile(
    r"(?im)^[ \t]*(?:chief|presenting)[ \t]+complaint[ \t]*[:\-][ \t]*(?P<words>\S.*?)[ \t]*\r?$"
)
_NOTE_ARRIVAL = re.compile(
    r"(?im)^[ \t]*(?:arrival mode|mode of arrival)[ \t]*[:\-][ \t]*(?P<words>\S.*?)[ \t]*\r?$"
)


def read_presentation(visit: Visit) -> list[Fact]:
    """Facts for complaint, arrival mode, injury, immunisation and triage notes."""
    notes = list(triage_notes(visit))
    facts = [*_complaint(visit, notes)]
    arrival = _arrival_mode(visit, notes)
    if arrival is not None:
        facts.append(arrival)
    facts += _yes_no(visit, FactKind.INJURY, visit.settings.injury_codes)
    facts += _yes_no(visit, FactKind.IMMUNISATION, visit.settings.immunisation_codes)
    for note in notes:
        text = visit.words(note.text, FactKind.TRIAGE_NOTE, note.source, visit.settings.max_note_chars)
        if text is not None:
            facts.append(
                make_fact(1, FactKind.TRIAGE_NOTE, text=text, source=note.source, observed_at=note.written)
            )
    return facts


def _complaint(visit: Visit, notes: list[Note]) -> list[Fact]:
    """The words of the first source that has any; later sources that differ are named.

    Order: ``Encounter.reasonCode``, 10154-3, 8661-1 and ``reasonReference``, a "Chief complaint:" line of the note.
    """
    chosen: list[Fact] = []
    for group in (
        _reasons(visit),
        _complaint_observations(visit),
        _reason_references(visit),
        _note_lines(notes),
    ):
        found: list[Fact] = []
        for text, source, when in group:
            safe = visit.words(text, FactKind.CHIEF_COMPLAINT, source, visit.settings.max_text_chars)
            if safe is not None and not any(_folded(safe) == _folded(fact.text) for fact in found):
                found.append(
                    make_fact(1, FactKind.CHIEF_COMPLAINT, text=safe, source=source, observed_at=when)
                )
        if not chosen:
            chosen = found
            continue
        known = " ".join(_folded(fact.text) for fact in chosen)
        for fact in found:
            if _folded(fact.text) not in known and known not in _folded(fact.text):
                visit.findings.add(
                    QualityIssue.CONTRADICTORY,
                    f"chief_complaint: another source says something else than {chosen[0].source.path}; "
                    "the first is used. Read both.",
                    kind=FactKind.CHIEF_COMPLAINT,
                    source=fact.source,
                )
    return chosen


Said = tuple[str, FactSource, datetime | None]


def _reasons(visit: Visit) -> Iterator[Said]:
    for i, reason in objs(visit.encounter, "reasonCode"):
        text = words(reason)
        path = f"reasonCode[{i}].text" if string(reason, "text") else f"reasonCode[{i}].coding[0].display"
        source = visit.source(visit.encounter, path)
        if text is None:
            visit.findings.add(
                QualityIssue.EMPTY,
                "chief_complaint: the reason for the visit is empty. Ask the patient.",
                kind=FactKind.CHIEF_COMPLAINT,
                source=visit.source(visit.encounter, f"reasonCode[{i}]"),
            )
        elif _is_final_diagnosis(visit, reason, text):
            _strip_reason(visit, source)
        else:
            yield text, source, None


def _is_final_diagnosis(visit: Visit, reason: Json, text: str) -> bool:
    """Whether a reason is the diagnosis that the visit ended with and not what the patient came for.

    The rule: it says the same (a code or the words) as a diagnosis of this visit, at any status; or it is coded as
    a diagnosis and the patient has been seen (in-progress, onleave, finished). Before that, a coded reason is what
    was entered at arrival.
    """
    if _coded_by_physician(visit, reason):
        return True
    diagnoses = diagnoses_of_this_visit(visit)
    pairs = set(codings(reason))
    for condition in visit.index.of_patient(visit.patient_key):
        if condition.get("resourceType") != "Condition":
            continue
        linked = visit.key in visit.index.encounter_keys(condition)
        if not is_later_condition(visit, condition, linked, diagnoses):
            continue
        concept = obj(condition, "code")
        if pairs & set(codings(concept)) or _folded(words(concept) or "") == _folded(text):
            return visit.status not in BEFORE_TRIAGE or is_encounter_diagnosis(condition)
    return False


def _coded_by_physician(visit: Visit, concept: Json) -> bool:
    return (
        visit.status in SEEN
        and not visit.settings.coded_reasons_are_complaints
        and is_diagnosis_coded(concept)
    )


def _strip_reason(visit: Visit, source: FactSource) -> None:
    visit.findings.add(
        QualityIssue.LATER_STRIPPED,
        "chief_complaint: the reason for the visit is a diagnosis made later; left out. Enter the complaint.",
        kind=FactKind.CHIEF_COMPLAINT,
        source=source,
    )


def _complaint_observations(visit: Visit) -> Iterator[Said]:
    for code in CHIEF_COMPLAINT_CODES:
        for observation, path, text in _texts(visit, (LOINC, code), FactKind.CHIEF_COMPLAINT):
            when = observed(observation)
            yield text, visit.source(observation, path), when.start if when and when.exact else None


def _texts(visit: Visit, code: tuple[str, str], kind: FactKind) -> Iterator[tuple[Json, str, str]]:
    """(Observation, path, words) of the Observations with a code that were known at triage."""
    for observation, linked in visit.mine("Observation"):
        if code not in set(codings(obj(observation, "code"))):
            continue
        timing = visit.timing(observed(observation), linked=linked)
        source = visit.source(observation, "code")
        if string(observation, "status") not in FINAL:
            visit.findings.add(
                QualityIssue.NOT_FINAL,
                f"{kind.value}: the status is not final; not used.",
                kind=kind,
                source=source,
            )
        elif timing is Timing.LATER or timing is Timing.FUTURE:
            visit.findings.add(
                QualityIssue.LATER_STRIPPED if timing is Timing.LATER else QualityIssue.FUTURE,
                f"{kind.value}: recorded after triage or in the future; left out.",
                kind=kind,
                source=source,
            )
        elif timing is Timing.KNOWN or (linked and timing is Timing.EARLIER):
            text = string(observation, "valueString")
            path = "valueString" if text else "valueCodeableConcept"
            text = text or words(obj(observation, "valueCodeableConcept"))
            if text is not None:
                yield observation, path, text
            else:
                visit.findings.add(
                    QualityIssue.EMPTY, f"{kind.value}: no words are recorded. Ask.", kind=kind, source=source
                )
        elif timing is Timing.UNKNOWN:
            visit.findings.add(
                QualityIssue.UNREADABLE,
                f"{kind.value}: when it was recorded is not known; not used.",
                kind=kind,
                source=source,
            )


def _reason_references(visit: Visit) -> Iterator[Said]:
    diagnoses = diagnoses_of_this_visit(visit)
    for i, reference in objs(visit.encounter, "reasonReference"):
        target = visit.index.resolve(reference, visit.encounter)
        source = visit.source(visit.encounter, f"reasonReference[{i}]")
        if target is None or target.get("resourceType") != "Condition":
            continue
        if visit.index.patient_key(target) not in {None, visit.patient_key}:
            continue
        linked = visit.key in visit.index.encounter_keys(target)
        coded = _coded_by_physician(visit, obj(target, "code"))
        if coded or is_encounter_diagnosis(target) or is_later_condition(visit, target, linked, diagnoses):
            _strip_reason(visit, source)
            continue
        text = words(obj(target, "code"))
        if text is not None:
            yield text, visit.source(target, "code"), None


def _note_lines(notes: list[Note]) -> Iterator[Said]:
    for note in notes:
        match = _NOTE_COMPLAINT.search(note.text)
        if match:
            yield match["words"], _span(note, match), note.written


def _span(note: Note, match: re.Match[str]) -> FactSource:
    return note.source.model_copy(update={"start": match.start("words"), "end": match.end("words")})


def _folded(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .")


def _arrival_mode(visit: Visit, notes: list[Note]) -> Fact | None:
    for i, extension in objs(visit.encounter, "extension"):
        if extension.get("url") == MODE_OF_ARRIVAL_URL:
            coding = obj(extension, "valueCoding")
            concept = {"coding": [coding]} if coding else obj(extension, "valueCodeableConcept")
            path = f"extension[{i}].value{'Coding' if coding else 'CodeableConcept'}"
            return _mode(visit, concept, visit.source(visit.encounter, path), None)
    for observation, path, text in _texts(visit, (LOINC, TRANSPORT_MODE_CODE), FactKind.ARRIVAL_MODE):
        when = observed(observation)
        concept = obj(observation, "valueCodeableConcept") or {"text": text}
        return _mode(
            visit, concept, visit.source(observation, path), when.start if when and when.exact else None
        )
    for note in notes:
        match = _NOTE_ARRIVAL.search(note.text)
        if match:
            return _mode(visit, {"text": match["words"]}, _span(note, match), note.written)
    return None


def _mode(visit: Visit, concept: Json, source: FactSource, when: datetime | None) -> Fact | None:
    text = words(concept)
    for system, code in codings(concept):
        if code in ARRIVAL_MODES and "0430" in system:
            mode = ARRIVAL_MODES[code]
            break
    else:
        mode = ARRIVAL_WORDS.get(_folded(text or ""))
        if mode is None:
            visit.findings.add(
                QualityIssue.UNREADABLE,
                "arrival_mode: the answer is not one known here; not used. Use HL7 v2 table 0430.",
                kind=FactKind.ARRIVAL_MODE,
                source=source,
            )
    if mode is None:
        return None
    received = text or next((code for _, code in codings(concept)), None)
    return make_fact(
        1, FactKind.ARRIVAL_MODE, code=mode, source=source, observed_at=when, as_received=received
    )


def _yes_no(visit: Visit, kind: FactKind, codes: frozenset[tuple[str, str]]) -> Iterator[Fact]:
    for code in sorted(codes):
        for observation, linked in visit.mine("Observation"):
            if (
                code not in set(codings(obj(observation, "code")))
                or string(observation, "status") not in FINAL
            ):
                continue
            when = observed(observation)
            if visit.timing(when, linked=linked) is not Timing.KNOWN:
                continue
            concept = obj(observation, "valueCodeableConcept")
            answer = next((YES_NO[pair] for pair in codings(concept) if pair in YES_NO), None)
            answer = answer or YES_NO_WORDS.get(_folded(words(concept) or ""))
            flag = observation.get("valueBoolean")
            if isinstance(flag, bool):
                answer = "yes" if flag else "no"
            if answer is not None:
                path = "valueBoolean" if isinstance(flag, bool) else "valueCodeableConcept"
                yield make_fact(
                    1,
                    kind,
                    code=answer,
                    source=visit.source(observation, path),
                    observed_at=when.start if when and when.exact else None,
                )
