"""The whole agent on a model server that fails: rules only, marked, a clinician required, nothing lost."""

import asyncio
import logging
import time

import pytest
from faulty_server import KEY, closed_port, error, says, well

from agents import CasePhase
from data_schemas import AssessmentMode
from integrations.assembly import open_agent

FAULTS = [
    (well(after=5), "ServerSlowError"),
    (error(500, "x"), "ServerFailedError"),
    (error(500, "out of memory"), "ServerMemoryError"),
    (error(429, "x"), "ServerThrottledError"),
    (error(503, "x"), "ServerUnavailableError"),
    (error(404, "x"), "ModelNotServedError"),
    (error(401, "x"), "ServerKeyError"),
    (error(400, "maximum context length"), "ContextTooLongError"),
    (says(200, b"{", length=99), "AnswerCutError"),
    (says(200, b"<html>"), "ServerAnswerError"),
    (well(model="another"), "AnotherModelError"),
    (well(logprobs=None), "LogprobsMissingError"),
    (well(finish_reason="length"), "AnswerError"),
    (well(text="3\nA no B no C 2 D no\nFacts: nothing"), "AnswerError"),
]


async def test_a_server_that_answers_gives_a_suggestion_that_names_it(settings, server, folder, patient):
    async with open_agent(settings) as agent:
        case = await agent.service.assess(patient)
    found = case.assessment
    assert found is not None
    assert found.mode is AssessmentMode.MODEL
    assert found.identity is not None
    assert (found.identity.engine, found.identity.weights_sha256) == ("vllm", folder.digest)
    assert found.identity.adapter_sha256 == folder.source.adapter_sha256
    assert server.asked == 1


@pytest.mark.parametrize(("act", "name"), FAULTS)
async def test_each_fault_leaves_the_rules_and_a_clinician(settings, server, patient, caplog, act, name):
    caplog.set_level(logging.INFO)  # as `--verbose` does
    server.script = [act]
    async with open_agent(settings) as agent:
        case = await agent.service.assess(patient)
        assert (await agent.service.verify_chain()).ok
    found = case.assessment
    assert found is not None
    assert (found.mode, found.mode_reason) == (AssessmentMode.RULES_ONLY, name)
    assert (found.level, found.model_level, found.probabilities) == (found.screening.level, None, None)
    assert "rules-only" in {flag.code for flag in found.flags}
    assert found.needs_human
    assert case.phase is CasePhase.AWAITING_REVIEW
    assert KEY not in caplog.text
    complaint = next(fact.text for fact in patient.facts if fact.kind.value == "chief_complaint")
    assert complaint not in caplog.text


async def test_a_server_that_is_away_costs_each_patient_little_and_is_found_again(
    settings, server, patient, monkeypatch
):
    monkeypatch.setattr("integrations.assembly.REOPEN_SECONDS", 0.3)
    real = server.url
    away = settings.model_copy(
        update={"model": settings.model.model_copy(update={"url": f"http://127.0.0.1:{closed_port()}"})}
    )
    async with open_agent(away) as agent:
        began = time.monotonic()
        for number in range(3):
            record = patient.model_copy(update={"encounter_key": f"samples|Encounter/away-{number}"})
            case = await agent.service.assess(record)
            assert case.assessment is not None
            assert case.assessment.mode_reason == "ServerAbsentError"
        assert time.monotonic() - began < 30
    assert server.url == real


async def test_a_server_that_comes_back_answers_the_next_patient(settings, server, patient):
    server.script = [error(500, "x"), well()]
    async with open_agent(settings) as agent:
        first = await agent.service.assess(patient)
        other = patient.model_copy(update={"encounter_key": "samples|Encounter/another"})
        second = await agent.service.assess(other)
    assert first.assessment is not None
    assert second.assessment is not None
    assert (first.assessment.mode, second.assessment.mode) == (
        AssessmentMode.RULES_ONLY,
        AssessmentMode.MODEL,
    )


async def test_many_patients_at_once(settings, server, patient):
    server.script = [well(after=0.05)]
    records = [patient.model_copy(update={"encounter_key": f"samples|Encounter/m-{n}"}) for n in range(8)]
    async with open_agent(settings) as agent:
        cases = await asyncio.gather(*map(agent.service.assess, records))
    assert {case.assessment.mode for case in cases if case.assessment} == {AssessmentMode.MODEL}
    assert server.asked == 8


async def test_a_served_assessment_is_replayed_within_what_a_server_may_vary(settings, server, patient):
    def given(*values: float):
        return well(top={f"token_id:{t}": v for t, v in zip(server.tokens.digits, values, strict=True)})

    server.script = [well()]
    async with open_agent(settings) as agent:
        case = await agent.service.assess(patient)
        same = await agent.service.records.replay(case.id)
        assert (same.identical, same.notes) == (True, ())
        server.script = [given(-4.0, -2.001, -0.25, -2.5, -6.0)]
        close = await agent.service.records.replay(case.id)
        assert close.identical
        assert "served model" in " ".join(close.notes)
        server.script = [given(-4.0, -1.0, -0.25, -2.5, -6.0)]
        other = await agent.service.records.replay(case.id)
        assert not other.identical
        assert {(one.part, one.field.split(".")[0]) for one in other.differences} == {
            ("model", "probabilities")
        }
        server.script = [error(500, "x")]
        failed = await agent.service.records.replay(case.id)
        assert failed.not_replayed == {"model": "it does not answer here (ServerFailedError)"}
