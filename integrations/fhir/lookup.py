"""Finding our own resources again, without trusting the server's search."""

from collections.abc import Mapping
from typing import Any

from integrations.fhir import identity
from integrations.fhir.acuity_codes import AcuityCoding
from integrations.fhir.capability import TypeOffer, lookup_keys
from integrations.fhir.client import FhirClient, Stored

FINAL = frozenset({"final", "amended", "corrected"})


def as_stored(resource: Mapping[str, Any]) -> Stored | None:
    """A resource out of a search as ``Stored``; None where it has no id."""
    id_, type_ = resource.get("id"), resource.get("resourceType")
    if not isinstance(id_, str) or not isinstance(type_, str):
        return None
    meta = resource.get("meta")
    version = meta.get("versionId") if isinstance(meta, Mapping) else None
    return Stored(type_, id_, version if isinstance(version, str) else None, None, dict(resource))


async def find(
    client: FhirClient, resource_type: str, offer: TypeOffer, params: Mapping[str, Mapping[str, str]]
) -> list[Stored]:
    """Every resource of the first search the server offers among ``params`` (search parameter -> query).

    Raises:
        FhirError: the search failed.
    """
    key = next((key for key in lookup_keys(offer) if key in params), None)
    if key is None:
        return []
    found: dict[str, Stored] = {}
    async for resource in client.search(resource_type, params[key]):
        stored = as_stored(resource)
        if stored is not None and stored.resource_type == resource_type:
            found[stored.id] = stored
    return list(found.values())


async def find_ours(
    client: FhirClient,
    resource_type: str,
    offer: TypeOffer,
    *,
    system: str,
    value: str,
    patient: str,
    encounter_id: str,
    narrow: tuple[str, str] | None = None,
) -> list[Stored]:
    """The resources that carry our identifier.

    ``narrow`` is a parameter and value added to a search by encounter or patient, where the server offers it.

    Servers that do not know a search parameter answer everything, so the identifier is checked here too.

    Raises:
        FhirError: the search failed.
    """
    more = {narrow[0]: narrow[1]} if narrow is not None and offer.searches_by(narrow[0]) else {}
    params = {
        "identifier": {"identifier": f"{system}|{value}"},
        "encounter": {"encounter": f"Encounter/{encounter_id}"} | more,
        "patient": {"patient": patient} | more,
    }
    found = await find(client, resource_type, offer, params)
    return [stored for stored in found if identity.identifier_of(stored.body or {}, system) == value]


async def find_others(
    client: FhirClient, offer: TypeOffer, coding: AcuityCoding, *, patient: str, encounter_id: str
) -> list[Stored]:
    """Signed levels of the same visit and scale that somebody else wrote.

    Raises:
        FhirError: the search failed.
    """
    code = {"code": f"{coding.system}|{coding.code}"} if offer.searches_by("code") else {}
    params = {
        "encounter": {"encounter": f"Encounter/{encounter_id}"} | code,
        "patient": {"patient": patient} | code,
    }
    return [
        stored
        for stored in await find(client, "Observation", offer, params)
        if is_signed_level(stored.body or {}, coding)
        and identity.identifier_of(stored.body or {}, identity.ASSESSMENT) is None
        and _encounter_of(stored.body or {}) == encounter_id
    ]


def is_signed_level(observation: Mapping[str, Any], coding: AcuityCoding) -> bool:
    """Whether this is a final, amended or corrected level on this scale."""
    return observation.get("status") in FINAL and coding.describes(observation)


def _encounter_of(observation: Mapping[str, Any]) -> str | None:
    reference = (observation.get("encounter") or {}).get("reference")
    return reference.split("/_history")[0].rsplit("/", 1)[-1] if isinstance(reference, str) else None
