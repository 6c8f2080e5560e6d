"""Adapters on a real vLLM: loaded, switched under load, tried on a share of the patients, rolled back, unloaded."""

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from agents import Case, CasePhase
from data_schemas import AcuityScale, AssessmentMode
from eval import sample_cases
from integrations.assembly import Agent, open_agent
from integrations.routing import switch_file
from integrations.settings import Settings
from triage.slm import Calibration, resolve_adapter
from triage.slm.adapter import adapter_sha256
from triage.slm.fetch import cache_folder, fetch_base_model
from triage.slm.serving import ModelServer, ServeOptions, served_folder
from triage.slm.serving.process import free_port
from ui.cli.app import app

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

REPOSITORY = Path(__file__).parents[3]
AT_ONCE = 8
Command = Callable[..., str]


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The shipped adapter, slightly otherwise and without a calibration."""
    shipped = resolve_adapter("default")
    assert shipped is not None
    folder = tmp_path / "perturbed"
    folder.mkdir()
    shutil.copy(shipped / "adapter_config.json", folder)
    rng = np.random.default_rng(7)
    tensors = {
        name: (tensor * rng.normal(1, 0.02, tensor.shape)).astype(tensor.dtype)
        for name, tensor in load_file(shipped / "adapter_model.safetensors").items()
    }
    save_file(tensors, folder / "adapter_model.safetensors")
    return folder


@pytest.fixture
def server(no_served_model: None, tmp_path: Path):
    folder = served_folder(cache_folder(), fetch_base_model(), resolve_adapter("default"), merged=False)
    options = ServeOptions(port=free_port("127.0.0.1", 0), max_num_seqs=AT_ONCE, adapters=1)
    with ModelServer(
        folder,
        options,
        device="cpu",
        venv=REPOSITORY / ".venv-vllm",
        api_key="of-the-adapters",
        log=tmp_path / "vllm.log",
    ) as running:
        yield running


@pytest.fixture
def settings(server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRIAGE_CONFIG", raising=False)
    for name, value in {
        "DATA_DIR": str(tmp_path / "records"),
        "MODEL__ENGINE": "vllm",
        "MODEL__URL": server.url,
        "MODEL__API_KEY": "of-the-adapters",
        "MODEL__REQUEST_SECONDS": "240",
        "MODEL__QUEUE_SECONDS": "240",
        "MODEL__TIMEOUT_SECONDS": "300",
        "MODEL__SECOND_LOOK_SECONDS": "0",
    }.items():
        monkeypatch.setenv(f"TRIAGE_{name}", value)
    return Settings()


@pytest.fixture
def command(settings: Settings) -> Command:
    def run(*arguments: str, fails: bool = False) -> str:
        done = CliRunner().invoke(app, ["model", "adapters", *arguments])
        assert (done.exit_code != 0) is fails, (done.output, done.exception)
        return done.output + str(done.exception or "")

    return run


async def assessed(agent: Agent, first: int, count: int, after: int = 0, then: Callable[[], object] = str):
    """``count`` visits, eight at once; ``then`` runs in a thread as soon as ``after`` of them are answered."""
    records = [case.record for case in sample_cases()]
    slots = asyncio.Semaphore(AT_ONCE)
    begun_after: set[str] = set()
    answered = 0
    enough, happened = asyncio.Event(), asyncio.Event()

    async def one(number: int) -> Case:
        nonlocal answered
        record = records[number % len(records)].model_copy(
            update={"encounter_key": f"adapters|Encounter/{number}"}
        )
        async with slots:
            if happened.is_set():
                begun_after.add(record.encounter_key)
            case = await agent.service.assess(record)
            answered += 1
            if answered == after:
                enough.set()
            return case

    async def switcher() -> None:
        if after:
            await enough.wait()
        await asyncio.to_thread(then)
        happened.set()

    *cases, _ = await asyncio.gather(*(one(number) for number in range(first, first + count)), switcher())
    assert [case.phase for case in cases] == [CasePhase.AWAITING_REVIEW] * count
    assert len({case.id for case in cases}) == count
    return cases, begun_after


def who(case: Case, own: str) -> str:
    """The adapter's hash, with everything about the answer that must agree with it; ``own`` is the shipped one's."""
    found = case.assessment
    assert found is not None
    assert found.mode is AssessmentMode.MODEL, found.mode_reason
    assert found.identity is not None
    shipped = resolve_adapter("default")
    assert shipped is not None
    calibration = Calibration.load(shipped / "calibration.json", AcuityScale.ESI)
    if found.identity.adapter_sha256 == own:
        assert found.identity.adapter == shipped.name
        of_this_prompt = calibration.fits(own)
        assert found.identity.calibration == (calibration.name if of_this_prompt else "uncalibrated")
    else:
        assert found.identity.adapter == "perturbed"
        assert found.identity.calibration == "uncalibrated"
        assert "uncalibrated" in {flag.code for flag in found.flags}
    return str(found.identity.adapter_sha256)


async def test_two_adapters_on_one_server(settings, server, other, command):
    shipped = resolve_adapter("default")
    assert shipped is not None
    a, b = adapter_sha256(shipped), adapter_sha256(other)
    headers = {"Authorization": f"Bearer {server.api_key}"}
    name = f"{server.served.base_name}+perturbed@{a}"
    lie = json.dumps({"lora_name": name, "lora_path": str(other)})
    refused = await asyncio.to_thread(
        httpx.post, f"{server.url}/v1/load_lora_adapter", content=lie, headers=headers, trust_env=False
    )
    assert refused.status_code == 400
    assert "not those that its name says" in refused.text

    def cli(*arguments: str, fails: bool = False) -> str:
        return command(*arguments, "--url", server.url, fails=fails)

    assert "load it first" in await asyncio.to_thread(cli, "switch", str(other), fails=True)
    assert b in await asyncio.to_thread(cli, "load", str(other))
    async with open_agent(settings) as agent:
        cases, afterwards = await assessed(agent, 0, 20, after=4, then=lambda: cli("switch", "perturbed"))
        assert {who(case, a) for case in cases} == {a, b}
        last = [who(case, a) for case in cases[-len(afterwards) :]]
        assert afterwards
        assert set(last) == {b}

        await asyncio.to_thread(cli, "rollback")
        cases, _ = await assessed(agent, 100, 1)
        assert {who(case, a) for case in cases} == {a}

        await asyncio.to_thread(cli, "canary", "perturbed", "--share", "0.5")
        switches = switch_file(settings).read()
        assert switches is not None
        cases, _ = await assessed(agent, 200, 8)
        expected = [
            b if switches.fraction("default", f"adapters|Encounter/{number}") < 0.5 else a
            for number in range(200, 208)
        ]
        assert [who(case, a) for case in cases] == expected
        assert "in use" in await asyncio.to_thread(cli, "unload", "perturbed", fails=True)
        await asyncio.to_thread(cli, "rollback")
        await asyncio.to_thread(cli, "unload", "perturbed")

        switch_file(settings).switch("default", f"perturbed@{b}")
        ((case,), _) = await assessed(agent, 300, 1)
        assert case.assessment is not None
        assert case.assessment.mode is AssessmentMode.RULES_ONLY
        assert case.assessment.mode_reason in {"ModelNotServedError", "AdapterNotServedError"}
        await asyncio.to_thread(cli, "rollback")
        cases, _ = await assessed(agent, 400, 1)
        assert {who(case, a) for case in cases} == {a}
        assert (await agent.service.verify_chain()).ok
    assert "adapters|Encounter" not in server.log.read_text()
