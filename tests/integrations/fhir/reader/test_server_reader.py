"""Reading a real server: everything that refers to the visit, and nothing silent when a part cannot be read."""

import copy
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from data_schemas import FactKind, IntakeRecord, QualityIssue
from integrations.fhir.client import FhirClient
from integrations.fhir.errors import IntakeError
from integrations.fhir.server_reader import read_server, read_server_encounter

K, Q = FactKind, QualityIssue


@pytest.fixture
async def client(fhir_server: str) -> AsyncIterator[FhirClient]:
    async with FhirClient(fhir_server) as made:
        yield made


@pytest.fixture
def load(fhir_server):
    """Put a visit on the server under ids of its own; gives the Encounter's id."""

    def put(visit: Any) -> str:
        mark = uuid.uuid4().hex[:8]
        text = json.dumps(visit.bundle())
        for item in visit.by_id.values():
            name = item["id"]
            text = text.replace(f'"{item["resourceType"]}/{name}"', f'"{item["resourceType"]}/{name}-{mark}"')
            text = text.replace(f'"id": "{name}"', f'"id": "{name}-{mark}"')
        bundle = json.loads(text) | {"type": "transaction"}
        for entry in bundle["entry"]:
            where = f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
            entry["request"] = {"method": "PUT", "url": where}
        answer = httpx.post(fhir_server, json=bundle, headers={"Content-Type": "application/fhir+json"})
        assert answer.is_success, answer.text
        return f"e1-{mark}"

    return put


def history(make):
    patient = {"reference": "Patient/p1"}
    return [
        make.condition("c1", "Asthma"),
        {
            "resourceType": "AllergyIntolerance",
            "id": "a1",
            "patient": patient,
            "code": {"text": "Penicillin"},
        },
        {
            "resourceType": "MedicationStatement",
            "id": "m1",
            "status": "active",
            "subject": patient,
            "medicationCodeableConcept": {"text": "warfarin"},
        },
        {
            "resourceType": "MedicationRequest",
            "id": "r1",
            "status": "active",
            "intent": "order",
            "authoredOn": "2025-01-01",
            "subject": patient,
            "medicationCodeableConcept": {"text": "salbutamol"},
        },
        make.note("Pale and sweating."),
    ]


async def test_a_visit_on_a_server_reads_like_its_bundle(client, load, visit, make):
    visit.add(*history(make))
    visit.change("hr", encounter=None)  # filed under the patient alone
    identity = load(visit)
    record = await read_server_encounter(client, identity, source="s", now=make.now)
    assert isinstance(record, IntakeRecord), str(record)
    assert record.encounter_key == f"s|Encounter/{identity}"
    assert [(f.kind, f.text) for f in record.facts] == [(f.kind, f.text) for f in visit.record().facts]
    assert record.findings == ()


async def test_open_visits_are_found_and_others_are_not(client, load, visit, make):
    waiting = load(visit)
    done = load(visit.change("e1", status="finished"))
    outpatient = load(visit.change("e1", status="arrived", class_={"code": "AMB"}))
    found = {
        result.encounter_key.rpartition("/")[2]
        async for result in read_server(client, source="s", now=make.now)
        if isinstance(result, IntakeRecord)
    }
    assert waiting in found
    assert not found & {done, outpatient}


async def test_more_visits_than_allowed_are_named(client, load, visit, make):
    load(visit)
    load(visit)
    settings = replace(visit.settings, max_encounters=1)
    # Other tests' visits lie on this server too: whose is read first is not ours to say.
    _, more = [r async for r in read_server(client, source="s", now=make.now, settings=settings)]
    assert isinstance(more, IntakeError)
    assert "max_encounters" in more.remedy


async def test_more_resources_than_allowed_are_named(client, load, visit, make):
    settings = replace(visit.settings, max_resources=3)
    record = await read_server_encounter(client, load(visit), source="s", now=make.now, settings=settings)
    assert Q.TRUNCATED in {f.issue for f in record.findings}


async def test_history_that_cannot_be_read_is_unknown_and_said_so(faulty, load, visit, make):
    identity = load(visit)
    faulty.fault("GET", "AllergyIntolerance", "status", times=9, status=403)
    async with FhirClient(faulty.base_url, attempts=1) as client:
        record = await read_server_encounter(client, identity, source="s", now=make.now)
    assert isinstance(record, IntakeRecord), str(record)
    (finding,) = record.findings
    assert finding.issue is Q.UNREADABLE
    assert "AllergyIntolerance could not be read" in finding.message
    assert "not absent" in finding.message


@pytest.mark.parametrize("resource_type", ["Observation", "Patient", "DocumentReference", "Encounter"])
async def test_without_its_main_parts_there_is_no_record(faulty, load, visit, make, resource_type):
    identity = load(visit)
    faulty.fault("GET", resource_type, "status", times=9, status=500)
    async with FhirClient(faulty.base_url, attempts=1) as client:
        result = await read_server_encounter(client, identity, source="s", now=make.now)
    assert isinstance(result, IntakeError)
    assert "triage by hand" in result.remedy


async def test_a_server_that_answers_nothing(visit, make):
    async with FhirClient("http://127.0.0.1:9/fhir", attempts=1) as client:
        (result,) = [r async for r in read_server(client, source="s", now=make.now)]
    assert isinstance(result, IntakeError)
    assert result.source == "s"


async def test_a_slow_server_is_not_waited_for(faulty, load, visit, make):
    identity = load(visit)
    faulty.fault("GET", "Observation", "hang-after", times=9)
    settings = replace(visit.settings, server_timeout=timedelta(seconds=0.5))
    async with FhirClient(faulty.base_url, attempts=1, timeout_s=5) as client:
        result = await read_server_encounter(client, identity, source="s", now=make.now, settings=settings)
    assert isinstance(result, IntakeError)
    assert "TimeoutError" in result.message


@pytest.mark.parametrize("identity", ["", "a/b", "../Patient/x", "x" * 65])
async def test_an_id_that_is_none_is_not_sent(client, identity, make):
    result = await read_server_encounter(client, identity, source="s", now=make.now)
    assert isinstance(result, IntakeError)
    assert result.element == "Encounter.id"


async def test_another_class_is_not_an_ed_visit(client, load, visit, make):
    other = copy.deepcopy(visit).change("e1", class_={"code": "IMP"})
    result = await read_server_encounter(client, load(other), source="s", now=make.now)
    assert isinstance(result, IntakeError)
    assert result.element == "Encounter.class"
