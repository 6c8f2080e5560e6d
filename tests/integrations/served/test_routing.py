"""Several adapters on a real HTTP server: the chosen one answers, with its own calibration or none."""

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from faulty_server import FaultyServer, well

from agents import Case
from data_schemas import AcuityScale, AssessmentMode
from integrations.assembly import open_agent
from integrations.route_settings import Route
from integrations.routing import adapter_calibrations, adapter_store, switch_file
from integrations.settings import Settings
from triage.slm import PROMPT_VERSION, Calibration, resolve_adapter
from triage.slm.adapter_store import StoredAdapter

Load = Callable[..., StoredAdapter]


@pytest.fixture
def folder(make_folder):
    return make_folder(merged=False)


@pytest.fixture
def load(settings: Settings, server: FaultyServer, folder, tmp_path: Path) -> Load:
    """Keep an adapter, and have the server list it."""
    server.models = [
        {"id": str(folder.base_name), "root": str(folder.folder), "max_model_len": 2048},
        {"id": str(folder.name), "root": str(folder.folder / "lora" / "x")},
    ]

    def bring(name: str, alpha: int, *, calibrated: bool = False, listed: bool = True) -> StoredAdapter:
        made = tmp_path / "made" / name
        shutil.copytree(resolve_adapter("default"), made)
        (made / "calibration.json").unlink()
        config = json.loads((made / "adapter_config.json").read_text())
        (made / "adapter_config.json").write_text(json.dumps({**config, "lora_alpha": alpha}))
        kept = adapter_store(settings).add(made)
        if calibrated:
            numbers = {
                "name": name,
                "adapter_sha256": kept.sha256,
                "prompt_version": PROMPT_VERSION,
                "scales": {AcuityScale.ESI.value: {"temperature": 2.0}},
            }
            (made / "calibration.json").write_text(json.dumps(numbers))
            kept = adapter_store(settings).add(made)
        if listed:
            server.models.append({"id": folder.loaded_name(name, kept.sha256), "root": str(kept.folder)})
        return kept

    return bring


def who(case: Case) -> tuple[str | None, str | None]:
    found = case.assessment
    assert found is not None
    assert found.mode is AssessmentMode.MODEL, found.mode_reason
    assert found.identity is not None
    return found.identity.adapter, (found.identity.calibration or "").partition("@")[0]


def another(patient, number: int):
    return patient.model_copy(update={"encounter_key": f"samples|Encounter/{number}"})


async def test_each_answer_is_the_chosen_adapters_with_its_own_calibration(settings, server, patient, load):
    mine, bare = load("mine", 33, calibrated=True), load("bare", 34)
    switches = switch_file(settings)
    async with open_agent(settings) as agent:
        for number, (adapter, expected) in enumerate(
            [(mine, ("mine", "mine")), (bare, ("bare", "uncalibrated"))] * 2
        ):
            switches.switch("default", adapter.ref)
            case = await agent.service.assess(another(patient, number))
            assert who(case) == expected
            assert server.bodies[-1]["model"].endswith(f"+{adapter.ref}")
        switches.roll_back("default")
        assert who(await agent.service.assess(another(patient, 9)))[0] == "mine"


async def test_a_question_that_was_put_keeps_its_adapter(settings, server, patient, load):
    mine, bare = load("mine", 33), load("bare", 34)
    switches = switch_file(settings)
    switches.switch("default", mine.ref)
    async with open_agent(settings) as agent:
        await agent.service.assess(another(patient, 0))
        server.script = [well(after=0.4), well()]
        asked = server.asked
        slow = asyncio.create_task(agent.service.assess(another(patient, 1)))
        while server.asked == asked:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        switches.switch("default", bare.ref)
        assert who(await agent.service.assess(another(patient, 2)))[0] == "bare"
        assert who(await slow)[0] == "mine"


async def test_an_adapter_that_is_not_there_means_rules_only_and_nothing_else(
    settings, server, patient, load
):
    away = load("away", 35, listed=False)
    switch_file(settings).switch("default", away.ref)
    async with open_agent(settings) as agent:
        case = await agent.service.assess(patient)
        assert case.assessment is not None
        assert case.assessment.mode is AssessmentMode.RULES_ONLY
        assert case.assessment.mode_reason == "AdapterNotServedError"
        assert case.assessment.needs_human
        assert case.assessment.level == case.assessment.screening.level
        assert server.asked == 0
        switch_file(settings).roll_back("default")
        assert who(await agent.service.assess(another(patient, 1)))[0] == "smollm2_triage"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (
            lambda settings, kept: (settings.data_dir / "serving" / "switches.json").write_text("{"),
            "RoutingError",
        ),
        (
            lambda settings, kept: (kept.folder / "adapter_config.json").write_text("{}"),
            "ModelIntegrityError",
        ),
        (lambda settings, kept: shutil.rmtree(kept.folder), "ModelMissingError"),
    ],
)
async def test_what_cannot_be_told_means_rules_only(spoil, reason, settings, server, patient, load):
    kept = load("mine", 33)
    switch_file(settings).switch("default", kept.ref)
    spoil(settings, kept)
    async with open_agent(settings) as agent:
        case = await agent.service.assess(patient)
    assert case.assessment is not None
    assert (case.assessment.mode, case.assessment.mode_reason) == (AssessmentMode.RULES_ONLY, reason)
    assert server.asked == 0


async def test_a_route_of_the_settings(settings, server, patient, load):
    load("mine", 33)
    model = settings.model.model_copy(update={"routes": (Route(adapter="mine", age_from=18),)})
    async with open_agent(settings.model_copy(update={"model": model})) as agent:
        assert who(await agent.service.assess(patient))[0] == "mine"


def test_a_calibration_of_another_adapter_is_never_used(settings, load):
    mine, bare = load("mine", 33, calibrated=True), load("bare", 34)
    shutil.copy(mine.folder / "calibration.json", bare.folder)
    found = adapter_calibrations(settings, Calibration.none())
    assert found.of(mine.sha256).fitted
    for other in (bare.sha256, "f" * 64, None):
        assert found.of(other).name == "uncalibrated"
