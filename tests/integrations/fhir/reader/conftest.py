"""A small valid ED bundle, and short ways to change it."""

import base64
import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from data_schemas import FactKind, IntakeRecord, QualityIssue
from integrations.fhir.errors import IntakeError
from integrations.fhir.reader import read_bundle
from integrations.fhir.reader_settings import ReaderSettings

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def concept(code: str, system: str = LOINC, text: str | None = None) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}], **({"text": text} if text else {})}


def quantity(value: Any, code: str | None) -> dict[str, Any]:
    return {"value": value, **({"unit": code, "system": UCUM, "code": code} if code else {})}


def observation(
    name: str, code: str, value: Any = None, unit: str | None = None, *, at: str = "11:45", **more: Any
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "category": [concept("vital-signs", CATEGORY)],
        "code": concept(code),
        "subject": {"reference": "Patient/p1"},
        "encounter": {"reference": "Encounter/e1"},
        "effectiveDateTime": f"2026-03-01T{at}:00Z",
    }
    if value is not None:
        made["valueQuantity"] = quantity(value, unit)
    made.update(more)
    return {key: item for key, item in made.items() if item is not None}


def note(text: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "DocumentReference",
        "id": "note",
        "status": "current",
        "type": concept("54094-8"),
        "subject": {"reference": "Patient/p1"},
        "date": "2026-03-01T11:50:00Z",
        "context": {"encounter": [{"reference": "Encounter/e1"}]},
        "content": [
            {"attachment": {"contentType": "text/plain", "data": base64.b64encode(text.encode()).decode()}}
        ],
        **more,
    }


def condition(name: str, text: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": name,
        "clinicalStatus": concept("active", "http://terminology.hl7.org/CodeSystem/condition-clinical"),
        "code": {"text": text},
        "subject": {"reference": "Patient/p1"},
        **more,
    }


def resources() -> dict[str, dict[str, Any]]:
    """By id: a woman of 40 with chest pain, all vital signs recorded."""
    made = [
        {
            "resourceType": "Patient",
            "id": "p1",
            "gender": "female",
            "birthDate": "1986-02-01",
            "name": [{"family": "Testfall", "given": ["Änne"]}],
            "identifier": [{"system": "urn:mrn", "value": "1"}],
        },
        {
            "resourceType": "Encounter",
            "id": "e1",
            "status": "arrived",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER"},
            "subject": {"reference": "Patient/p1"},
            "period": {"start": "2026-03-01T11:40:00Z"},
            "reasonCode": [{"text": "chest pain since the morning"}],
        },
        observation("hr", "8867-4", 88, "/min"),
        observation("rr", "9279-1", 16, "/min"),
        observation("spo2", "59408-5", 97, "%"),
        observation("temp", "8310-5", 36.9, "Cel"),
        observation(
            "bp",
            "85354-9",
            component=[
                {"code": concept("8480-6"), "valueQuantity": quantity(128, "mm[Hg]")},
                {"code": concept("8462-4"), "valueQuantity": quantity(76, "mm[Hg]")},
            ],
        ),
        observation("pain", "72514-3", 4, "{score}"),
        observation("avpu", "67775-7", valueCodeableConcept=concept("LA9340-6")),
    ]
    return {item["id"]: item for item in made}


@dataclass
class Bundler:
    """Change resources by id (``None`` takes one away), add others, read, and look at the result."""

    settings: ReaderSettings = field(default_factory=ReaderSettings)
    now: datetime = NOW
    by_id: dict[str, dict[str, Any]] = field(default_factory=resources)

    def change(self, name: str, **fields: Any) -> "Bundler":
        for key, value in fields.items():
            target = {"class_": "class"}.get(key, key)
            if value is None:
                self.by_id[name].pop(target, None)
            else:
                self.by_id[name][target] = value
        return self

    def drop(self, *names: str) -> "Bundler":
        for name in names:
            del self.by_id[name]
        return self

    def add(self, *items: dict[str, Any]) -> "Bundler":
        for item in items:
            self.by_id[f"{item['resourceType']}/{item.get('id')}/{len(self.by_id)}"] = item
        return self

    def bundle(self) -> dict[str, Any]:
        entries = [{"resource": item} for item in self.by_id.values()]
        return copy.deepcopy({"resourceType": "Bundle", "type": "collection", "entry": entries})

    def results(self) -> list[IntakeRecord | IntakeError]:
        return read_bundle(self.bundle(), source="test", now=self.now, settings=self.settings)

    def record(self) -> IntakeRecord:
        (result,) = self.results()
        assert isinstance(result, IntakeRecord), str(result)
        return result

    def error(self) -> IntakeError:
        (result,) = self.results()
        assert isinstance(result, IntakeError)
        return result

    def issues(self) -> set[tuple[QualityIssue, FactKind | None]]:
        return {(finding.issue, finding.kind) for finding in self.record().findings}


class Make:
    """The builders, for tests: files here cannot import each other."""

    concept = staticmethod(concept)
    quantity = staticmethod(quantity)
    observation = staticmethod(observation)
    note = staticmethod(note)
    condition = staticmethod(condition)
    now = NOW


@pytest.fixture
def make() -> type[Make]:
    return Make


@pytest.fixture
def visit() -> Bundler:
    return Bundler()


@pytest.fixture
def bundler() -> Callable[..., Bundler]:
    return Bundler
