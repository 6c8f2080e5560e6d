"""An entered arrival into the hospital's record: all of it or nothing, and once however often it is sent."""

import asyncio
from collections.abc import Mapping
from typing import Any

from integrations.fhir.client import FhirClient
from integrations.fhir.errors import (
    FhirAuthError,
    FhirConflictError,
    FhirError,
    FhirRefusedError,
    FhirThrottledError,
    FhirUnreachableError,
)
from integrations.fhir.identity import identifier_of
from integrations.intake.bundle import FORM_SYSTEM
from integrations.intake.errors import NotFiled, NotFiledError

Json = dict[str, Any]

_LOOKS, _PAUSE_S = 3, 0.5
_FEW_CONDITIONS = 8
"""Some servers take no more conditional entries than this in one transaction."""


async def file_arrival(client: FhirClient, bundle: Json, *, identifier_system: str | None = None) -> str:
    """Put the arrival on the server; the id of its Encounter there.

    It looks for the form's identifier first, so a form that was sent before is found and not sent again. Then one
    transaction: done whole or not at all. A patient with the same record number in ``identifier_system`` is used
    where date of birth and sex do not contradict it; without that system every arrival makes a new Patient.

    Raises:
        NotFiledError: nothing was written, or with ``NotFiled.UNKNOWN`` nobody can say.
    """
    try:
        found = await _find(client, bundle)
        if found is not None:
            return found
        if not _takes_transactions(await client.capability()):
            raise NotFiledError(NotFiled.NO_TRANSACTION)
        ready = await _with_known_patient(client, bundle, identifier_system)
    except FhirError as error:  # reading only, so far
        raise NotFiledError(_reason(error)) from None
    try:
        await _send(client, ready)
    except FhirError as error:
        if not error.unknown_outcome:
            raise NotFiledError(_reason(error)) from None
    for look in range(_LOOKS):
        try:
            found = await _find(client, bundle)
        except FhirError:
            found = None
        if found is not None:
            return found
        if look < _LOOKS - 1:
            await asyncio.sleep(_PAUSE_S * 2**look)
    raise NotFiledError(NotFiled.UNKNOWN)


async def _send(client: FhirClient, bundle: Json) -> None:
    try:
        await client.transact(bundle)
    except FhirRefusedError:
        if sum("ifNoneExist" in entry["request"] for entry in bundle["entry"]) <= _FEW_CONDITIONS:
            raise
        # A refused transaction wrote nothing. The Encounter's condition alone still keeps the visit single.
        await client.transact(_fewer_conditions(bundle))


def _fewer_conditions(bundle: Json) -> Json:
    entries = []
    for entry in bundle["entry"]:
        request = dict(entry["request"])
        if entry["resource"]["resourceType"] not in {"Patient", "Encounter"}:
            request.pop("ifNoneExist", None)
        entries.append(entry | {"request": request})
    return bundle | {"entry": entries}


async def _find(client: FhirClient, bundle: Json) -> str | None:
    """The id of the Encounter that this form made before."""
    value = identifier_of(_resource(bundle, "Encounter"), FORM_SYSTEM)
    async for resource in client.search("Encounter", {"identifier": f"{FORM_SYSTEM}|{value}"}):
        # A lenient server answers everything: the identifier is checked here too.
        if resource.get("resourceType") == "Encounter" and identifier_of(resource, FORM_SYSTEM) == value:
            return str(resource["id"])
    return None


async def _with_known_patient(client: FhirClient, bundle: Json, system: str | None) -> Json:
    """The bundle about the patient whom the record number names on the server, where there is one."""
    patient = _resource(bundle, "Patient")
    number = next((i["value"] for i in patient["identifier"] if i.get("system") != FORM_SYSTEM), None)
    if number is None or system is None:
        return bundle
    found = {
        str(resource["id"]): resource
        async for resource in client.search("Patient", {"identifier": f"{system}|{number}"})
        if resource.get("resourceType") == "Patient" and identifier_of(resource, system) == number
    }
    if len(found) > 1:
        raise NotFiledError(NotFiled.SEVERAL_PATIENTS)
    if not found:
        numbered = [
            i if i.get("system") == FORM_SYSTEM else i | {"system": system} for i in patient["identifier"]
        ]
        return _replace_patient(bundle, patient | {"identifier": numbered}, f"identifier={system}|{number}")
    identity, known = found.popitem()
    for element in ("birthDate", "gender"):
        if element in patient and element in known and patient[element] != known[element]:
            raise NotFiledError(NotFiled.OTHER_PATIENT)
    return _about(bundle, f"Patient/{identity}")


def _replace_patient(bundle: Json, patient: Json, condition: str) -> Json:
    first, *others = bundle["entry"]
    request = first["request"] | {"ifNoneExist": condition}
    return bundle | {"entry": [first | {"resource": patient, "request": request}, *others]}


def _about(bundle: Json, reference: str) -> Json:
    """The bundle without its Patient, its links to them led to ``reference``."""
    first, *others = bundle["entry"]
    return bundle | {"entry": [_led(entry, first["fullUrl"], reference) for entry in others]}


def _led(node: Any, old: str, new: str) -> Any:
    if isinstance(node, dict):
        return {k: new if k == "reference" and v == old else _led(v, old, new) for k, v in node.items()}
    return [_led(item, old, new) for item in node] if isinstance(node, list) else node


def _resource(bundle: Json, kind: str) -> Json:
    found: Json = next(e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == kind)
    return found


def _takes_transactions(statement: Mapping[str, Any]) -> bool:
    return any(
        interaction.get("code") == "transaction"
        for rest in statement.get("rest") or ()
        if rest.get("mode") == "server"
        for interaction in rest.get("interaction") or ()
    )


def _reason(error: FhirError) -> NotFiled:
    if isinstance(error, FhirAuthError):
        return NotFiled.NOT_ALLOWED
    if isinstance(error, FhirRefusedError):
        return NotFiled.REFUSED
    if isinstance(error, FhirConflictError):
        return NotFiled.SEVERAL_PATIENTS
    if isinstance(error, FhirUnreachableError | FhirThrottledError):
        return NotFiled.UNREACHABLE
    return NotFiled.UNREACHABLE if not error.unknown_outcome else NotFiled.UNKNOWN
