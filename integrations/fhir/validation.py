"""Every resource is checked before it is sent: servers accept wrong codes, so the check is ours.

`fhirkit` checks structure, cardinality and primitive formats against R4 4.0.1 but no bindings. The required
bindings of what we send, and everything about the acuity code, are checked here.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import fhirkit

from integrations.fhir.acuity_codes import ESI_CODE, ESI_CODING, LOINC
from integrations.fhir.errors import FhirInvalidError
from integrations.fhir.wire import dump_json

# Required bindings (R4 4.0.1) of the elements that we set.
_BINDINGS: dict[str, dict[str, frozenset[str]]] = {
    "Observation": {
        "status": frozenset(
            [
                "registered",
                "preliminary",
                "final",
                "amended",
                "corrected",
                "cancelled",
                "entered-in-error",
                "unknown",
            ]
        )
    },
    "Task": {
        "status": frozenset(
            [
                "draft",
                "requested",
                "received",
                "accepted",
                "rejected",
                "ready",
                "cancelled",
                "in-progress",
                "on-hold",
                "failed",
                "completed",
                "entered-in-error",
            ]
        ),
        "intent": frozenset(
            [
                "unknown",
                "proposal",
                "plan",
                "order",
                "original-order",
                "reflex-order",
                "filler-order",
                "instance-order",
                "option",
            ]
        ),
    },
    "Encounter": {
        "status": frozenset(
            [
                "planned",
                "arrived",
                "triaged",
                "in-progress",
                "onleave",
                "finished",
                "cancelled",
                "entered-in-error",
                "unknown",
            ]
        )
    },
    "DocumentReference": {
        "status": frozenset(["current", "superseded", "entered-in-error"]),
        "docStatus": frozenset(["preliminary", "final", "amended", "entered-in-error"]),
    },
}
_ENTITY_ROLES = frozenset(["derivation", "revision", "quotation", "source", "removal"])
_SIGNED = frozenset({"final", "amended", "corrected"})
_QUOTED = re.compile(r'"[^"]*"')


def validate_outbound(resource: Mapping[str, Any]) -> None:
    """Let a resource pass that may be sent.

    Raises:
        FhirInvalidError: what is wrong with it and where, without its values.
    """
    resource_type = str(resource.get("resourceType"))
    problems = structural_problems(resource)
    problems += _binding_problems(resource, resource_type)
    check = _CHECKS.get(resource_type)
    if check is not None:
        problems += check(resource)
    if problems:
        raise FhirInvalidError(resource_type, problems)


def structural_problems(resource: Mapping[str, Any]) -> list[str]:
    """What `fhirkit` finds wrong, as "path: message" with every quoted value left out."""
    try:
        found = fhirkit.validate(dump_json(dict(resource)))
    except (fhirkit.ParseError, TypeError) as error:
        return [f"not FHIR JSON ({type(error).__name__})"]
    return [
        f"{issue.path}: {_QUOTED.sub('the value', issue.message)}"
        for issue in found
        if issue.severity == "error"
    ]


def _binding_problems(resource: Mapping[str, Any], resource_type: str) -> list[str]:
    return [
        f"{resource_type}.{element}: not one of its codes"
        for element, codes in _BINDINGS.get(resource_type, {}).items()
        if element in resource and resource[element] not in codes
    ]


def _observation_problems(observation: Mapping[str, Any]) -> list[str]:
    problems: list[str] = []
    performers = observation.get("performer") or []
    if any("Device" in str(p.get("type", p.get("reference", ""))) for p in performers):
        problems.append("Observation.performer: a Device cannot perform, it goes in Observation.device")
    if observation.get("status") in _SIGNED and not performers:
        problems.append("Observation.performer: a final level needs the clinician who decided it")
    if observation.get("status") == "preliminary" and performers:
        problems.append("Observation.performer: nobody has decided a preliminary level")
    if not any(
        coding.get("code") == "survey"
        for category in observation.get("category") or ()
        for coding in category.get("coding") or ()
    ):
        problems.append("Observation.category: needs survey")
    codings = (observation.get("code") or {}).get("coding") or []
    if not any(coding.get("system") and coding.get("code") for coding in codings):
        problems.append("Observation.code: needs a coding")
    if any(coding.get("code") == ESI_CODE for coding in codings):
        problems += _esi_problems(observation, codings)
    return problems


def _esi_problems(observation: Mapping[str, Any], codings: list[Mapping[str, Any]]) -> list[str]:
    problems: list[str] = []
    if any(coding.get("code") == ESI_CODE and coding.get("system") != LOINC for coding in codings):
        problems.append(f"Observation.code: {ESI_CODE} is a LOINC code")
    level = ESI_CODING.level_of(observation)
    if level is None:
        problems.append(f"Observation.value: {ESI_CODE} needs exactly one answer of LOINC list LL3056-0")
    text = str((observation.get("valueCodeableConcept") or {}).get("text", ""))
    if level is not None and text and not text.startswith(f"Level {level}:"):
        problems.append("Observation.value: code and text name different levels")
    if "Emergency Severity Index, version" not in str((observation.get("method") or {}).get("text", "")):
        problems.append(f"Observation.method: {ESI_CODE} is for ESI only and needs the ESI version")
    return problems


def _provenance_problems(provenance: Mapping[str, Any]) -> list[str]:
    return [
        f"Provenance.entity[{number}].role: not one of its codes"
        for number, entity in enumerate(provenance.get("entity") or ())
        if entity.get("role") not in _ENTITY_ROLES
    ]


_CHECKS: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "Observation": _observation_problems,
    "Provenance": _provenance_problems,
}
