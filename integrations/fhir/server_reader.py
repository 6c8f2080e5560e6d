"""ED intake from a FHIR server: find the open visits, fetch what belongs to each, read them as a bundle is read."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from data_schemas import QualityIssue
from integrations.fhir._json import Json, obj, resource_id
from integrations.fhir._times import parse_when
from integrations.fhir._visit import is_emergency
from integrations.fhir.bundle import ResourceIndex
from integrations.fhir.errors import (
    PASSING,
    FhirAuthError,
    FhirError,
    FhirNotFoundError,
    FhirProtocolError,
    FhirServerError,
    FhirTimeoutError,
    IntakeError,
)
from integrations.fhir.reader import ReadResult, read_encounter
from integrations.fhir.reader_settings import ReaderSettings

OPEN_STATUSES = ("planned", "arrived", "triaged", "in-progress")

BY_ENCOUNTER = ("Observation", "DocumentReference")
"""Searched by encounter. Without them a record would look normal where nothing was read: a failure fails the visit."""
PREGNANCY_SEARCH = {"code": "http://loinc.org|82810-3"}

_DEFAULTS = ReaderSettings()

_REMEDIES: dict[type[Exception], str] = {
    FhirAuthError: "Check TRIAGE_FHIR__TOKEN and what it may read",
    FhirNotFoundError: "Check that this is the base URL of a FHIR R4 server",
    FhirProtocolError: "Check that this is the base URL of a FHIR R4 server",
    FhirTimeoutError: "Check the connection, or raise TRIAGE_FHIR__TIMEOUT_SECONDS",
    FhirServerError: "The server has a fault of its own: ask who runs it",
}


class FhirReads(Protocol):
    """What reading needs of a FHIR client: ``integrations.fhir.client.FhirClient`` has it.

    The client keeps next links to its own origin, limits pages, times out each request and raises ``FhirError``.
    """

    async def get(self, path_or_url: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """One JSON object."""
        ...

    def search(self, resource_type: str, params: Mapping[str, str]) -> AsyncIterator[dict[str, Any]]:
        """Every resource of every page; OperationOutcome entries skipped."""
        ...


async def read_server(
    client: FhirReads,
    *,
    source: str,
    now: datetime,
    settings: ReaderSettings = _DEFAULTS,
    statuses: Sequence[str] = OPEN_STATUSES,
    updated_since: datetime | None = None,
) -> AsyncIterator[ReadResult]:
    """Every ED visit of a server in ``statuses``, one result each, at most ``settings.max_encounters``.

    ``updated_since`` narrows the search to Encounters changed since (``_lastUpdated``). What a lenient server sends
    beyond what was asked is left out. A server that cannot be searched gives one ``IntakeError``.
    """
    params = {"class": "EMER", "status": ",".join(statuses)}
    if updated_since is not None:
        params["_lastUpdated"] = f"ge{updated_since.isoformat()}"
    encounters: list[Json] = []
    truncated = False
    try:
        async with asyncio.timeout(settings.server_timeout.total_seconds()):
            async for resource in client.search("Encounter", params):
                if not is_emergency(resource) or resource.get("status") not in statuses:
                    continue
                truncated = len(encounters) == settings.max_encounters
                if truncated:
                    break
                encounters.append(resource)
    except (FhirError, TimeoutError) as error:
        yield _failed("Encounter", error, source)
        return
    for encounter in encounters:
        yield await read_server_encounter(client, encounter, source=source, now=now, settings=settings)
    if truncated:
        yield IntakeError(
            f"there are more than {settings.max_encounters} open ED visits; the rest was not read.",
            element="Encounter",
            remedy="Raise ReaderSettings.max_encounters or close old visits.",
            source=source,
        )


async def read_server_encounter(
    client: FhirReads,
    encounter: Json | str,
    *,
    source: str,
    now: datetime,
    settings: ReaderSettings = _DEFAULTS,
) -> ReadResult:
    """One ED visit, given as an Encounter resource or its id, with everything fetched that refers to it."""
    findings: list[tuple[QualityIssue, str]] = []
    try:
        async with asyncio.timeout(settings.server_timeout.total_seconds()):
            if isinstance(encounter, str):
                if resource_id({"id": encounter}) is None:
                    raise IntakeError(
                        "is not a FHIR id.", element="Encounter.id", remedy="Send the id alone."
                    )
                encounter = await client.get(f"Encounter/{encounter}")
            resources = await _gather(client, encounter, settings, findings)
    except IntakeError as error:
        return error.at(source)
    except (FhirError, TimeoutError) as error:
        named = encounter if isinstance(encounter, str) else resource_id(encounter)
        return _failed(f"Encounter/{named}" if named else "Encounter", error, source)
    if not is_emergency(encounter):
        return IntakeError(
            "is not an ED visit (class EMER).",
            element="Encounter.class",
            remedy="Send an ED visit.",
            source=source,
        )
    index = ResourceIndex((None, resource) for resource in [encounter, *resources])
    own = index.by_key.get(f"Encounter/{resource_id(encounter)}")
    if own is None:
        return IntakeError(
            "is missing or not a FHIR id.",
            element="Encounter.id",
            remedy="Correct the server's answer.",
            source=source,
        )
    return read_encounter(index, own, source=source, now=now, settings=settings, findings=findings)


async def _gather(
    client: FhirReads, encounter: Json, settings: ReaderSettings, findings: list[tuple[QualityIssue, str]]
) -> list[Json]:
    identity = resource_id(encounter)
    if identity is None or encounter.get("resourceType") != "Encounter":
        raise IntakeError(
            "is missing or not a FHIR id.", element="Encounter.id", remedy="Correct the server's answer."
        )
    patient = ResourceIndex([]).key(obj(encounter, "subject"))
    if patient is None or not patient.startswith("Patient/"):
        raise IntakeError(
            "refers to no patient on this server.",
            element="Encounter.subject",
            remedy="Send Encounter.subject.reference as Patient/id.",
        )
    searches: list[tuple[str, dict[str, str], bool]] = [
        *((kind, {"encounter": f"Encounter/{identity}"}, True) for kind in BY_ENCOUNTER),
        *((kind, {"patient": patient}, False) for kind in settings.server_history),
        ("Observation", {"patient": patient, **PREGNANCY_SEARCH}, False),
    ]
    arrived = parse_when(obj(encounter, "period").get("start"))
    if arrived is not None:  # vital signs filed under the patient alone
        since = (
            (arrived.start - settings.unlinked_before_arrival).astimezone(UTC).isoformat(timespec="seconds")
        )
        searches.append(("Observation", {"patient": patient, "date": f"ge{since}"}, False))
    fetched = await asyncio.gather(
        _patient(client, patient),
        *(_search(client, *search, settings, findings) for search in searches),
        return_exceptions=True,
    )
    unique: dict[tuple[object, object], Json] = {}
    for found in fetched:
        if isinstance(found, BaseException):
            raise found
        unique.update({(str(r.get("resourceType")), str(r.get("id"))): r for r in found})
    unique.pop(("Encounter", identity), None)
    return list(unique.values())


async def _patient(client: FhirReads, reference: str) -> list[Json]:
    return [await client.get(reference)]


async def _search(
    client: FhirReads,
    resource_type: str,
    params: dict[str, str],
    needed: bool,
    settings: ReaderSettings,
    findings: list[tuple[QualityIssue, str]],
) -> list[Json]:
    """What a search finds; where it fails and is not ``needed``, a finding says that it is unknown."""
    found: list[Json] = []
    try:
        async for resource in client.search(resource_type, params):
            if len(found) == settings.max_resources:
                findings.append(
                    (
                        QualityIssue.TRUNCATED,
                        f"more than {settings.max_resources} {resource_type} resources; the rest was not read. "
                        "Look in the record.",
                    )
                )
                break
            found.append(resource)
    except FhirError as error:
        if needed:
            raise
        findings.append(
            (
                QualityIssue.UNREADABLE,
                f"{resource_type} could not be read from the server ({type(error).__name__}): unknown, not absent. "
                "Ask the patient.",
            )
        )
    return found


def _failed(element: str, error: Exception, source: str) -> IntakeError:
    return IntakeError(
        f"the server could not be read ({type(error).__name__}).",
        element=element,
        remedy=f"{_REMEDIES.get(type(error), 'Check the connection')}; triage by hand meanwhile.",
        source=source,
        passing=isinstance(error, (*PASSING, TimeoutError)),
    )
