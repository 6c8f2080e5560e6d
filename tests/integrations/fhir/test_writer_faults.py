"""The writer against a server that fails between commit and answer."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from data_schemas import AcuityScale, WriteReceipt, WriteRequest, WriteState
from integrations.fhir.acuity_codes import AcuityCoding
from integrations.fhir.client import FhirClient
from integrations.fhir.writer import FhirWriter

MakeRequest = Callable[..., WriteRequest]
DATA = Path(__file__).parent / "data"


def statement(name: str) -> dict[str, Any]:
    return json.loads((DATA / f"{name}_like.json").read_text())  # type: ignore[no-any-return]


def states(receipts: tuple[WriteReceipt, ...]) -> dict[str, WriteState]:
    return {receipt.resource_type: receipt.state for receipt in receipts}


@pytest.fixture
async def client(faulty: Any) -> AsyncIterator[FhirClient]:
    async with FhirClient(faulty.base_url, timeout_s=0.5, deadline_s=1.0, attempts=2) as made:
        yield made


@pytest.fixture
def writer(client: FhirClient) -> FhirWriter:
    return FhirWriter(client, pause_s=0.01)


COMMITTED = ("drop-after", "hang-after", "cut-after", "garbage-after")


@pytest.mark.parametrize("how", ["drop-before", "bodyless-after", *COMMITTED])
async def test_create_without_an_answer_makes_one(
    faulty: Any, writer: FhirWriter, visit: Any, make_request: MakeRequest, how: str
) -> None:
    faulty.fault("POST", "Observation", how)
    receipts = await writer.propose(make_request(faulty.base_url))
    assert set(states(receipts).values()) == {WriteState.WRITTEN}
    assert len(visit.levels()) == 1
    assert faulty.count("POST", "Observation") == (2 if how == "drop-before" else 1)


@pytest.mark.parametrize("how", ["drop-before", "bodyless-after", *COMMITTED])
async def test_update_without_an_answer_is_done_once(
    faulty: Any, writer: FhirWriter, visit: Any, make_request: MakeRequest, how: str
) -> None:
    await writer.propose(make_request(faulty.base_url))
    faulty.fault("PUT", "Observation", how)
    receipts = await writer.finalize(make_request(faulty.base_url, decided=2))
    assert set(states(receipts).values()) == {WriteState.WRITTEN}
    (held,) = visit.levels()
    assert (held["status"], held["meta"]["versionId"]) == ("final", "2")


@pytest.mark.parametrize("resource_type", ["Provenance", "Task"])
@pytest.mark.parametrize("how", COMMITTED)
async def test_what_goes_beside_the_level_is_made_once(
    faulty: Any, writer: FhirWriter, visit: Any, make_request: MakeRequest, resource_type: str, how: str
) -> None:
    faulty.fault("POST", resource_type, how)
    receipts = await writer.propose(make_request(faulty.base_url))
    assert set(states(receipts).values()) == {WriteState.WRITTEN}
    assert len(visit.trail(visit.levels()[0])) == len(visit.all("Task")) == 1


@pytest.mark.parametrize("resource_type", ["Observation", "Task", "Encounter"])
async def test_crash_between_write_and_receipt(
    faulty: Any, fhir_server: str, visit: Any, make_request: MakeRequest, resource_type: str
) -> None:
    """The first process dies before it sees the answer; another one starts from the beginning."""

    class Crash(BaseException):
        pass

    class DyingClient(FhirClient):
        async def update(self, resource: dict[str, Any], if_match: str | None) -> Any:
            stored = await super().update(resource, if_match)
            if resource["resourceType"] == resource_type:
                raise Crash
            return stored

    proposal, decision = make_request(faulty.base_url), make_request(faulty.base_url, decided=3)
    async with DyingClient(faulty.base_url) as dying:
        first = FhirWriter(dying)
        await first.propose(proposal)
        with pytest.raises(Crash):
            await first.finalize(decision)
    async with FhirClient(faulty.base_url) as client:
        receipts = await FhirWriter(client).finalize(decision)
    kinds = ("Observation", "Provenance", "Task", "Encounter")
    assert states(receipts) == dict.fromkeys(kinds, WriteState.WRITTEN)
    assert [(o["status"], o["meta"]["versionId"]) for o in visit.levels()] == [("final", "2")]
    assert [(t["status"], t["meta"]["versionId"]) for t in visit.all("Task")] == [("completed", "2")]
    assert len(visit.trail(visit.levels()[0])) == 2
    encounter = visit.get(f"Encounter/{visit.id}")
    assert (encounter["status"], encounter["meta"]["versionId"]) == ("triaged", "2")


async def test_still_unknown_is_said_and_mended_by_the_next_call(
    faulty: Any, writer: FhirWriter, visit: Any, make_request: MakeRequest
) -> None:
    faulty.fault("POST", "Observation", "status", times=4, status=502)
    (receipt,) = await writer.finalize(make_request(faulty.base_url, decided=3))
    assert receipt.state is WriteState.UNKNOWN
    assert visit.levels() == []
    receipts = await writer.finalize(make_request(faulty.base_url, decided=3))
    assert receipts[0].state is WriteState.WRITTEN
    assert len(visit.levels()) == 1


async def test_a_server_that_cannot_be_asked_after_a_write_leaves_it_unknown(
    faulty: Any, writer: FhirWriter, visit: Any, make_request: MakeRequest
) -> None:
    faulty.fault(
        "POST",
        "Observation",
        "drop-after",
        before=lambda: faulty.fault("GET", "Observation", "status", times=99, status=500),
    )
    (receipt,) = await writer.finalize(make_request(faulty.base_url, decided=3))
    assert receipt.state is WriteState.UNKNOWN
    faulty.faults.clear()
    assert (await writer.finalize(make_request(faulty.base_url, decided=3)))[0].state is WriteState.WRITTEN
    assert len(visit.levels()) == 1


async def test_written_is_not_said_before_it_was_read_back(
    faulty: Any, writer: FhirWriter, visit: Any, make_request: MakeRequest
) -> None:
    await writer.propose(make_request(faulty.base_url))
    faulty.fault(
        "PUT",
        "Observation",
        "pass",
        before=lambda: faulty.fault("GET", "Observation", "status", times=99, status=500),
    )
    (receipt,) = await writer.finalize(make_request(faulty.base_url, decided=3))
    assert receipt.state is WriteState.UNKNOWN
    assert receipt.detail == "accepted by the server, but could not be read back"


async def test_a_server_that_keeps_something_else_is_caught_on_reading_back(
    faulty: Any, writer: FhirWriter, visit: Any, make_request: MakeRequest
) -> None:
    await writer.propose(make_request(faulty.base_url))
    (before,) = visit.levels()
    faulty.fault("PUT", "Observation", "status", status=200, body=json.dumps(before).encode())
    (receipt,) = await writer.finalize(make_request(faulty.base_url, decided=2))
    assert receipt.state is WriteState.CONFLICT
    assert receipt.detail == "read back, and the record says level 3 instead of 2"


async def test_somebody_signs_between_our_look_and_our_write(
    faulty: Any, writer: FhirWriter, visit: Any, make_request: MakeRequest
) -> None:
    await writer.propose(make_request(faulty.base_url))

    def sign() -> None:
        (body,) = visit.levels()
        body["valueCodeableConcept"] = {"coding": [{"system": "http://loinc.org", "code": "LA21567-5"}]}
        visit.put(body | {"status": "final", "performer": [{"display": "Dr Elsewhere"}]})

    faulty.fault("PUT", "Observation", "pass", before=sign)
    (receipt,) = await writer.finalize(make_request(faulty.base_url, decided=3))
    assert receipt.state is WriteState.CONFLICT
    assert receipt.detail == "the record holds level 1, signed elsewhere; level 3 is not written over it"
    (held,) = visit.levels()
    assert held["performer"] == [{"display": "Dr Elsewhere"}]
    assert visit.get(f"Encounter/{visit.id}")["status"] == "arrived"


async def test_somebody_touches_the_encounter_between_our_look_and_our_write(
    faulty: Any, writer: FhirWriter, visit: Any, make_request: MakeRequest
) -> None:
    def move() -> None:
        visit.put(visit.get(f"Encounter/{visit.id}") | {"priority": {"text": "seen at the door"}})

    faulty.fault("PUT", "Encounter", "pass", before=move)
    receipts = await writer.finalize(make_request(faulty.base_url, decided=3))
    assert states(receipts)["Encounter"] is WriteState.WRITTEN
    encounter = visit.get(f"Encounter/{visit.id}")
    assert (encounter["status"], encounter["priority"]) == ("triaged", {"text": "seen at the door"})


async def test_a_conflict_that_never_ends_is_a_conflict(
    faulty: Any, writer: FhirWriter, visit: Any, make_request: MakeRequest
) -> None:
    await writer.propose(make_request(faulty.base_url))
    faulty.fault("PUT", "Observation", "status", times=99, status=412)
    (receipt,) = await writer.finalize(make_request(faulty.base_url, decided=3))
    assert receipt.state is WriteState.CONFLICT
    assert [o["status"] for o in visit.levels()] == ["preliminary"]


@pytest.mark.parametrize(
    ("status", "state"),
    [(422, WriteState.REFUSED), (403, WriteState.REFUSED), (429, WriteState.PENDING)],
)
async def test_what_was_certainly_not_written(
    faulty: Any, writer: FhirWriter, visit: Any, make_request: MakeRequest, status: int, state: WriteState
) -> None:
    faulty.fault("POST", "Observation", "status", times=99, status=status)
    (receipt,) = await writer.finalize(make_request(faulty.base_url, decided=3))
    assert (receipt.state, receipt.detail) == (state, f"POST Observation: {status}")
    assert visit.levels() == []


async def test_a_refused_trail_does_not_take_the_level_along(
    faulty: Any, writer: FhirWriter, visit: Any, make_request: MakeRequest
) -> None:
    faulty.fault("POST", "Provenance", "status", times=99, status=422)
    receipts = await writer.finalize(make_request(faulty.base_url, decided=3))
    assert states(receipts) == {
        "Observation": WriteState.WRITTEN,
        "Provenance": WriteState.REFUSED,
        "Encounter": WriteState.WRITTEN,
    }


async def test_a_server_that_is_down_leaves_it_pending(make_request: MakeRequest) -> None:
    async with FhirClient("http://127.0.0.1:9/fhir", attempts=1) as client:
        writer = FhirWriter(client, pause_s=0.01)
        (receipt,) = await writer.finalize(make_request(client.base_url, decided=3))
    assert receipt.state is WriteState.PENDING


async def test_no_conditional_create_no_second_try_before_looking(
    faulty: Any, writer: FhirWriter, visit: Any, make_request: MakeRequest
) -> None:
    faulty.statement = statement("epic")
    faulty.fault("POST", "Observation", "drop-before")
    (receipt,) = await writer.finalize(make_request(faulty.base_url, decided=3))
    assert receipt.state is WriteState.UNKNOWN
    assert faulty.count("POST", "Observation") == 1
    assert (await writer.finalize(make_request(faulty.base_url, decided=3)))[0].state is WriteState.WRITTEN
    assert len(visit.levels()) == 1


@pytest.mark.parametrize("how", COMMITTED)
async def test_no_conditional_create_and_committed_all_the_same(
    faulty: Any, writer: FhirWriter, visit: Any, make_request: MakeRequest, how: str
) -> None:
    faulty.statement = statement("epic")
    faulty.fault("POST", "Observation", how)
    (receipt,) = await writer.finalize(make_request(faulty.base_url, decided=3))
    assert receipt.state is WriteState.WRITTEN
    assert len(visit.levels()) == 1


async def test_a_server_like_epic(
    faulty: Any, writer: FhirWriter, visit: Any, make_request: MakeRequest
) -> None:
    faulty.statement = statement("epic")
    (receipt,) = await writer.propose(make_request(faulty.base_url))
    assert receipt.state is WriteState.NOT_CONFIGURED
    assert "the proposal stays with us until it is signed" in (receipt.detail or "")
    request = make_request(faulty.base_url, decided=3)
    first = await writer.finalize(request)
    assert states(first) == {"Observation": WriteState.WRITTEN}
    for said in ("Encounter.status left as it is", "no review Task", "no Provenance"):
        assert said in (first[0].detail or "")
    assert await writer.finalize(request) == first
    assert await writer.read_back(request) == 3
    assert [o["status"] for o in visit.levels()] == ["final"]
    (receipt,) = await writer.finalize(make_request(faulty.base_url, decided=2, minutes=30))
    assert receipt.state is WriteState.CONFLICT


async def test_a_server_like_oracle(
    faulty: Any, writer: FhirWriter, visit: Any, make_request: MakeRequest
) -> None:
    faulty.statement = statement("oracle")
    assert states(await writer.propose(make_request(faulty.base_url))) == {"Observation": WriteState.WRITTEN}
    request = make_request(faulty.base_url, decided=2)
    assert states(await writer.finalize(request)) == {"Observation": WriteState.WRITTEN}
    assert await writer.read_back(request) == 2
    assert visit.get(f"Encounter/{visit.id}")["status"] == "arrived"


async def test_a_server_without_observations_gets_a_document(
    faulty: Any, writer: FhirWriter, visit: Any, make_request: MakeRequest
) -> None:
    offer = statement("epic")
    offer["rest"][0]["resource"] = [r for r in offer["rest"][0]["resource"] if r["type"] != "Observation"]
    faulty.statement = offer
    (receipt,) = await writer.propose(make_request(faulty.base_url))
    assert receipt.state is WriteState.NOT_CONFIGURED
    request = make_request(faulty.base_url, decided=1)
    assert await writer.read_back(request) is None
    first = await writer.finalize(request)
    assert states(first) == {"DocumentReference": WriteState.WRITTEN}
    assert await writer.finalize(request) == first
    assert await writer.read_back(request) == 1
    (document,) = visit.all("DocumentReference")
    assert document["description"] == "Triage level ESI 1 (resuscitation), decided by a clinician"
    (receipt,) = await writer.finalize(make_request(faulty.base_url, decided=4, minutes=30))
    assert receipt.state is WriteState.CONFLICT
    assert await writer.read_back(request) == 1


async def test_a_server_that_takes_nothing(
    faulty: Any, writer: FhirWriter, visit: Any, make_request: MakeRequest
) -> None:
    faulty.statement = {"resourceType": "CapabilityStatement", "rest": [{"mode": "server", "resource": []}]}
    request = make_request(faulty.base_url, decided=3)
    (receipt,) = await writer.finalize(request)
    assert receipt.state is WriteState.NOT_CONFIGURED
    assert await writer.read_back(request) is None
    assert not [seen for seen in faulty.seen if seen[0] != "GET"]


async def test_nothing_said_on_the_way_names_the_patient(
    faulty: Any, writer: FhirWriter, visit: Any, make_request: MakeRequest, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = ""
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [
            {"severity": "error", "code": "invalid", "diagnostics": f"Quillfeather {visit.patient_id}"}
        ],
    }
    for how, kwargs in (
        ("drop-after", {}),
        ("status", {"status": 422, "body": json.dumps(outcome).encode()}),
        ("status", {"status": 500, "body": b"Quillfeather", "times": 4}),
    ):
        faulty.faults.clear()
        faulty.fault("POST", "Observation", how, **kwargs)
        faulty.fault("POST", "Provenance", how, **kwargs)
        said += str(await writer.finalize(make_request(faulty.base_url, decided=3)))
    assert caplog.records
    for secret in ("Quillfeather", visit.patient_id, "Nurse 4711", "chest pain"):
        assert secret not in caplog.text
    assert "Quillfeather" not in said
    assert visit.patient_id not in said


async def test_what_is_not_valid_is_never_sent(
    faulty: Any, client: FhirClient, visit: Any, make_request: MakeRequest
) -> None:
    codeless = AcuityCoding("", "ktas", "KTAS level")
    writer = FhirWriter(client, codings={AcuityScale.KTAS: codeless}, pause_s=0.01)
    (receipt,) = await writer.finalize(make_request(faulty.base_url, decided=3, scale=AcuityScale.KTAS))
    assert receipt.state is WriteState.REFUSED
    assert "was not sent, it is not valid" in (receipt.detail or "")
    assert faulty.count("POST", "Observation") == 0


async def test_two_processes_without_a_proposal_never_both_claim_a_level_of_their_own(
    faulty: Any, writer: FhirWriter, visit: Any, make_request: MakeRequest
) -> None:
    """The sandbox does not make conditional creates atomic: where both create, one of them has to say so."""
    request = make_request(faulty.base_url, decided=3)
    async with FhirClient(faulty.base_url) as other:
        both = await asyncio.gather(
            writer.finalize(request), FhirWriter(other, pause_s=0.01).finalize(request)
        )
    said = [receipts[0].state for receipts in both]
    if len(visit.levels()) == 1:
        assert said == [WriteState.WRITTEN] * 2
    else:
        assert WriteState.CONFLICT in said
