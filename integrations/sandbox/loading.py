"""Filling a FHIR server with sample patients, so that filling it twice is filling it once."""

import copy
from dataclasses import dataclass
from typing import Any

from integrations.fhir.client import FhirClient
from integrations.fhir.errors import FhirConflictError, FhirError, FhirNotFoundError
from integrations.sandbox.errors import SandboxError


@dataclass(frozen=True)
class LoadReport:
    """How many resources were stored, and how many were there already and left as they are."""

    created: int
    present: int


async def load_bundle(base_url: str, bundle: dict[str, Any]) -> LoadReport:
    """Store each resource of a transaction bundle under its own id (PUT) where that id is free.

    A resource that is there is left alone, even if it differs: the demo triages and changes these encounters,
    and a second run must not undo that, as sending the bundle as a transaction would. Entries need
    ``resource.id``; references are ``Type/id``, or a ``fullUrl`` of the same bundle.

    Raises:
        SandboxError: an entry without an id, or a resource the server refused; what was stored before stays.
    """
    entries = _entries(bundle)
    created = present = 0
    async with FhirClient(base_url) as client:
        for resource in entries:
            try:
                if await _store(client, resource):
                    created += 1
                else:
                    present += 1
            except FhirError as error:
                raise SandboxError(
                    f"the sandbox did not take {resource['resourceType']} {resource['id']}: {error}"
                ) from error
    return LoadReport(created, present)


async def _store(client: FhirClient, resource: dict[str, Any]) -> bool:
    try:
        await client.read(resource["resourceType"], resource["id"])
    except FhirNotFoundError:
        pass
    else:
        return False
    try:
        await client.update(resource, None)
    except FhirConflictError:
        return False
    return True


def _entries(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    by_url: dict[str, str] = {}
    resources: list[dict[str, Any]] = []
    for number, entry in enumerate(bundle.get("entry") or ()):
        resource = entry.get("resource")
        if not isinstance(resource, dict) or "resourceType" not in resource:
            raise SandboxError(f"entry {number} of the bundle holds no resource")
        method = (entry.get("request") or {}).get("method", "PUT")
        if "id" not in resource or method not in ("PUT", "POST"):
            raise SandboxError(
                f"entry {number} of the bundle ({resource['resourceType']}) needs an id and PUT"
            )
        if "fullUrl" in entry:
            by_url[entry["fullUrl"]] = f"{resource['resourceType']}/{resource['id']}"
        resources.append(copy.deepcopy(resource))
    for resource in resources:
        _point_at_ids(resource, by_url)
    return resources


def _point_at_ids(node: Any, by_url: dict[str, str]) -> None:
    if isinstance(node, dict):
        reference = node.get("reference")
        if isinstance(reference, str) and reference in by_url:
            node["reference"] = by_url[reference]
        for value in node.values():
            _point_at_ids(value, by_url)
    elif isinstance(node, list):
        for value in node:
            _point_at_ids(value, by_url)
