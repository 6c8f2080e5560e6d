"""The client against a real vLLM with the default model; one server for the session, started by its fixture."""

import asyncio
import math
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from agents import CasePhase
from data_schemas import AssessmentMode, IntakeRecord
from eval import sample_cases
from eval.parity import ParityReport, compare_engines, shipped_cases
from integrations.assembly import load_calibration, open_agent, open_engine
from integrations.served import expected, server_config, tokens
from integrations.settings import ModelSettings, Settings
from triage.slm import EmbeddedEngine, EngineRequest, resolve_adapter
from triage.slm.prompt import PREFIX, SUFFIX
from triage.slm.serving import ModelServer
from triage.slm.vllm import (
    AnotherModelError,
    ContextTooLongError,
    ModelNotServedError,
    ServedModel,
    ServerKeyError,
    VllmEngine,
    list_models,
)

pytestmark = pytest.mark.slow

SAMPLES = ("09", "26", "28", "38", "41", "49")


@pytest.fixture
def settings(served_model: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Patient: the machine of the tests has few cores."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRIAGE_CONFIG", raising=False)
    model = ModelSettings(
        engine="vllm",
        url=served_model.url,
        api_key=served_model.api_key,
        request_seconds=120,
        queue_seconds=120,
        timeout_seconds=240,
        second_look_seconds=0,
    )
    return Settings(data_dir=tmp_path / "records", model=model)


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[VllmEngine]:
    opened = open_engine(settings)
    assert isinstance(opened, VllmEngine)
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def exact() -> Iterator[EmbeddedEngine]:
    """The embedded engine with the weights that the server has: float32."""
    opened = EmbeddedEngine.open(resolve_adapter("default"), precision="f32")
    yield opened
    asyncio.run(opened.close())


@pytest.fixture(scope="module")
def patients() -> dict[str, IntakeRecord]:
    return {case.case_id: case.record for case in sample_cases()}


def request(number: int, words: str = "ankle sprain") -> EngineRequest:
    return EngineRequest(
        prefix=PREFIX,
        prompt=f'ESI\nage {20 + number} y male\ncc "{words} number {number}"\nHR{80 + number}{SUFFIX}',
        lead="Level: ",
        regex=r"Level: [1-5]\nA (yes|no) B (yes|no) C [0-2] D (yes|no)\nFacts:( (age|cc|HR)){1,4}",
    )


def running(settings: Settings) -> float:
    """Questions that the server works on, by its own count."""
    text = httpx.get(f"{settings.model.url}/metrics", trust_env=False).text
    names = ("vllm:num_requests_running{", "vllm:num_requests_waiting{")
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(names))


async def test_the_same_weights_give_the_same_answers(settings, engine, exact):
    cases = [case for case in shipped_cases(53) if case.case_id in SAMPLES]
    scale = settings.scale
    report: ParityReport = await compare_engines(
        cases, exact, engine, load_calibration(settings), settings, scale, whole=True
    )
    assert (report.compared, report.failed) == (len(SAMPLES), ())
    assert (report.same_level, report.same_suggestion, report.same_answer) == (1, 1, 1)
    assert report.largest_difference is not None
    assert report.largest_difference < 1e-4
    levels = await compare_engines(cases[:2], exact, engine, load_calibration(settings), settings, scale)
    assert levels.largest_difference is not None
    assert levels.largest_difference < 1e-4


async def test_eight_at_once_are_the_eight_alone(settings, engine):
    together = await asyncio.gather(*(engine.answer(request(number)) for number in range(8)))
    for number in (0, 3, 7):
        alone = await engine.answer(request(number))
        assert alone.text == together[number].text
        assert list(map(math.exp, alone.level_logprobs)) == pytest.approx(
            list(map(math.exp, together[number].level_logprobs)), abs=1e-3
        )


async def test_a_cancelled_question_stops_at_the_server(settings):
    """Six answers of a thousand tokens, minutes of work, are given up; seconds later the server is idle."""
    config = replace(server_config(settings.model), max_answer_tokens=1000)
    served, listed = expected(settings.model, list_models(config))
    engine = VllmEngine(served, tokens(settings.model), config, max_context=listed.context)
    endless = [replace(request(number), regex=r"Level: [1-5](\nA no){400}") for number in range(6)]
    try:
        tasks = [asyncio.create_task(engine.answer(one)) for one in endless]
        for _ in range(200):
            if await asyncio.to_thread(running, settings) == len(tasks):
                break
            await asyncio.sleep(0.05)
        else:
            raise AssertionError("the server never worked on them all")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert all(task.cancelled() for task in tasks)
        began = time.monotonic()
        while True:
            # The server counts anew only while it works: so it is given something short to do.
            assert (await engine.answer(request(1))).text.startswith("Level: ")
            if not await asyncio.to_thread(running, settings):
                break
            assert time.monotonic() - began < 30
    finally:
        await engine.close()


async def test_what_the_server_refuses_has_its_name(settings, served_model):
    def having(**changes: object) -> Settings:
        return settings.model_copy(update={"model": settings.model.model_copy(update=changes)})

    with pytest.raises(AnotherModelError, match="SmolLM2"):
        open_engine(having(served_model="another"))
    with pytest.raises(ServerKeyError):
        open_engine(having(api_key=ModelSettings(api_key="wrong").api_key))
    config, words = server_config(settings.model), tokens(settings.model)
    served, listed = expected(settings.model, list_models(config))
    assert (served.name, listed.context) == (served_model.name, 2048)
    unknown = VllmEngine(ServedModel("another", served.identity), words, config)
    with pytest.raises(ModelNotServedError):
        await unknown.answer(request(1))
    await unknown.close()
    unlimited = VllmEngine(served, words, config)
    with pytest.raises(ContextTooLongError):
        await unlimited.answer(request(1, "a very long story " * 800))
    await unlimited.close()


async def test_a_patient_goes_through_the_agent(settings, served_model, patients):
    async with open_agent(settings) as agent:
        case = await agent.service.assess(patients["28"])
    assert case.assessment is not None
    assert case.assessment.mode is AssessmentMode.MODEL
    identity = case.assessment.identity
    assert identity is not None
    assert (identity.engine, identity.weights_sha256) == ("vllm", served_model.served.digest)
    assert identity.calibration not in (None, "uncalibrated")


async def test_a_server_killed_while_it_works_leaves_rules_only_and_loses_nobody(
    settings, served_model, patients
):
    """Last: afterwards the server is started again for whoever comes next."""
    records = [patients[number] for number in SAMPLES]
    async with open_agent(settings) as agent:
        await agent.engine.ready()
        assessing = [asyncio.create_task(agent.service.assess(record)) for record in records]
        for _ in range(200):
            if await asyncio.to_thread(running, settings):
                break
            await asyncio.sleep(0.02)
        pid = served_model.pid
        assert pid is not None
        os.killpg(pid, signal.SIGKILL)
        try:
            cases = await asyncio.gather(*assessing)
            for case in cases:
                found = case.assessment
                assert found is not None
                assert case.phase is CasePhase.AWAITING_REVIEW
                if found.mode is AssessmentMode.RULES_ONLY:
                    assert found.mode_reason in {"ServerAbsentError", "ServerLostError", "CircuitOpenError"}
                    assert found.needs_human
                    assert found.level == found.screening.level
            assert any(
                case.assessment is not None and case.assessment.mode is AssessmentMode.RULES_ONLY
                for case in cases
            )
            assert len({case.id for case in await agent.service.list()}) == len(records)
            assert (await agent.service.verify_chain()).ok
        finally:
            await asyncio.to_thread(served_model.stop)
            await asyncio.to_thread(served_model.start)
        await asyncio.sleep(rest())
        again = patients["26"].model_copy(update={"encounter_key": "samples|Encounter/after"})
        after = await agent.service.assess(again)
        assert after.assessment is not None
        assert after.assessment.mode is AssessmentMode.MODEL


def rest() -> float:
    """Longer than the server is left alone after it failed."""
    return server_config(ModelSettings()).rest_seconds + 0.5
