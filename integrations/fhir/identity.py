"""Identifiers that we can work out again: with them a write is found after a crash and never done twice."""

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx

SYSTEM = "https://ed-triage-agent.org/fhir"
ASSESSMENT = f"{SYSTEM}/assessment"
"""One value for each ED visit on each server; a new local database comes to the same value."""
CASE = f"{SYSTEM}/case"
SUGGESTION = f"{SYSTEM}/suggestion"
SEAL = f"{SYSTEM}/seal"
"""Made of the other identifiers, the level and whether it was decided: a level changed by others breaks it."""
TASK = f"{SYSTEM}/review-task"
AGENT_NAME = "ed-triage-agent"

_NAMESPACE = uuid5(NAMESPACE_URL, SYSTEM)


def normal_base(url: str) -> str:
    """A server base to compare: scheme and host in lower case, no default port, no closing slash."""
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL:
        return url.strip()
    return str(parsed).rstrip("/")


def split_encounter_key(key: str) -> tuple[str, str] | None:
    """Source and encounter id of ``<source>|Encounter/<id>``, or None where it has another form."""
    source, separator, encounter = key.rpartition("|Encounter/")
    return (source, encounter) if separator and source and encounter else None


def assessment_value(base_url: str, encounter_id: str) -> str:
    """The identifier value of the acuity of one visit on one server."""
    return _derived(normal_base(base_url), encounter_id)


def case_value(case_id: str) -> str:
    """The identifier value of a case; the case id itself stays at home."""
    return _derived("case", case_id)


def suggestion_value(assessment_id: str) -> str:
    """The identifier value of one assessment."""
    return _derived("suggestion", assessment_id)


def seal_value(assessment: str, case: str, suggestion: str, level: int | None, *, decided: bool) -> str:
    """The seal over three identifier values, the level, and whether a clinician decided it."""
    return _derived(assessment, case, suggestion, str(level), "decided" if decided else "proposed")


def identifiers(*values: tuple[str, str]) -> list[dict[str, str]]:
    """``identifier`` of a resource from (system, value) pairs."""
    return [{"system": system, "value": value} for system, value in values]


def identifier_of(resource: Mapping[str, Any], system: str) -> str | None:
    """The value of the resource's identifier in ``system``, or None."""
    for identifier in resource.get("identifier") or ():
        if isinstance(identifier, Mapping) and identifier.get("system") == system:
            value = identifier.get("value")
            return value if isinstance(value, str) else None
    return None


def _derived(*parts: str) -> str:
    return str(uuid5(_NAMESPACE, "\n".join(parts)))
