"""ED intake from FHIR R4: bundles, files and folders into intake records.

Everything that cannot be read comes back as an ``IntakeError`` beside the records; nothing is raised for bad input.
"""

import logging
import os
import traceback
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from data_schemas import FactKind, IntakeRecord, QualityIssue
from integrations.fhir._history import read_history
from integrations.fhir._json import Json, string
from integrations.fhir._patient import read_patient
from integrations.fhir._presentation import read_presentation
from integrations.fhir._visit import Visit, is_emergency, open_visit
from integrations.fhir._vitals import read_vitals
from integrations.fhir.bundle import (
    READ_TYPES,
    ResourceIndex,
    bundle_resources,
    check_bundle,
    load_json,
    parse_json,
    too_large,
)
from integrations.fhir.errors import IntakeError
from integrations.fhir.reader_settings import ReaderSettings
from triage.facts import missing_kinds, number_facts

ReadResult = IntakeRecord | IntakeError

_log = logging.getLogger(__name__)
_DEFAULTS = ReaderSettings()


def read_bundle(
    bundle: Any, *, source: str, now: datetime, settings: ReaderSettings = _DEFAULTS
) -> list[ReadResult]:
    """One result for each ED encounter (class EMER) of a Bundle, in its order.

    ``bundle`` is JSON as parsed; with ``bundle.parse_json`` its decimals stay as received. ``source`` names the
    system and begins every ``encounter_key``. ``now`` must have a time zone. An encounter that cannot be read, and
    a container that is no Bundle or holds no ED encounter, gives an ``IntakeError`` in the list.
    """
    try:
        check_bundle(bundle)
    except IntakeError as error:
        return [error.at(source)]
    results = read_resources(bundle_resources(bundle), source=source, now=now, settings=settings)
    return results or [_no_visit("Bundle.entry", source)]


def read_resources(
    resources: Iterable[tuple[str | None, Json]],
    *,
    source: str,
    now: datetime,
    settings: ReaderSettings = _DEFAULTS,
) -> list[ReadResult]:
    """One result for each ED encounter among (fullUrl, resource) pairs; empty where there is none."""
    index = ResourceIndex(resources)
    return [
        read_encounter(index, encounter, source=source, now=now, settings=settings)
        for encounter in index.of_type("Encounter")
        if is_emergency(encounter) and (settings.include_finished or encounter.get("status") != "finished")
    ]


def read_encounter(
    index: ResourceIndex,
    encounter: Json,
    *,
    source: str,
    now: datetime,
    settings: ReaderSettings = _DEFAULTS,
    findings: Iterable[tuple[QualityIssue, str]] = (),
) -> ReadResult:
    """One ED encounter of ``index``. ``findings`` are named in the record before all others."""
    try:
        visit = open_visit(index, encounter, now, settings)
        for issue, message in findings:
            visit.findings.add(issue, message)
        return intake_record(visit, source)
    except IntakeError as error:
        return error.at(source)
    except Exception as error:  # one defect in this program must not stop the board; it is named and logged
        frames = traceback.extract_tb(error.__traceback__)
        # the message could quote the record: the type and the place are enough
        _log.error(
            "reading an encounter failed: %s at %s:%s",
            type(error).__name__,
            frames[-1].name,
            frames[-1].lineno,
        )
        return IntakeError(
            f"the reader failed ({type(error).__name__}).",
            element="Encounter",
            remedy="Triage this patient by hand and report the defect.",
            source=source,
        )


def intake_record(visit: Visit, source: str) -> IntakeRecord:
    """The record of an open visit: facts numbered, what is missing named."""
    identity, facts = read_patient(visit)
    facts += read_presentation(visit)
    facts += read_vitals(visit)
    facts += read_history(visit)
    numbered = number_facts(facts)
    missing = missing_kinds(numbered)
    if FactKind.CHIEF_COMPLAINT in missing:
        visit.findings.add(
            QualityIssue.EMPTY,
            "chief_complaint: no usable chief complaint is recorded. Ask the patient.",
            kind=FactKind.CHIEF_COMPLAINT,
            source=visit.source(visit.encounter, "reasonCode"),
        )
    return IntakeRecord(
        encounter_key=f"{source}|Encounter/{visit.identity}",
        patient=identity,
        arrived_at=visit.arrived,
        read_at=visit.now,
        facts=numbered,
        missing=missing,
        findings=visit.findings.all(),
    )


def read_path(
    path: Path, *, now: datetime, source: str = "file", settings: ReaderSettings = _DEFAULTS
) -> Iterator[ReadResult]:
    """Every ED encounter of a file or a folder: ``*.json`` Bundles one by one, then all ``*.ndjson`` as one export.

    A file that cannot be read gives an ``IntakeError`` whose ``source`` is its path, and reading goes on. An
    encounter met a second time gives an ``IntakeError`` too.
    """
    if path.is_dir():
        files, locked = _files(path)
        for folder in locked:
            yield IntakeError(
                "the folder cannot be opened.",
                element="file",
                remedy="Check its permissions.",
                source=str(folder),
            )
        bulk = [p for p in files if p.suffix.lower() == ".ndjson"]
        singles = [p for p in files if p.suffix.lower() == ".json"]
        if not files and not locked:
            yield IntakeError(
                "the folder holds no .json or .ndjson file.",
                element="file",
                remedy="Name another folder.",
                source=str(path),
            )
    else:
        bulk = [path] if path.suffix.lower() == ".ndjson" else []
        singles = [] if bulk else [path]
    exports = {file.parent for file in bulk}
    seen: set[str] = set()
    for file in singles:
        try:
            bundle = load_json(file, settings)
            if file.parent in exports and isinstance(bundle, dict) and "resourceType" not in bundle:
                continue  # the manifest of a Bulk Data export
            results = read_bundle(bundle, source=source, now=now, settings=settings)
        except IntakeError as error:
            results = [error]
        for result in results:
            yield _once(result, str(file), seen)
    for result, where in _read_ndjson(bulk, source, now, settings):
        yield _once(result, str(where), seen)


def _files(folder: Path) -> tuple[list[Path], list[Path]]:
    """The JSON and NDJSON files below ``folder``, with links that lead nowhere; and the folders that are locked."""
    locked: list[Path] = []
    found = [
        Path(parent) / name
        for parent, _, names in os.walk(folder, onerror=lambda error: locked.append(Path(error.filename)))
        for name in names
        if Path(name).suffix.lower() in {".json", ".ndjson"}
    ]
    return sorted(found), sorted(locked)


def _once(result: ReadResult, where: str, seen: set[str]) -> ReadResult:
    """The result, an error with the place where it was met; an error for an encounter already read."""
    if isinstance(result, IntakeError):
        return result.at(where)
    if result.encounter_key in seen:
        return IntakeError(
            "this encounter was already read from another file.",
            element="Encounter.id",
            remedy="Send each encounter once.",
            source=where,
        )
    seen.add(result.encounter_key)
    return result


def _read_ndjson(
    files: list[Path], source: str, now: datetime, settings: ReaderSettings
) -> Iterator[tuple[ReadResult, Path]]:
    """A Bulk Data export: one resource a line, over any number of files. Lines that hold Bundles are read alone."""
    gathered: list[tuple[str | None, Json]] = []
    found = False
    for file in files:
        try:
            for item in _lines(file, settings):
                if isinstance(item, IntakeError):
                    found = True
                    yield item, file
                elif item.get("resourceType") == "Bundle":
                    found = True
                    for result in read_bundle(item, source=source, now=now, settings=settings):
                        yield result, file
                elif string(item, "resourceType") in READ_TYPES:
                    gathered.append((None, item))
        except IntakeError as error:
            found = True
            yield error, file
    for result in read_resources(gathered, source=source, now=now, settings=settings):
        found = True
        yield result, files[0].parent
    if files and not found:
        yield _no_visit("file", ""), files[0]


def _lines(file: Path, settings: ReaderSettings) -> Iterator[Json | IntakeError]:
    try:
        size = file.stat().st_size
        if size > settings.max_ndjson_bytes:
            raise too_large(size, settings.max_ndjson_bytes)
        with file.open("rb") as lines:
            number = 0
            while line := lines.readline(settings.max_bytes + 1):
                number += 1
                if len(line) > settings.max_bytes:
                    raise too_large(len(line), settings.max_bytes)
                if not line.strip():
                    continue
                try:
                    item = parse_json(line)
                except IntakeError as error:
                    yield IntakeError(
                        error.message, element=f"line {number}", remedy="Send one resource a line."
                    )
                    continue
                if isinstance(item, dict):
                    yield item
                else:
                    yield IntakeError(
                        "not an object.", element=f"line {number}", remedy="Send one resource a line."
                    )
    except OSError as error:
        raise IntakeError(
            f"cannot be opened ({type(error).__name__}).",
            element="file",
            remedy="Check the path and its permissions.",
        ) from None


def _no_visit(element: str, source: str) -> IntakeError:
    return IntakeError(
        "holds no ED encounter (Encounter.class EMER).",
        element=element,
        remedy="Send the ED Encounter with what refers to it.",
        source=source,
    )
