"""The level itself as an Observation: proposed, decided, corrected, and never written over somebody else."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from integrations.fhir import identity
from integrations.fhir.capability import WritePlan
from integrations.fhir.client import FhirClient, Stored
from integrations.fhir.lookup import FINAL, find_others, find_ours
from integrations.fhir.resources import Subject, acuity_observation
from integrations.fhir.settle import Conflict, Create, Done, Update, Verdict

_OPEN = frozenset({"registered", "preliminary"})


class AcuityStep:
    """Brings the Observation of one visit to ``preliminary`` (before a decision) or ``final`` (after it)."""

    resource_type = "Observation"

    def __init__(self, client: FhirClient, plan: WritePlan, subject: Subject) -> None:
        self._client = client
        self._offer = plan.offer(self.resource_type)
        self._subject = subject
        self._wanted = acuity_observation(subject)
        self._others: list[Stored] = []

    async def look(self) -> Sequence[Stored]:
        """Ours by identifier; before signing also what others signed for this visit."""
        where = {
            "patient": self._subject.request.record.patient.reference,
            "encounter_id": self._subject.encounter_id,
        }
        if self._subject.decided:
            self._others = await find_others(self._client, self._offer, self._subject.coding, **where)
        return await find_ours(
            self._client,
            self.resource_type,
            self._offer,
            system=identity.ASSESSMENT,
            value=self._subject.assessment,
            narrow=("code", f"{self._subject.coding.system}|{self._subject.coding.code}"),
            **where,
        )

    def judge(self, found: Sequence[Stored]) -> Verdict:
        """See the module's first line."""
        if len(found) > 1:
            return Conflict(
                f"{len(found)} Observations carry the identifier of this visit; keep one", found[0]
            )
        if not found:
            return self._unless_contradicted(Create(self._wanted, self._if_none_exist))
        stored = found[0]
        body = stored.body or {}
        status = body.get("status")
        if status in FINAL:
            return self._judge_signed(stored, body)
        if status not in _OPEN:
            return Conflict(f"the level of this visit was withdrawn in the record (status {status})", stored)
        return self._judge_open(stored, body)

    def differs(self, body: Mapping[str, Any]) -> str | None:
        """Level, and a status at least as far as wanted."""
        level = self._subject.coding.level_of(body)
        if level != self._subject.level:
            return f"the record says level {level} instead of {self._subject.level}"
        if body.get("status") in FINAL or (not self._subject.decided and body.get("status") in _OPEN):
            return None
        return f"the status is {body.get('status')}"

    @property
    def _if_none_exist(self) -> str | None:
        if not (self._offer.conditional_create and self._offer.searches_by("identifier")):
            return None
        return f"identifier={identity.ASSESSMENT}|{self._subject.assessment}"

    def _judge_signed(self, stored: Stored, body: Mapping[str, Any]) -> Verdict:
        held, ours = self._subject.coding.level_of(body), self._subject.level
        if held == ours:
            return Done(stored, None if self._sealed_by_us(body) else "the record already held this level")
        if not self._subject.decided:
            return Conflict(
                f"the record already holds level {held}, signed; level {ours} is not proposed",
                stored,
                held if self._signed_by_others(body) else None,
            )
        if self._may_correct(body):
            return self._unless_contradicted(self._replace(stored, "corrected"))
        return Conflict(
            f"the record holds level {held}, signed elsewhere; level {ours} is not written over it",
            stored,
            held if self._signed_by_others(body) else None,
        )

    def _judge_open(self, stored: Stored, body: Mapping[str, Any]) -> Verdict:
        if not _seal_holds(body, self._subject.coding.level_of(body), decided=False):
            return Conflict(
                "somebody else changed the proposed level in the record; it is left as it is", stored
            )
        if not self._subject.decided:
            if self._sealed_by_us(body):
                return Done(stored)
            if _later(body, self._subject.at):
                return Conflict("the record holds a later proposal", stored)
        if not self._offer.update:
            return Conflict("a preliminary level is there, and the server cannot update it", stored)
        return self._unless_contradicted(self._replace(stored, str(self._wanted["status"])))

    def _may_correct(self, body: Mapping[str, Any]) -> bool:
        """A later decision of the same case, on a level that nobody else touched."""
        return (
            self._offer.update
            and self._of_this_case(body)
            and _seal_holds(body, self._subject.coding.level_of(body), decided=True)
            and _earlier(body, self._subject.at)
        )

    def _of_this_case(self, body: Mapping[str, Any]) -> bool:
        return identity.identifier_of(body, identity.CASE) == self._subject.case

    def _signed_by_others(self, body: Mapping[str, Any]) -> bool:
        """Not by an earlier or later decision of this case, untouched."""
        own = self._of_this_case(body)
        return not (own and _seal_holds(body, self._subject.coding.level_of(body), decided=True))

    def _sealed_by_us(self, body: Mapping[str, Any]) -> bool:
        return identity.identifier_of(body, identity.SEAL) == self._subject.seal

    def _unless_contradicted(self, verdict: Create | Update) -> Verdict:
        for other in self._others:
            level = self._subject.coding.level_of(other.body or {})
            if level != self._subject.level:
                return Conflict(
                    f"somebody else signed level {level} for this visit; level {self._subject.level} is not "
                    "written beside it",
                    other,
                    level,
                )
        return verdict

    def _replace(self, stored: Stored, status: str) -> Update:
        version = stored.version_id
        guarded = version is not None and self._offer.versioned_update
        return Update(replacing(stored, self._wanted | {"status": status}), version, guarded)


def replacing(stored: Stored, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """``wanted`` under the stored id, with the identifiers, extensions and labels that others gave it.

    Nothing else of the old version is kept: an old narrative would contradict the new level.
    """
    body = stored.body or {}
    ours = {identifier.get("system") for identifier in wanted.get("identifier") or ()}
    foreign = [other for other in body.get("identifier") or () if other.get("system") not in ours]
    resource: dict[str, Any] = dict(wanted) | {"id": stored.id}
    resource["identifier"] = [*(wanted.get("identifier") or ()), *foreign]
    labels = {k: v for k, v in (body.get("meta") or {}).items() if k in ("profile", "security", "tag")}
    if labels:
        resource["meta"] = labels
    if body.get("extension"):
        resource["extension"] = body["extension"]
    return resource


def _seal_holds(body: Mapping[str, Any], level: int | None, *, decided: bool) -> bool:
    """Whether level and identifiers are as one of our programs wrote them."""
    parts = [
        identity.identifier_of(body, s) for s in (identity.ASSESSMENT, identity.CASE, identity.SUGGESTION)
    ]
    assessment, case, suggestion = parts
    if assessment is None or case is None or suggestion is None:
        return False
    expected = identity.seal_value(assessment, case, suggestion, level, decided=decided)
    return identity.identifier_of(body, identity.SEAL) == expected


def _issued(body: Mapping[str, Any]) -> datetime | None:
    try:
        issued = datetime.fromisoformat(str(body.get("issued")))
    except ValueError:
        return None
    return issued if issued.tzinfo is not None else None


def _later(body: Mapping[str, Any], than: datetime) -> bool:
    issued = _issued(body)
    return issued is not None and issued > than


def _earlier(body: Mapping[str, Any], than: datetime) -> bool:
    issued = _issued(body)
    return issued is not None and issued < than
