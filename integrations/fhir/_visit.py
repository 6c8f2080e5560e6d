"""One ED encounter in its container: when the patient came, and until when something was known at triage."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from data_schemas import FactKind, FactSource, QualityIssue
from integrations.fhir._json import Json, clean, codings, first_code, obj, objs, resource_id, string
from integrations.fhir._times import When, parse_when
from integrations.fhir.bundle import ResourceIndex, newer_fhir_element
from integrations.fhir.codes import ACT_CODE
from integrations.fhir.errors import IntakeError
from integrations.fhir.leaks import strip_acuity
from integrations.fhir.quality import Findings
from integrations.fhir.reader_settings import ReaderSettings
from triage.text.instructions import holds_instruction

BEFORE_TRIAGE = frozenset({"planned", "arrived"})
AFTER_TRIAGE = frozenset({"triaged", "in-progress", "onleave", "finished"})


class Timing(Enum):
    """Where a time stands to the triage."""

    KNOWN = "known"
    LATER = "later"
    EARLIER = "earlier"
    FUTURE = "future"
    UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class Visit:
    """The encounter being read, and what every part of the reader needs to know of it."""

    index: ResourceIndex
    settings: ReaderSettings
    findings: Findings
    encounter: Json
    identity: str
    key: str
    patient_key: str
    status: str
    now: datetime
    arrived: datetime | None
    """Exact arrival, or None where it is not known."""
    cutoff: datetime
    """The last instant at which something still counts as known at triage."""

    @property
    def reference_time(self) -> datetime:
        """What ages are counted to and histories are cut at."""
        return self.arrived or self.now

    def source(
        self, resource: Json, path: str, start: int | None = None, end: int | None = None
    ) -> FactSource:
        """Where in ``resource`` something was read."""
        kind = resource.get("resourceType")
        return FactSource(
            resource_type=clean(kind) if isinstance(kind, str) else "Resource",
            resource_id=resource_id(resource),
            path=path,
            start=start,
            end=end,
        )

    def timing(self, when: When | None, *, linked: bool) -> Timing:
        """Where an observation's time stands. A day without a time that straddles the cutoff counts as later."""
        if when is None:
            return Timing.KNOWN if linked and self.status in BEFORE_TRIAGE else Timing.UNKNOWN
        if when.start > self.now + self.settings.clock_tolerance:
            return Timing.FUTURE
        if when.start > self.cutoff or (when.end > self.cutoff and self.status not in BEFORE_TRIAGE):
            return Timing.LATER
        before = self.settings.before_arrival if linked else self.settings.unlinked_before_arrival
        return Timing.EARLIER if when.end < self.reference_time - before else Timing.KNOWN

    def words(
        self, text: str, kind: FactKind, source: FactSource, limit: int, *, flag: bool = True
    ) -> str | None:
        """``text`` made safe for a fact: cut to ``limit``, acuity out, instructions named; None if nothing is left."""
        text = clean(text).strip()
        if len(text) > limit:
            self.findings.add(
                QualityIssue.TRUNCATED,
                f"{kind.value}: {len(text)} characters, cut to {limit}. Read the whole text in the record.",
                kind=kind,
                source=source,
            )
            text = text[:limit].rstrip()
        if flag and holds_instruction(text):
            self.findings.add(
                QualityIssue.INSTRUCTION_IN_TEXT,
                f"{kind.value}: the text holds words aimed at a language model; it is kept as data only. "
                "Check who wrote it.",
                kind=kind,
                source=source,
            )
        stripped, found = strip_acuity(text)
        if found:
            self.findings.add(
                QualityIssue.ACUITY_STRIPPED,
                f"{kind.value}: an acuity level stated in the text was taken out.",
                kind=kind,
                source=source,
            )
        return stripped.strip() or None

    def mine(self, resource_type: str) -> Iterator[tuple[Json, bool]]:
        """(resource, linked) of this visit: those that name the encounter, then those that name only the patient.

        One that names the encounter but another patient is named and left out.
        """
        for resource in self.index.of_encounter(self.key):
            if resource.get("resourceType") != resource_type:
                continue
            patient = self.index.patient_key(resource)
            if patient is not None and patient != self.patient_key:
                self.findings.add(
                    QualityIssue.CONTRADICTORY,
                    f"{resource_type}: filed under this encounter but about another patient; left out. "
                    "Check which patient it belongs to.",
                    source=self.source(resource, "patient" if "patient" in resource else "subject"),
                )
                continue
            if self.is_one_version(resource, resource_type):
                yield resource, True
        for resource in self.index.of_patient(self.patient_key):
            unlinked = resource.get("resourceType") == resource_type and not self.index.encounter_keys(
                resource
            )
            if unlinked and self.is_one_version(resource, resource_type):
                yield resource, False

    def is_one_version(self, resource: Json, resource_type: str) -> bool:
        """Whether a resource is here in one version only; one of two would be a guess. Copies are named too."""
        key = self.index.key_of[id(resource)]
        if key in self.index.conflicting:
            self.findings.add(
                QualityIssue.CONTRADICTORY,
                f"{resource_type}: two different versions under one id; neither is used. Send the current one.",
                source=self.source(resource, "id"),
            )
            return False
        if key in self.index.repeated:
            self.findings.add(
                QualityIssue.DUPLICATE,
                f"{resource_type}: the same resource is here twice; used once.",
                source=self.source(resource, "id"),
            )
        return True


def is_emergency(encounter: Json) -> bool:
    """Whether an Encounter is an ED visit (class EMER), in R4 or in the array of R5."""
    value = encounter.get("class")
    if isinstance(value, list):
        return any(code == "EMER" for item in value for _, code in codings(item))
    if isinstance(value, str):  # DSTU2
        return value.lower() == "emergency"
    return string(value, "code") == "EMER" and string(value, "system") in {
        None,
        ACT_CODE,
        "http://hl7.org/fhir/v3/ActCode",
    }


def open_visit(index: ResourceIndex, encounter: Json, now: datetime, settings: ReaderSettings) -> Visit:
    """Check an ED encounter and place it in time.

    Raises:
        IntakeError: no id, not R4, a status that is no visit, no patient, or nothing by which to tell what was
            known at triage.
    """
    key = index.key_of[id(encounter)]
    identity = resource_id(encounter) or _uuid(key)
    if identity is None:
        raise _error(
            "id", "is missing or not a FHIR id.", "Send Encounter.id: the outcome is filed under it."
        )
    newer = newer_fhir_element(encounter)
    if newer is not None:
        raise IntakeError(
            f"has the shape of FHIR R5; this reader takes R4 (4.0.1). Encounter {identity}.",
            element=newer,
            remedy="Ask the server for R4: Accept: application/fhir+json; fhirVersion=4.0.",
        )
    if isinstance(encounter.get("class"), str):
        raise _error(
            "class", f"is a plain code, as in DSTU2. Encounter {identity}.", "Send FHIR R4 (a Coding)."
        )
    status = string(encounter, "status") or ""
    if status not in BEFORE_TRIAGE | AFTER_TRIAGE:
        shown = status if status in {"cancelled", "entered-in-error", "unknown"} else "missing or not of R4"
        raise _error(
            "status", f"is {shown}: not a visit to triage. Encounter {identity}.", "Correct the status."
        )
    patient_key = index.key(obj(encounter, "subject"))
    if patient_key is None:
        raise _error(
            "subject", f"refers to no patient. Encounter {identity}.", "Send Encounter.subject.reference."
        )
    findings = Findings()
    arrived = _arrival(encounter, now, settings, findings, identity)
    if arrived is None and status not in BEFORE_TRIAGE:
        raise _error(
            "period.start",
            f"is missing, in the future or not an instant, and the encounter is {status}: nothing tells what was "
            f"known at triage. Encounter {identity}.",
            "Send Encounter.period.start with time and zone.",
        )
    cutoff = now + settings.clock_tolerance
    if status not in BEFORE_TRIAGE and arrived is not None:
        cutoff = min(
            cutoff, max(arrived + settings.triage_window, _triaged_at(encounter, arrived) or arrived)
        )
    visit = Visit(
        index=index,
        settings=settings,
        findings=findings,
        encounter=encounter,
        identity=identity,
        key=key,
        patient_key=patient_key,
        status=status,
        now=now,
        arrived=arrived,
        cutoff=cutoff,
    )
    if key in index.repeated or patient_key in index.repeated:
        findings.add(
            QualityIssue.DUPLICATE,
            "The encounter or its patient is in the container twice; the first one is read. Send each once.",
            source=visit.source(encounter, "id"),
        )
    if first_code(obj(encounter, "priority")) in {"1", "2", "3", "4", "5"}:
        findings.add(
            QualityIssue.ACUITY_STRIPPED,
            "Encounter.priority holds a level; it is not read.",
            source=visit.source(encounter, "priority"),
        )
    return visit


def _arrival(
    encounter: Json, now: datetime, settings: ReaderSettings, findings: Findings, identity: str
) -> datetime | None:
    raw: Any = obj(encounter, "period").get("start")
    when = parse_when(raw)
    source = FactSource(resource_type="Encounter", resource_id=identity, path="period.start")
    if when is None or not when.exact:
        issue = QualityIssue.MISSING if raw is None else QualityIssue.UNREADABLE
        findings.add(issue, "The time of arrival is not known as an instant. Enter it.", source=source)
        return None
    if when.start > now + settings.clock_tolerance:
        if encounter.get("status") != "planned":
            findings.add(
                QualityIssue.FUTURE,
                "The time of arrival is in the future; not used. Check the clock.",
                source=source,
            )
        return None
    return when.start


def _triaged_at(encounter: Json, arrived: datetime) -> datetime | None:
    """When the status history says the triage was done, if within a day of arrival."""
    for _, entry in objs(encounter, "statusHistory"):
        when = parse_when(obj(entry, "period").get("start")) if entry.get("status") == "triaged" else None
        if when is not None and when.exact and 0 <= (when.start - arrived).total_seconds() <= 24 * 3600:
            return when.start
    return None


def _uuid(key: str) -> str | None:
    tail = key.removeprefix("urn:uuid:")
    return tail if tail != key and resource_id({"id": tail}) else None


def _error(element: str, message: str, remedy: str) -> IntakeError:
    return IntakeError(message, element=f"Encounter.{element}", remedy=remedy)
