"""The live path end to end: the command, an OpenAI-compatible server (vLLM with the base model), faults, a kill."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_server import error, proxy
from inspect_ai.log import read_eval_log
from inspect_ai.model import get_model

from eval.prompting import AccessError, Prices, check_access, load_prompts, spent, used_by
from eval.prompting.cost import Price
from triage.slm.fetch import cache_folder, fetch_base_model
from triage.slm.serving import ModelServer, ServeOptions, served_folder
from triage.slm.serving.process import free_port

VLLM_VENV = Path(__file__).parents[3] / ".venv-vllm"
KEY = "of-the-tests"
CASES = 8

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The 'initial' parameter is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.usefixtures("collected"),
]


@pytest.fixture
def base_model(no_served_model: None, tmp_path: Path) -> Iterator[ModelServer]:
    """vLLM with the base model, no adapter: a general model, if the smallest of them."""
    folder = served_folder(cache_folder(), fetch_base_model(), None)
    options = ServeOptions(port=free_port("127.0.0.1", 0), max_num_seqs=4)
    log = tmp_path / "vllm.log"
    with ModelServer(folder, options, device="cpu", venv=VLLM_VENV, api_key=KEY, log=log) as server:
        yield server


def test_zero_shot_through_a_fault_and_a_kill(base_model: ModelServer, tmp_path: Path) -> None:
    model = f"openai-api/base/{base_model.name}"
    with proxy(base_model.url, KEY, [error(503)]) as between:
        out = tmp_path / "out"
        command = [str(Path(sys.executable).with_name("triage")), "eval", "run", "--task", "samples"]
        command += ["--limit", str(CASES)]
        command += ["--model", model, "--base-url", between.url, "--connections", "1", "--resamples", "100"]
        command += ["--no-energy", "--robustness", "0", "--out", str(out)]
        cache = {"INSPECT_CACHE_DIR": str(tmp_path / "cache")}
        environment = {**os.environ, **cache, "BASE_API_KEY": KEY}

        said = _run([*command, "--estimate"], environment)
        assert said.returncode == 0, said.stderr
        assert "no price known" in " ".join((said.stdout + said.stderr).split())
        assert between.asked == 0

        running = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
        # The fault, its repeat, two more answers, and one that is being waited for.
        while between.asked < 5 and running.poll() is None:
            time.sleep(0.02)
        assert running.poll() is None, running.communicate()[0].decode()
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        assert not (out / "results.json").exists()

        done = _run(command, environment)
        assert done.returncode in {0, 3}, done.stdout + done.stderr

        questions = [json.dumps(body["messages"]) for body in between.bodies]
        assert len(set(questions)) == CASES
        # Asked twice: what met the fault, and what was being waited for at the kill. Nothing else.
        assert len(questions) == CASES + 2
        assert questions[0] == questions[1]

        result = json.loads((out / "results.json").read_text())
        (row,) = result["tasks"][0]["models"]
        assert row["cases"] == CASES
        assert row["failed"] == sum(row["failures"].values())
        assert set(row["failures"]) <= {"the answer was cut off"}  # a schema leaves nothing else to go wrong
        assert row["details"]["prompts"] == load_prompts().version
        assert KEY not in (out / "results.json").read_text()

        (log,) = sorted((out / "logs").rglob(row["details"]["log"]))
        usage = used_by(read_eval_log(str(log)).samples or [])
        assert usage.input_tokens > CASES * 300
        mine = Prices(
            as_of="today", source="the test", to_be_checked=False, models={model: Price(input=1, output=2)}
        )
        paid = spent(model, usage, mine).usd
        assert paid == pytest.approx((usage.input_tokens + 2 * usage.output_tokens) / 1e6)

    wrong = get_model(model, base_url=f"{base_model.url}/v1", api_key="another", memoize=False)
    with pytest.raises(AccessError, match="Set BASE_API_KEY"):
        asyncio.run(check_access(wrong))
    unknown = get_model("openai-api/base/none", base_url=f"{base_model.url}/v1", api_key=KEY, memoize=False)
    with pytest.raises(AccessError, match="no such model"):
        asyncio.run(check_access(unknown))


def _run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
