import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from data_schemas import AcuityScale, ReviewerRole, WriteReceipt, WriteRequest, WriteState
from integrations.fhir import identity
from integrations.fhir.acuity_codes import AcuityCoding
from integrations.fhir.client import FhirClient
from integrations.fhir.errors import FhirConflictError, FhirProtocolError
from integrations.fhir.writer import FhirWriter

MakeRequest = Callable[..., WriteRequest]
PORT = ("propose", "finalize", "read_back")
LOINC = "http://loinc.org"
KTAS = AcuityCoding("https://hospital.example/codes", "ktas", "KTAS level")


@pytest.fixture
async def writer(fhir_server: str) -> AsyncIterator[FhirWriter]:
    async with FhirClient(fhir_server) as client:
        yield FhirWriter(client, codings={AcuityScale.KTAS: KTAS}, pause_s=0.01)


def states(receipts: tuple[WriteReceipt, ...]) -> dict[str, WriteState]:
    return {receipt.resource_type: receipt.state for receipt in receipts}


def answer(observation: dict[str, Any]) -> str:
    return str(observation["valueCodeableConcept"]["coding"][0]["code"])


def test_the_writer_is_an_outcome_sink() -> None:
    from agents.ports import OutcomeSink

    port = {name: inspect.signature(act) for name, act in vars(OutcomeSink).items() if name in PORT}
    assert {name: inspect.signature(getattr(FhirWriter, name)) for name in PORT} == port


async def test_propose_then_finalize_then_read_back(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest
) -> None:
    request = make_request(fhir_server, level=3)
    proposed = await writer.propose(request)
    assert states(proposed) == dict.fromkeys(("Observation", "Provenance", "Task"), WriteState.WRITTEN)
    assert await writer.read_back(request) is None

    (preliminary,) = visit.levels()
    assert preliminary["status"] == "preliminary"
    assert "performer" not in preliminary
    assert preliminary["device"] == {"reference": "#agent"}
    assert preliminary["contained"][0]["version"][2] == {
        "type": {"text": "weights sha256"},
        "value": "ab" * 32,
    }
    assert preliminary["code"]["coding"][0]["code"] == "75636-1"
    assert preliminary["method"]["text"] == "Emergency Severity Index, version 5 (ENA 2023)"
    assert preliminary["derivedFrom"] == [{"reference": f"Observation/hr-{visit.id}"}]
    assert [note["text"] for note in preliminary["note"]] == [
        "Suggested by a program and not confirmed by a clinician: level 3.",
        "For level 3: Chest pain needs two resources. (model; chapter 4)",
        "For level 2 and not for the one suggested: Heart rate 128 /min is in the danger zone: "
        "A fast heart may mean shock. (rule; table 1)",
        "Evidence given by the model is supporting, not causal.",
    ]
    assert [task["status"] for task in visit.all("Task")] == ["requested"]

    decided = make_request(fhir_server, level=3, decided=2)
    receipts = await writer.finalize(decided)
    kinds = ("Observation", "Provenance", "Task", "Encounter")
    assert states(receipts) == dict.fromkeys(kinds, WriteState.WRITTEN)
    assert (receipts[0].resource_id, receipts[0].version_id) == (preliminary["id"], "2")
    assert await writer.read_back(decided) == 2

    (final,) = visit.levels()
    assert (final["status"], answer(final)) == ("final", "LA21752-3")
    assert final["performer"] == [
        {"type": "Practitioner", "identifier": {"value": "Nurse 4711"}, "display": "Nurse 4711 (nurse)"}
    ]
    assert final["note"][0]["text"] == "The clinician changed the suggested level 3 to 2 (more-information)."
    trail = sorted(visit.trail(final), key=lambda p: len(p["agent"]))
    assert [[a["type"]["coding"][0]["code"] for a in p["agent"]] for p in trail] == [
        ["assembler"],
        ["assembler", "verifier"],
    ]
    assert {e["what"].get("reference") for e in trail[1]["entity"]} == {
        None,
        f"Encounter/{visit.id}",
        f"Observation/hr-{visit.id}",
    }
    assert [task["status"] for task in visit.all("Task")] == ["completed"]
    encounter = visit.get(f"Encounter/{visit.id}")
    assert encounter["status"] == "triaged"
    assert encounter["extension"] == [{"url": "https://hospital.example/bed", "valueString": "7"}]
    assert encounter["period"] == {"start": "2026-11-22T08:00:00.000+01:00"}


async def test_everything_twice_is_everything_once(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest
) -> None:
    proposal, decision = make_request(fhir_server), make_request(fhir_server, decided=3)
    assert await writer.propose(proposal) == await writer.propose(proposal)
    first = await writer.finalize(decision)
    held = [*visit.levels(), *visit.all("Task"), visit.get(f"Encounter/{visit.id}")]
    assert await writer.finalize(decision) == first
    assert [*visit.levels(), *visit.all("Task"), visit.get(f"Encounter/{visit.id}")] == held
    assert len(visit.trail(visit.levels()[0])) == 2


async def test_a_new_local_database_finds_what_the_old_one_wrote(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest
) -> None:
    await writer.propose(make_request(fhir_server, case_id="old"))
    await writer.propose(make_request(fhir_server, case_id="new", level=2))
    (preliminary,) = visit.levels()
    assert answer(preliminary) == "LA21752-3"
    await writer.finalize(make_request(fhir_server, case_id="new", level=2, decided=2))
    trail = visit.trail(visit.levels()[0])

    again = make_request(fhir_server, case_id="third", level=2, decided=2)
    assert (
        states(await writer.propose(again.model_copy(update={"review": None})))["Observation"]
        is WriteState.WRITTEN
    )
    receipts = await writer.finalize(again)
    assert set(states(receipts).values()) == {WriteState.WRITTEN}
    assert receipts[0].detail is not None
    assert receipts[0].detail.startswith("the record already held this level")
    assert len(visit.levels()) == len(visit.all("Task")) == 1
    assert visit.trail(visit.levels()[0]) == trail


async def test_finalize_without_a_proposal_before(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest
) -> None:
    receipts = await writer.finalize(make_request(fhir_server, decided=3))
    assert states(receipts) == dict.fromkeys(("Observation", "Provenance", "Encounter"), WriteState.WRITTEN)
    assert [o["status"] for o in visit.levels()] == ["final"]
    assert visit.all("Task") == []


@pytest.mark.parametrize(
    ("level", "code"),
    [(1, "LA21567-5"), (2, "LA21752-3"), (3, "LA21753-1"), (4, "LA21754-9"), (5, "LA21755-6")],
)
async def test_each_level_under_its_own_answer(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest, level: int, code: str
) -> None:
    request = make_request(fhir_server, level=level, decided=level)
    await writer.finalize(request)
    (final,) = visit.levels()
    assert final["valueCodeableConcept"]["coding"] == [{"system": LOINC, "code": code}]
    assert await writer.read_back(request) == level
    if level == 1:
        assert final["valueCodeableConcept"]["text"] == "Level 1: resuscitation"


async def test_a_scripted_clinician_is_named_as_one(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest
) -> None:
    await writer.finalize(make_request(fhir_server, decided=3, role=ReviewerRole.DEMO))
    (final,) = visit.levels()
    assert final["performer"] == [{"type": "Practitioner", "display": "scripted demo clinician"}]
    assert final["note"][0]["text"] == (
        "The scripted demo clinician (not a person) accepted the suggested level 3."
    )
    assert "4711" not in str(final)


async def test_a_later_decision_of_the_same_case_corrects(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest
) -> None:
    await writer.finalize(make_request(fhir_server, decided=3))
    later = make_request(fhir_server, decided=2, minutes=30)
    assert states(await writer.finalize(later))["Observation"] is WriteState.WRITTEN
    (held,) = visit.levels()
    assert (held["status"], answer(held), held["meta"]["versionId"]) == ("corrected", "LA21752-3", "2")
    assert await writer.read_back(later) == 2

    late = await writer.finalize(make_request(fhir_server, decided=3))
    assert [r.state for r in late] == [WriteState.CONFLICT]
    assert await writer.read_back(later) == 2


async def test_another_cases_decision_is_not_overwritten(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest
) -> None:
    await writer.finalize(make_request(fhir_server, decided=2, case_id="other desk"))
    ours = make_request(fhir_server, decided=4, case_id="this desk", minutes=60)
    (receipt,) = await writer.finalize(ours)
    assert receipt.state is WriteState.CONFLICT
    assert receipt.detail == "the record holds level 2, signed elsewhere; level 4 is not written over it"
    assert await writer.read_back(ours) == 2
    (receipt,) = await writer.propose(ours.model_copy(update={"review": None}))
    assert receipt.state is WriteState.CONFLICT
    assert [o["meta"]["versionId"] for o in visit.levels()] == ["1"]


async def test_a_level_changed_by_others_is_left_alone(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest
) -> None:
    await writer.propose(make_request(fhir_server))
    (body,) = visit.levels()
    body["valueCodeableConcept"] = {"coding": [{"system": LOINC, "code": "LA21567-5"}]}
    visit.put(body)
    for act, decided in ((writer.propose, None), (writer.finalize, 3)):
        (receipt,) = await act(make_request(fhir_server, decided=decided))
        assert receipt.state is WriteState.CONFLICT
    assert [answer(o) for o in visit.levels()] == ["LA21567-5"]
    assert visit.get(f"Encounter/{visit.id}")["status"] == "arrived"

    visit.put(body | {"status": "final", "performer": [{"display": "Dr Elsewhere"}]})
    (receipt,) = await writer.finalize(make_request(fhir_server, decided=3, minutes=60))
    assert receipt.state is WriteState.CONFLICT
    assert await writer.read_back(make_request(fhir_server, decided=3)) == 1


async def test_a_level_that_was_withdrawn_stays_withdrawn(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest
) -> None:
    await writer.finalize(make_request(fhir_server, decided=3))
    (body,) = visit.levels()
    visit.put(body | {"status": "entered-in-error"})
    (receipt,) = await writer.finalize(make_request(fhir_server, decided=3))
    assert receipt.state is WriteState.CONFLICT
    assert await writer.read_back(make_request(fhir_server, decided=3)) is None


@pytest.mark.parametrize(
    ("code", "state"), [("LA21752-3", WriteState.CONFLICT), ("LA21753-1", WriteState.WRITTEN)]
)
async def test_a_level_signed_by_hand_beside_ours(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest, code: str, state: WriteState
) -> None:
    visit.post(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": LOINC, "code": "75636-1"}]},
            "subject": {"reference": f"Patient/{visit.patient_id}"},
            "encounter": {"reference": f"Encounter/{visit.id}"},
            "valueCodeableConcept": {"coding": [{"system": LOINC, "code": code}]},
        }
    )
    receipts = await writer.finalize(make_request(fhir_server, decided=3))
    assert receipts[0].state is state
    assert len(visit.levels()) == (1 if state is WriteState.WRITTEN else 0)


async def test_two_of_the_same_visit_are_named_not_chosen(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest
) -> None:
    await writer.finalize(make_request(fhir_server, decided=3))
    visit.post(visit.levels()[0])
    (receipt,) = await writer.finalize(make_request(fhir_server, decided=3))
    assert receipt.state is WriteState.CONFLICT
    assert receipt.detail == "2 Observations carry the identifier of this visit; keep one"
    with pytest.raises(FhirConflictError):
        await writer.read_back(make_request(fhir_server, decided=3))


async def test_two_processes_at_once_end_with_one_level(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest
) -> None:
    await writer.propose(make_request(fhir_server))
    request = make_request(fhir_server, decided=3)
    async with FhirClient(fhir_server) as client:
        other = FhirWriter(client, pause_s=0.01)
        both = await asyncio.gather(writer.finalize(request), other.finalize(request))
    assert [r.state for r in (both[0][0], both[1][0])] == [WriteState.WRITTEN] * 2
    (held,) = visit.levels()
    assert (held["status"], held["meta"]["versionId"]) == ("final", "2")
    assert [task["status"] for task in visit.all("Task")] == ["completed"]


@pytest.mark.parametrize("scale", [AcuityScale.CTAS, AcuityScale.MTS, AcuityScale.NHAMCS])
async def test_a_scale_without_a_code_is_not_written(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest, scale: AcuityScale
) -> None:
    (receipt,) = await writer.finalize(make_request(fhir_server, decided=3, scale=scale))
    assert receipt.state is WriteState.NOT_CONFIGURED
    assert f"no code is configured for {scale} levels" in (receipt.detail or "")
    assert visit.levels() == []


async def test_another_scale_goes_under_the_sites_code(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest
) -> None:
    request = make_request(fhir_server, decided=3, scale=AcuityScale.KTAS)
    assert set(states(await writer.finalize(request)).values()) == {WriteState.WRITTEN}
    (final,) = visit.levels()
    assert (final["code"]["coding"][0]["code"], final["valueInteger"]) == ("ktas", 3)
    assert "75636-1" not in str(final)
    assert await writer.read_back(request) == 3


@pytest.mark.parametrize(
    "source", ["https://elsewhere.example/fhir|Encounter/", "nhamcs|Encounter/", "|Encounter/", "Encounter/"]
)
async def test_visits_of_another_source_are_not_written(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest, source: str
) -> None:
    request = make_request(fhir_server, decided=3).model_copy(update={"encounter_key": f"{source}{visit.id}"})
    (receipt,) = await writer.finalize(request)
    assert receipt.state is WriteState.NOT_CONFIGURED
    assert await writer.read_back(request) is None
    assert visit.levels() == []


async def test_the_source_may_be_spelt_otherwise(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest
) -> None:
    key = f"{fhir_server.replace('http', 'HTTP', 1)}/|Encounter/{visit.id}"
    request = make_request(fhir_server, decided=3).model_copy(update={"encounter_key": key})
    assert (await writer.finalize(request))[0].state is WriteState.WRITTEN


@pytest.mark.parametrize("status", ["in-progress", "finished", "cancelled"])
async def test_a_visit_that_went_on_is_left_where_it_is(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest, status: str
) -> None:
    visit.put(visit.get(f"Encounter/{visit.id}") | {"status": status})
    receipts = await writer.finalize(make_request(fhir_server, decided=3))
    assert "Encounter" not in states(receipts)
    assert f"Encounter.status left as it is ({status})" in (receipts[0].detail or "")
    assert visit.get(f"Encounter/{visit.id}")["status"] == status


async def test_a_task_ended_by_others_stays_ended(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest
) -> None:
    await writer.propose(make_request(fhir_server))
    (task,) = visit.all("Task")
    visit.put(task | {"status": "cancelled"})
    receipts = await writer.finalize(make_request(fhir_server, decided=3))
    assert "Task" not in states(receipts)
    assert [t["status"] for t in visit.all("Task")] == ["cancelled"]


async def test_what_others_added_to_our_observation_is_kept(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest
) -> None:
    await writer.propose(make_request(fhir_server))
    (body,) = visit.levels()
    theirs = {"system": "https://hospital.example/row", "value": "77"}
    body["identifier"].append(theirs)
    body["extension"] = [{"url": "https://hospital.example/filed", "valueBoolean": True}]
    body["text"] = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">level 3</div>'}
    visit.put(body)
    await writer.finalize(make_request(fhir_server, level=3, decided=2))
    (final,) = visit.levels()
    assert theirs in final["identifier"]
    assert final["extension"] == body["extension"]
    assert "text" not in final


async def test_an_unreadable_level_is_an_error_not_an_answer(
    writer: FhirWriter, fhir_server: str, visit: Any, make_request: MakeRequest
) -> None:
    request = make_request(fhir_server, decided=3)
    await writer.finalize(request)
    (body,) = visit.levels()
    visit.put(body | {"valueCodeableConcept": {"text": "about three"}})
    with pytest.raises(FhirProtocolError):
        await writer.read_back(request)


async def test_requests_in_the_wrong_place(
    writer: FhirWriter, fhir_server: str, make_request: MakeRequest
) -> None:
    with pytest.raises(ValueError, match="finalize it"):
        await writer.propose(make_request(fhir_server, decided=3))
    with pytest.raises(ValueError, match="propose it"):
        await writer.finalize(make_request(fhir_server))


async def test_the_record_says_nothing_of_ours_but_identifiers(
    writer: FhirWriter,
    fhir_server: str,
    visit: Any,
    make_request: MakeRequest,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    request = make_request(fhir_server, decided=3, case_id="case-secret")
    receipts = await writer.finalize(request)
    (final,) = visit.levels()
    assert "case-secret" not in str(final)
    assert identity.identifier_of(final, identity.ASSESSMENT) == identity.assessment_value(
        fhir_server, visit.id
    )
    for secret in ("Quillfeather", visit.patient_id, visit.id, "chest pain"):
        assert secret not in caplog.text + "".join(r.detail or "" for r in receipts)
