"""What goes into the record beside the level: trail, task, encounter status, or a document in its stead."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any

from integrations.fhir import identity
from integrations.fhir.acuity_codes import LOINC, TRIAGE_NOTE_CODE
from integrations.fhir.capability import WritePlan
from integrations.fhir.client import FhirClient, Stored
from integrations.fhir.errors import FhirNotFoundError
from integrations.fhir.lookup import as_stored, find_ours
from integrations.fhir.resources import (
    Subject,
    acuity_document,
    completed_task,
    provenance,
    review_task,
)
from integrations.fhir.settle import Conflict, Create, Done, Skip, Update, Verdict
from integrations.fhir.validation import structural_problems

_TASK_ENDED = frozenset({"cancelled", "rejected", "failed", "entered-in-error"})
_HEADLINE = re.compile(r"^Triage level (?P<scale>[A-Z]+) (?P<level>[1-5]) \(")


class ProvenanceStep:
    """The trail of one proposal or one decision. A Provenance has no identifier: it is found by its target."""

    resource_type = "Provenance"

    def __init__(self, client: FhirClient, subject: Subject, target: Stored) -> None:
        self._client = client
        self._subject = subject
        self._target = f"{target.resource_type}/{target.id}"

    async def look(self) -> Sequence[Stored]:
        """Those of the target that speak of this very decision."""
        found = [
            as_stored(resource)
            async for resource in self._client.search("Provenance", {"target": self._target})
            if self._subject.seal in _seals(resource)
        ]
        return [stored for stored in found if stored is not None and stored.resource_type == "Provenance"]

    def judge(self, found: Sequence[Stored]) -> Verdict:
        """One is enough; a second one harms nobody."""
        return Done(found[0]) if found else Create(provenance(self._subject, self._target), None)

    def differs(self, body: Mapping[str, Any]) -> str | None:
        """Target and decision."""
        targets = [target.get("reference", "") for target in body.get("target") or ()]
        held = any(target.split("/_history")[0].endswith(self._target) for target in targets)
        return None if held and self._subject.seal in _seals(body) else "it speaks of something else"


class TaskStep:
    """The Task that asks a clinician to decide: requested with the proposal, completed with the decision."""

    resource_type = "Task"

    def __init__(self, client: FhirClient, plan: WritePlan, subject: Subject, focus: Stored) -> None:
        self._client = client
        self._offer = plan.offer(self.resource_type)
        self._subject = subject
        self._focus = f"{focus.resource_type}/{focus.id}"

    async def look(self) -> Sequence[Stored]:
        """Ours, by identifier."""
        return await find_ours(
            self._client,
            self.resource_type,
            self._offer,
            system=identity.TASK,
            value=self._subject.assessment,
            patient=self._subject.request.record.patient.reference,
            encounter_id=self._subject.encounter_id,
        )

    def judge(self, found: Sequence[Stored]) -> Verdict:
        """Requested where absent; completed once decided; a Task that others ended is left alone."""
        if not found:
            if self._subject.decided:
                return Skip()
            return Create(review_task(self._subject, self._focus), self._if_none_exist)
        if len(found) > 1:
            return Conflict(f"{len(found)} Tasks carry the identifier of this visit; keep one", found[0])
        stored, body = found[0], found[0].body or {}
        status = body.get("status")
        if status in _TASK_ENDED:
            return Skip(f"the review Task was ended elsewhere ({status})")
        if status == "completed" or not self._subject.decided:
            return Done(stored)
        guarded = stored.version_id is not None and self._offer.versioned_update
        return Update(completed_task(body, self._subject), stored.version_id, guarded)

    def differs(self, body: Mapping[str, Any]) -> str | None:
        """The status, once decided."""
        if self._subject.decided and body.get("status") != "completed":
            return f"its status is {body.get('status')}"
        return None

    @property
    def _if_none_exist(self) -> str | None:
        if not (self._offer.conditional_create and self._offer.searches_by("identifier")):
            return None
        return f"identifier={identity.TASK}|{self._subject.assessment}"


class EncounterStep:
    """Encounter.status from ``arrived`` to ``triaged``; every other element goes back as it came."""

    resource_type = "Encounter"

    def __init__(self, client: FhirClient, plan: WritePlan, subject: Subject) -> None:
        self._client = client
        self._offer = plan.offer(self.resource_type)
        self._id = subject.encounter_id

    async def look(self) -> Sequence[Stored]:
        """The visit itself."""
        try:
            return [await self._client.read(self.resource_type, self._id)]
        except FhirNotFoundError:
            return []

    def judge(self, found: Sequence[Stored]) -> Verdict:
        """Only an arrived patient becomes a triaged one."""
        if not found or found[0].body is None:
            return Skip("Encounter.status left as it is: the server does not show the Encounter")
        stored, body = found[0], found[0].body
        if structural_problems(body):
            return Skip("Encounter.status left as it is: the Encounter as received is not valid R4")
        status = body.get("status")
        if status == "triaged":
            return Done(stored)
        if status != "arrived":
            return Skip(f"Encounter.status left as it is ({status}): only arrived becomes triaged")
        if stored.version_id is None or not self._offer.versioned_update:
            return Skip("Encounter.status left as it is: the server does not guard against lost updates")
        return Update(body | {"status": "triaged"}, stored.version_id, guarded=True)

    def differs(self, body: Mapping[str, Any]) -> str | None:
        """The patient may have moved on meanwhile; only a step back is wrong."""
        return "its status is still arrived" if body.get("status") == "arrived" else None


class DocumentStep:
    """The decided level as a text document, where the server takes no Observation. Documents are not changed."""

    resource_type = "DocumentReference"

    def __init__(self, client: FhirClient, plan: WritePlan, subject: Subject) -> None:
        self._client = client
        self._offer = plan.offer(self.resource_type)
        self._subject = subject
        self._wanted = acuity_document(subject)

    async def look(self) -> Sequence[Stored]:
        """Ours, by identifier."""
        return await find_ours(
            self._client,
            self.resource_type,
            self._offer,
            system=identity.ASSESSMENT,
            value=self._subject.assessment,
            narrow=("type", f"{LOINC}|{TRIAGE_NOTE_CODE}"),
            patient=self._subject.request.record.patient.reference,
            encounter_id=self._subject.encounter_id,
        )

    def judge(self, found: Sequence[Stored]) -> Verdict:
        """Written once; another level that is there already stays."""
        if not found:
            conditional = self._offer.conditional_create and self._offer.searches_by("identifier")
            query = f"identifier={identity.ASSESSMENT}|{self._subject.assessment}" if conditional else None
            return Create(self._wanted, query)
        if len(found) > 1:
            return Conflict(f"{len(found)} documents carry the identifier of this visit; keep one", found[0])
        wrong = self.differs(found[0].body or {})
        return Done(found[0]) if wrong is None else Conflict(f"a document is there, and {wrong}", found[0])

    def differs(self, body: Mapping[str, Any]) -> str | None:
        """Status and level."""
        if body.get("status") != "current":
            return f"its status is {body.get('status')}"
        level = document_level(body, str(self._subject.request.assessment.scale))
        return (
            None
            if level == self._subject.level
            else f"it says level {level} instead of {self._subject.level}"
        )


def document_level(document: Mapping[str, Any], scale: str) -> int | None:
    """The level a document of ours says, from its inline text or its description; None where it says none."""
    texts = [str(document.get("description", ""))]
    for content in document.get("content") or ():
        try:
            data = base64.b64decode(str((content.get("attachment") or {}).get("data", "")), validate=True)
        except binascii.Error:
            continue
        texts.append(data.decode(errors="replace"))
    said = [match for text in texts if (match := _HEADLINE.match(text)) and match["scale"] == scale]
    levels = {int(match["level"]) for match in said}
    return levels.pop() if len(levels) == 1 else None


def _seals(resource: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    for entity in resource.get("entity") or ():
        identifier = (entity.get("what") or {}).get("identifier") or {}
        if identifier.get("system") == identity.SEAL and isinstance(identifier.get("value"), str):
            found.add(identifier["value"])
    return found
