"""A less urgent level that somebody else signed is named with its level, so that a person can be called."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from agents import AgentSettings, AlertCode, CaseService
from agents.store.engine import sqlite_url
from data_schemas import (
    OverrideReason,
    ReviewDecision,
    ReviewerRole,
    WriteRequest,
    WriteState,
)
from integrations.fhir.client import FhirClient
from integrations.fhir.writer import FhirWriter
from triage.slm import Calibration, ModelMissingError

MakeRequest = Callable[..., WriteRequest]
LOINC = "http://loinc.org"


@pytest.fixture
async def writer(fhir_server: str) -> AsyncIterator[FhirWriter]:
    async with FhirClient(fhir_server) as client:
        yield FhirWriter(client, pause_s=0.01)


@pytest.fixture
def signed_by_hand(visit: Any) -> Callable[[str], None]:
    def sign(code: str) -> None:
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

    return sign


async def test_the_level_signed_by_hand_is_in_the_receipt(
    writer: FhirWriter, fhir_server: str, make_request: MakeRequest, signed_by_hand: Callable[[str], None]
) -> None:
    signed_by_hand("LA21754-9")
    receipts = await writer.finalize(make_request(fhir_server, decided=2))
    assert (receipts[0].state, receipts[0].held_level) == (WriteState.CONFLICT, 4)


async def test_another_cases_level_is_in_the_receipt_and_our_own_is_not(
    writer: FhirWriter, fhir_server: str, make_request: MakeRequest
) -> None:
    await writer.finalize(make_request(fhir_server, decided=4, case_id="other desk"))
    ours = make_request(fhir_server, decided=2, case_id="this desk", minutes=60)
    (receipt,) = await writer.finalize(ours)
    assert receipt.held_level == 4
    (receipt,) = await writer.propose(ours.model_copy(update={"review": None}))
    assert receipt.held_level == 4
    own = make_request(fhir_server, level=2, case_id="other desk")
    (receipt,) = await writer.propose(own)
    assert (receipt.state, receipt.held_level) == (WriteState.CONFLICT, None)
    late = make_request(fhir_server, decided=2, case_id="other desk", minutes=-3)
    (receipt,) = await writer.finalize(late)
    assert (receipt.state, receipt.held_level) == (WriteState.CONFLICT, None)


class NoModel:
    async def ask(self, record: Any, screening: Any) -> Any:
        raise ModelMissingError("rules only")


async def test_the_agent_calls_a_person_and_the_record_stays(
    writer: FhirWriter,
    fhir_server: str,
    visit: Any,
    make_request: MakeRequest,
    signed_by_hand: Callable[[str], None],
    tmp_path: Any,
) -> None:
    signed_by_hand("LA21754-9")
    async with CaseService.open(
        sqlite_url(tmp_path / "triage.db"),
        triager=NoModel(),
        calibration=Calibration.none(),
        sink=writer,
        settings=AgentSettings(),
    ) as service:
        case = await service.assess(make_request(fhir_server).record)
        outcome = await service.review(
            case.id,
            ReviewDecision.OVERRIDE,
            level=1,
            reason=OverrideReason.CLINICAL_JUDGEMENT,
            reviewer="Nurse 4711",
            role=ReviewerRole.NURSE,
        )
        assert not outcome.written
        (alert,) = await service.alerts()
        assert (alert.code, alert.subject) == (AlertCode.RECORD_LESS_URGENT, "4-1")
        assert "level 4" in alert.message
        assert [item.kind.value for item in await service.pending()] == ["final"]
    held = [
        item
        for item in visit.all("Observation", encounter=f"Encounter/{visit.id}")
        if "valueCodeableConcept" in item and item["status"] == "final"
    ]
    assert [item["valueCodeableConcept"]["coding"][0]["code"] for item in held] == ["LA21754-9"]
