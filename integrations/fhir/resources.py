"""The resources we send, as R4 JSON.

Plain dictionaries on purpose: typed R4B models accept wrong codes, drop trailing zeros and cut ``.000`` off times,
so every resource is built as it is sent and checked by ``validation`` instead.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from data_schemas import (
    AcuityScale,
    EsiVersion,
    Fact,
    ModelIdentity,
    ReviewerRole,
    TriageAssessment,
    WriteRequest,
)
from integrations.fhir import identity
from integrations.fhir.acuity_codes import (
    LOINC,
    TRIAGE_NOTE_CODE,
    TRIAGE_NOTE_DISPLAY,
    AcuityCoding,
    word_for,
)
from integrations.fhir.sentences import DEMO_CLINICIAN, decider, evidence_sentences

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_DERIVED_FROM = frozenset(
    {
        "DocumentReference",
        "ImagingStudy",
        "Media",
        "QuestionnaireResponse",
        "Observation",
        "MolecularSequence",
    }
)
_ESI_HANDBOOKS = {
    EsiVersion.V4: "Emergency Severity Index, version 4 (AHRQ 2012)",
    EsiVersion.V5: "Emergency Severity Index, version 5 (ENA 2023)",
}
_AGENT = {"reference": "#agent"}


@dataclass(frozen=True)
class Subject:
    """Everything the builders need to know about one write.

    Args:
        encounter_id: the visit's id on the server.
        assessment: the identifier value of this visit's acuity (``identity.assessment_value``).
        coding: the code of the assessment's scale.
    """

    request: WriteRequest
    encounter_id: str
    assessment: str
    coding: AcuityCoding

    @property
    def level(self) -> int:
        """The decided level, or the suggested one before a decision."""
        review = self.request.review
        return self.request.assessment.level if review is None else review.level

    @property
    def decided(self) -> bool:
        """Whether a clinician decided."""
        return self.request.review is not None

    @property
    def at(self) -> datetime:
        """When it was decided, or suggested."""
        review = self.request.review
        return self.request.assessment.created_at if review is None else review.decided_at

    @property
    def case(self) -> str:
        """The case's identifier value."""
        return identity.case_value(self.request.case_id)

    @property
    def seal(self) -> str:
        """The seal over level and identifiers."""
        return identity.seal_value(
            self.assessment, self.case, self.suggestion, self.level, decided=self.decided
        )

    @property
    def suggestion(self) -> str:
        """The assessment's identifier value."""
        return identity.suggestion_value(self.request.assessment.id)

    @property
    def identifiers(self) -> list[dict[str, str]]:
        """The identifiers of the resource that carries the level."""
        return identity.identifiers(
            (identity.ASSESSMENT, self.assessment),
            (identity.CASE, self.case),
            (identity.SUGGESTION, self.suggestion),
            (identity.SEAL, self.seal),
        )


def acuity_observation(subject: Subject) -> dict[str, Any]:
    """The level as an Observation: ``preliminary`` before the clinician's decision, ``final`` after it.

    Raises:
        ValueError: a time without a time zone.
    """
    request = subject.request
    scale = request.assessment.scale
    observation: dict[str, Any] = {
        "resourceType": "Observation",
        "contained": [agent_device(request.assessment.identity)],
        "identifier": subject.identifiers,
        "status": "final" if subject.decided else "preliminary",
        "category": [{"coding": [{"system": f"{_TERMINOLOGY}/observation-category", "code": "survey"}]}],
        "code": subject.coding.concept,
        "subject": {"reference": request.record.patient.reference},
        "encounter": {"reference": f"Encounter/{subject.encounter_id}"},
        "effectiveDateTime": instant(request.assessment.created_at),
        "issued": instant(subject.at),
        **subject.coding.value(subject.level, word_for(scale, subject.level)),
        "note": [
            {"authorString": identity.AGENT_NAME, "time": instant(subject.at), "text": text}
            for text in evidence_sentences(request)
        ],
        "method": {"text": method_text(request.assessment)},
        "device": _AGENT,
    }
    if subject.decided:
        observation["performer"] = [clinician(request)]
    derived = _references(cited_facts(request), _DERIVED_FROM)
    if derived:
        observation["derivedFrom"] = derived
    return observation


def provenance(subject: Subject, target: str) -> dict[str, Any]:
    """Who made ``target`` (``Type/id``) from what: the program assembled, the clinician verified."""
    request = subject.request
    agents: list[dict[str, Any]] = [{"type": _participant("assembler"), "who": _AGENT}]
    if subject.decided:
        agents.append({"type": _participant("verifier"), "who": clinician(request)})
    sources: list[dict[str, Any]] = [
        {"role": "source", "what": what} for what in _references(cited_facts(request), None)
    ]
    stored = {
        "identifier": {"system": identity.SEAL, "value": subject.seal},
        "display": "the assessment as the triage agent keeps it",
    }
    return {
        "resourceType": "Provenance",
        "contained": [agent_device(request.assessment.identity)],
        "target": [{"reference": target}],
        "occurredDateTime": instant(subject.at),
        "recorded": instant(subject.at),
        "activity": {
            "coding": [
                {
                    "system": f"{_TERMINOLOGY}/v3-DataOperation",
                    "code": "UPDATE" if subject.decided else "CREATE",
                }
            ]
        },
        "agent": agents,
        "entity": [{"role": "source", "what": stored}, *sources],
    }


def review_task(subject: Subject, focus: str) -> dict[str, Any]:
    """The request to a clinician to decide on the proposal ``focus`` (``Observation/id``)."""
    return {
        "resourceType": "Task",
        "contained": [agent_device(subject.request.assessment.identity)],
        "identifier": identity.identifiers((identity.TASK, subject.assessment)),
        "status": "requested",
        "intent": "order",
        "code": {
            "coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "approve"}],
            "text": "Accept or change the suggested triage level",
        },
        "focus": {"reference": focus},
        "for": {"reference": subject.request.record.patient.reference},
        "encounter": {"reference": f"Encounter/{subject.encounter_id}"},
        "authoredOn": instant(subject.request.assessment.created_at),
        "requester": _AGENT,
    }


def completed_task(task: dict[str, Any], subject: Subject) -> dict[str, Any]:
    """The same Task, completed by the clinician who decided."""
    return task | {
        "status": "completed",
        "lastModified": instant(subject.at),
        "owner": clinician(subject.request),
    }


def acuity_document(subject: Subject) -> dict[str, Any]:
    """The decided level as a text document, for servers that take no Observation."""
    request = subject.request
    text = "\n".join(
        [document_headline(subject), method_text(request.assessment), *evidence_sentences(request)]
    )
    return {
        "resourceType": "DocumentReference",
        "contained": [agent_device(request.assessment.identity)],
        "identifier": subject.identifiers,
        "status": "current",
        "docStatus": "final",
        "type": {"coding": [{"system": LOINC, "code": TRIAGE_NOTE_CODE, "display": TRIAGE_NOTE_DISPLAY}]},
        "subject": {"reference": request.record.patient.reference},
        "date": instant(subject.at),
        "author": [_AGENT],
        "authenticator": clinician(request),
        "description": document_headline(subject),
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain; charset=utf-8",
                    "data": base64.b64encode(text.encode()).decode(),
                    "title": "Triage level",
                }
            }
        ],
        "context": {"encounter": [{"reference": f"Encounter/{subject.encounter_id}"}]},
    }


def document_headline(subject: Subject) -> str:
    """The line that says scale and level, and from which the level is read back."""
    scale, level = subject.request.assessment.scale, subject.level
    return f"Triage level {scale} {level} ({word_for(scale, level)}), decided by a {decider(subject.request)}"


def agent_device(model: ModelIdentity | None) -> dict[str, Any]:
    """The program as a contained Device with what answered: model, hashes of weights and adapter, prompt."""
    device: dict[str, Any] = {
        "resourceType": "Device",
        "id": "agent",
        "deviceName": [{"name": identity.AGENT_NAME, "type": "manufacturer-name"}],
        "type": {"text": "emergency department triage decision support"},
    }
    if model is None:
        device["version"] = [{"type": {"text": "mode"}, "value": "rules only, no model took part"}]
        return device
    parts = {
        "engine": model.engine,
        "model": model.model,
        "weights sha256": model.weights_sha256,
        "adapter": model.adapter,
        "adapter sha256": model.adapter_sha256,
        "prompt": model.prompt_version,
        "calibration": model.calibration,
    }
    device["version"] = [{"type": {"text": name}, "value": value} for name, value in parts.items() if value]
    return device


def clinician(request: WriteRequest) -> dict[str, Any]:
    """A reference to whoever decided. A scripted clinician is named as such.

    Raises:
        ValueError: nobody decided yet.
    """
    review = request.review
    if review is None:
        raise ValueError("there is no decision, so there is no clinician to name")
    if review.role is ReviewerRole.DEMO:
        return {"type": "Practitioner", "display": DEMO_CLINICIAN}
    return {
        "type": "Practitioner",
        "identifier": {"value": review.reviewer},
        "display": f"{review.reviewer} ({review.role})",
    }


def method_text(assessment: TriageAssessment) -> str:
    """How the level was arrived at: for ESI the version of the handbook, since LOINC's list says version 4."""
    if assessment.scale is AcuityScale.ESI:
        return _ESI_HANDBOOKS[assessment.screening.esi_version]
    return f"{assessment.scale} triage scale"


def cited_facts(request: WriteRequest) -> tuple[Fact, ...]:
    """The facts that reasons rest on, in the record's order; struck reasons do not count."""
    ids = {id_ for reason in request.assessment.reasons if reason.struck is None for id_ in reason.fact_ids}
    return tuple(fact for fact in request.record.facts if fact.id in ids)


def instant(at: datetime) -> str:
    """A FHIR instant, milliseconds always written.

    Raises:
        ValueError: ``at`` has no time zone.
    """
    if at.tzinfo is None:
        raise ValueError("a time in the record needs a time zone")
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _references(facts: Iterable[Fact], types: frozenset[str] | None) -> list[dict[str, str]]:
    seen = {
        f"{fact.source.resource_type}/{fact.source.resource_id}": None
        for fact in facts
        if fact.source.resource_id and (types is None or fact.source.resource_type in types)
    }
    return [{"reference": reference} for reference in seen]


def _participant(code: str) -> dict[str, Any]:
    return {"coding": [{"system": f"{_TERMINOLOGY}/provenance-participant-type", "code": code}]}
