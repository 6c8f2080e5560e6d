"""What a server offers to be written, and what we make of it.

Degradation: Encounter status where it can be updated; the level as an Observation; where Observations cannot be
created, as a text document; where neither can, nothing. What is left out is said in ``WritePlan.limits``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_VERSIONED_UPDATE = "versioned-update"


@dataclass(frozen=True)
class TypeOffer:
    """What the server offers for one resource type.

    ``search_params`` is empty where the statement lists none: then nothing is known about them.
    """

    create: bool = False
    update: bool = False
    read: bool = False
    search: bool = False
    versioned_update: bool = False
    conditional_create: bool = False
    search_params: frozenset[str] = frozenset()

    def searches_by(self, *params: str) -> bool:
        """Whether a search by all of ``params`` is offered, or cannot be ruled out."""
        return self.search and (not self.search_params or self.search_params.issuperset(params))


NOTHING = TypeOffer()


class AcuityCarrier(StrEnum):
    """The resource that carries the level."""

    OBSERVATION = "Observation"
    DOCUMENT = "DocumentReference"
    NONE = "none"


@dataclass(frozen=True)
class WritePlan:
    """What is written to one server.

    ``proposal``: a preliminary Observation is written before the clinician decides; only where it can be made
    final afterwards, so that no unsigned level stays behind in the record.
    """

    carrier: AcuityCarrier
    proposal: bool
    encounter: bool
    task: bool
    provenance: bool
    limits: tuple[str, ...]
    offers: Mapping[str, TypeOffer] = field(default_factory=dict)

    def offer(self, resource_type: str) -> TypeOffer:
        """What is offered for a type; nothing for a type the statement does not name."""
        return self.offers.get(resource_type, NOTHING)


def read_offers(statement: Mapping[str, Any]) -> dict[str, TypeOffer]:
    """The offers of a CapabilityStatement (R4), by resource type. Unknown parts are no offers."""
    offers: dict[str, TypeOffer] = {}
    for rest in _list(statement, "rest"):
        if rest.get("mode") != "server":
            continue
        for resource in _list(rest, "resource"):
            if isinstance(resource.get("type"), str):
                offers[resource["type"]] = _offer(resource)
    return offers


def plan_writes(statement: Mapping[str, Any]) -> WritePlan:
    """What to write to the server that published ``statement``."""
    offers = read_offers(statement)
    limits: list[str] = []
    carrier = _carrier(offers, limits)
    observation = carrier is AcuityCarrier.OBSERVATION
    proposal = observation and _get(offers, "Observation").update
    if observation and not proposal:
        limits.append("no preliminary Observation: the server cannot update one to final")
    encounter = _get(offers, "Encounter").update and _get(offers, "Encounter").read
    if not encounter:
        limits.append("Encounter.status left as it is: the server does not offer its update")
    task_offer = _get(offers, "Task")
    task = proposal and task_offer.create and task_offer.update and task_offer.searches_by("identifier")
    if not task:
        limits.append("no review Task: the server does not offer its create, update and search")
    trail = _get(offers, "Provenance")
    provenance = carrier is not AcuityCarrier.NONE and trail.create and trail.searches_by("target")
    if not provenance:
        limits.append("no Provenance: the server does not offer its create and search by target")
    return WritePlan(carrier, proposal, encounter, task, provenance, tuple(limits), offers)


def _carrier(offers: Mapping[str, TypeOffer], limits: list[str]) -> AcuityCarrier:
    for carrier in (AcuityCarrier.OBSERVATION, AcuityCarrier.DOCUMENT):
        offer = _get(offers, carrier.value)
        if offer.create and offer.read and lookup_keys(offer):
            return carrier
        limits.append(f"no {carrier.value}: the server does not offer its create, read and search")
    return AcuityCarrier.NONE


def lookup_keys(offer: TypeOffer) -> tuple[str, ...]:
    """The search parameters by which our own resources are found again, best first; empty where none are."""
    return tuple(key for key in ("identifier", "encounter", "patient") if offer.searches_by(key))


def _get(offers: Mapping[str, TypeOffer], resource_type: str) -> TypeOffer:
    return offers.get(resource_type, NOTHING)


def _offer(resource: Mapping[str, Any]) -> TypeOffer:
    interactions = {
        interaction["code"]
        for interaction in _list(resource, "interaction")
        if isinstance(interaction.get("code"), str)
    }
    return TypeOffer(
        create="create" in interactions,
        update="update" in interactions,
        read="read" in interactions,
        search="search-type" in interactions,
        versioned_update=resource.get("versioning") == _VERSIONED_UPDATE,
        conditional_create=resource.get("conditionalCreate") is True,
        search_params=frozenset(
            param["name"] for param in _list(resource, "searchParam") if isinstance(param.get("name"), str)
        ),
    )


def _list(node: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = node.get(key)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
