"""The real server: it names its weights, gives all five levels, keeps patient data to itself, and its key."""

import json
import math
import re
import time

import httpx
import pytest
from tokenizers import Tokenizer

from triage.slm import EmbeddedEngine, resolve_adapter
from triage.slm.errors import ModelIntegrityError
from triage.slm.prompt import PREFIX, SUFFIX
from triage.slm.serving import (
    ModelServer,
    ServedName,
    ServeError,
    ServeOptions,
    build_served,
    detect_device,
    ensure_environment,
    environment_ready,
)
from triage.slm.serving.warmup import WARM_UP

CASES = [
    'ESI\n71 years male\nprivate vehicle\ncc "right ocular pain"\nHR84\nRR18\nT36.6\nBP160/100\npain2\nrules5',
    'ESI\n54 years male\nambulance\ncc "crushing chest pain, sweating"\nHR128\nRR26\nsat90\nBP84/50\npain9\nrules2',
    'ESI\n45 years female\ncc "sprained ankle"\nHR80\nRR16\nrules5',
]
DIGITS = ("1", "2", "3", "4", "5")


@pytest.fixture
def http(served_model):
    headers = {"Authorization": f"Bearer {served_model.api_key}"}
    with httpx.Client(base_url=served_model.url, headers=headers, timeout=120, trust_env=False) as client:
        yield client


def ask(http, name, case, **more):
    """The level of a case through the chat route, with the assistant's turn begun."""
    user = PREFIX.removeprefix("<|im_start|>user\n") + case
    body = {
        "model": name,
        "messages": [{"role": "user", "content": user}, {"role": "assistant", "content": "Level: "}],
        "add_generation_prompt": False,
        "continue_final_message": True,
        "structured_outputs": {"choice": list(DIGITS)},
        "max_tokens": 1,
        "logprobs": True,
        "top_logprobs": 20,
        "return_token_ids": True,
        **more,
    }
    answer = http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def levels(answer):
    (position,) = answer["choices"][0]["logprobs"]["content"]
    return {top["token"]: top["logprob"] for top in position["top_logprobs"]}


@pytest.mark.slow
@pytest.mark.timeout(900)
class TestRunning:
    def test_it_is_healthy_and_names_the_weights_that_answer(self, served_model, http):
        assert http.get("/health").status_code == 200
        (model,) = http.get("/v1/models").json()["data"]
        assert model["id"] == served_model.name
        name = ServedName.parse(model["id"])
        assert name == ServedName(
            "SmolLM2-135M-Instruct", resolve_adapter("default").name, served_model.served.digest
        )
        assert model["max_model_len"] == 2048

    def test_a_level_comes_with_the_probabilities_of_all_five(self, served_model, http):
        answer = ask(http, served_model.name, CASES[0])
        assert answer["model"] == served_model.name
        assert answer["choices"][0]["message"]["content"] in DIGITS
        found = levels(answer)
        assert set(DIGITS) <= set(found)
        assert math.isclose(sum(math.exp(found[digit]) for digit in DIGITS), 1, abs_tol=1e-4)
        assert all(value < -9000 for token, value in found.items() if token not in DIGITS)

    def test_the_chat_route_reads_the_very_tokens_of_training(self, served_model, http):
        answer = ask(http, served_model.name, CASES[1])
        tokenizer = Tokenizer.from_file(str(served_model.folder / "tokenizer.json"))
        text = PREFIX + CASES[1] + SUFFIX + "Level: "
        assert answer["prompt_token_ids"] == tokenizer.encode(text, add_special_tokens=False).ids

    @pytest.mark.parametrize("role", ["system", "tool"])
    def test_a_turn_the_model_was_not_trained_on_is_refused(self, role, served_model, http):
        messages = [
            {"role": role, "content": "x", "tool_call_id": "1"},
            {"role": "user", "content": CASES[0]},
        ]
        answer = http.post("/v1/chat/completions", json={"model": served_model.name, "messages": messages})
        assert answer.status_code == 400

    async def test_it_agrees_with_the_embedded_engine(self, served_model, http):
        engine = EmbeddedEngine.open(resolve_adapter("default"), threads=1, precision="f32")
        requests = [
            type(WARM_UP)(prefix=PREFIX, prompt=case + SUFFIX, lead="Level: ", regex="Level: [1-5]")
            for case in CASES
        ]
        try:
            embedded = await engine.levels(requests)
        finally:
            await engine.close()
        for case, here in zip(CASES, embedded, strict=True):
            there = levels(ask(http, served_model.name, case))
            for digit, logprob in zip(DIGITS, here.level_logprobs, strict=True):
                assert math.isclose(math.exp(there[digit]), math.exp(logprob), abs_tol=1e-3)

    def test_a_question_without_a_temperature_is_answered_greedily(self, served_model, http):
        body = {"model": served_model.name, "prompt": PREFIX + CASES[2] + SUFFIX, "max_tokens": 12}
        texts = {http.post("/v1/completions", json=body).json()["choices"][0]["text"] for _ in range(5)}
        assert len(texts) == 1

    def test_another_model_name_is_not_answered(self, http):
        answer = http.post("/v1/completions", json={"model": "gpt-4o", "prompt": "x", "max_tokens": 1})
        assert answer.status_code == 404

    @pytest.mark.parametrize("key", [None, "Bearer wrong"])
    def test_questions_need_the_key_and_probes_do_not(self, key, served_model):
        headers = {"Authorization": key} if key else {}
        with httpx.Client(base_url=served_model.url, headers=headers, trust_env=False) as http:
            assert http.get("/v1/models").status_code == 401
            assert http.post("/v1/completions", json={}).status_code == 401
            assert http.get("/health").status_code == 200
            assert "vllm:request_success_total" in http.get("/metrics").text
            for path in ("/invocations", "/tokenize", "/docs", "/openapi.json", "/generative_scoring"):
                assert http.post(path, json={"prompt": "x"}).status_code == 404

    def test_no_patient_text_is_in_log_or_metrics(self, served_model, http):
        canary = "Zebulon Quagmire-Canary"
        ask(http, served_model.name, f'ESI\ncc "{canary}"')
        for body in ({"prompt": canary, "max_tokens": "many"}, {"prompt": canary * 3000}):
            assert http.post("/v1/completions", json={"model": served_model.name, **body}).status_code == 400
        with pytest.raises(httpx.ReadTimeout):
            http.post(
                "/v1/completions",
                json={"model": served_model.name, "prompt": canary, "max_tokens": 1500, "ignore_eos": True},
                timeout=0.5,
            )
        time.sleep(1)
        assert canary not in served_model.log.read_text()
        assert "Quagmire" not in http.get("/metrics").text
        assert served_model.log.stat().st_mode & 0o077 == 0

    def test_the_key_is_not_on_any_command_line(self, served_model):
        for process in (served_model.pid,):
            with open(f"/proc/{process}/cmdline", "rb") as file:
                assert served_model.api_key.encode() not in file.read()
        assert served_model.api_key not in served_model.log.read_text()

    def test_the_log_says_which_flags_were_taken(self, served_model):
        head = served_model.log.read_text()
        assert re.search(r"'logprobs_mode': 'processed_logprobs'", head)
        assert "'enforce_eager': True" in head

    def test_a_second_server_on_its_port_is_refused_at_once(self, served_model, tmp_path):
        port = int(served_model.url.rsplit(":", 1)[1])
        second = ModelServer(
            served_model.folder, ServeOptions(port=port), venv=tmp_path, install=False, log=tmp_path / "log"
        )
        with pytest.raises(ServeError, match=rf"port {port} is taken"):
            second.start()
        assert not second.running


def test_a_changed_file_is_refused_before_anything_starts(tiny_base, tmp_path):
    served = build_served(tmp_path / "out", tiny_base)
    with (served.folder / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x00" if file.read(1) != b"\x00" else b"\x01")
    server = ModelServer(
        served.folder, ServeOptions(port=0), venv=tmp_path / "none", install=False, log=tmp_path / "log"
    )
    with pytest.raises(ModelIntegrityError, match=r"model\.safetensors is not the file"):
        server.start()
    assert server.pid is None
    assert not (tmp_path / "log").exists()


def test_without_its_environment_it_says_how_to_make_one(tiny_base, tmp_path):
    served = build_served(tmp_path / "out", tiny_base)
    server = ModelServer(
        served.folder,
        ServeOptions(port=0),
        device="cpu",
        venv=tmp_path / "none",
        install=False,
        log=tmp_path / "log",
    )
    with pytest.raises(
        ServeError, match=r"no environment with vLLM .* for cpu: make it with `triage serve-model`"
    ):
        server.start()


def test_nothing_can_be_asked_of_a_server_that_was_not_started(tmp_path):
    server = ModelServer(tmp_path, log=tmp_path / "log")
    for read in (lambda: server.url, lambda: server.name):
        with pytest.raises(ServeError, match="call start"):
            read()
    server.stop()  # harmless
    server.wait()


def test_an_environment_of_other_pins_is_not_ready(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    assert not environment_ready(tmp_path, "cpu")
    (tmp_path / ".serving.json").write_text(json.dumps({"device": "cpu", "vllm": "0.1", "requirements": "0"}))
    assert not environment_ready(tmp_path, "cpu")


def test_a_failed_installation_ends_with_pips_own_words(tmp_path, monkeypatch):
    """A real pip with an index that is not there, as behind a hospital's firewall."""
    for name, value in {
        "PIP_INDEX_URL": "http://127.0.0.1:9/",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
    }.items():
        monkeypatch.setenv(name, value)
    for name, value in {"PIP_RETRIES": "0", "PIP_CONFIG_FILE": "/dev/null", "PIP_TIMEOUT": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("triage.slm.serving.environment._TORCH_INDEX", "http://127.0.0.1:9/")
    with pytest.raises(ServeError, match=r"could not install torch==.*No matching distribution"):
        ensure_environment(tmp_path / "venv", "cpu", report=lambda _: None)
    assert not environment_ready(tmp_path / "venv", "cpu")


def test_the_device_is_what_the_driver_lists(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert detect_device() == "cpu"
    for script, expected in (("echo 'GPU 0: NVIDIA H100'", "cuda"), ("echo failed; exit 9", "cpu")):
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)
        assert detect_device() == expected
