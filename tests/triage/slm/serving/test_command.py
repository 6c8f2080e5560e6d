"""``triage serve-model`` as a person runs it: with the adapter as a LoRA module, ended with Ctrl-C; and crashes."""

import json
import math
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from triage.slm import ModelIntegrityError, resolve_adapter
from triage.slm.prompt import PREFIX
from triage.slm.serving import ModelServer, ServeError, ServeOptions, build_served, start_server
from triage.slm.serving.manifest import write_manifest
from ui.cli.app import app

REPOSITORY = Path(__file__).parents[4]
TRIAGE = REPOSITORY / ".venv" / "bin" / "triage"
VLLM_VENV = REPOSITORY / ".venv-vllm"
CASE = (
    PREFIX
    + 'ESI\nambulance\ncc "crushing chest pain"\nHR128\nBP84/50\nrules2<|im_end|>\n<|im_start|>assistant\nLevel: '
)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A command in this process, with a data folder of its own."""
    monkeypatch.setenv("TRIAGE_DATA_DIR", str(tmp_path))
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def group(pid):
    """Whether any process of the group is left."""
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_a_folder_is_built_verified_and_named_when_changed(run, tiny_base, tiny_lora, tmp_path):
    out = tmp_path / "out"
    built = run("model", "build", "--out", out, "--base", tiny_base, "--adapter", tiny_lora, "--lora")
    assert built.exit_code == 0, built.output
    assert re.search(r"Tiny\+tiny@[0-9a-f]{64}", built.stdout)
    assert "LoRA module" in built.stdout
    checked = run("model", "verify", out)
    assert checked.exit_code == 0, checked.output
    assert "each as it was built" in checked.stdout
    with (out / "lora" / "tiny" / "adapter_config.json").open("a") as file:
        file.write(" ")
    for command in (
        ("model", "verify"),
        ("serve-model", "--no-install", "--venv", tmp_path / "none", "--port", 0),
    ):
        refused = run(*command, out)
        assert isinstance(refused.exception, ModelIntegrityError)
        assert "lora/tiny/adapter_config.json is not the file that was built" in str(refused.exception)


def test_a_taken_port_is_named_by_the_command(run, tiny_base, tmp_path):
    served = build_served(tmp_path / "out", tiny_base)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = run("serve-model", served.folder, "--port", port, "--no-install")
    assert isinstance(refused.exception, ServeError)
    assert f"port {port} is taken" in str(refused.exception)


@pytest.mark.parametrize("flags", [["--base", "x"], ["--lora"]])
def test_what_belongs_to_a_served_folder_needs_its_place(flags, run):
    refused = run("model", "build", *flags)
    assert refused.exit_code == 2
    assert "--out DIR" in refused.stderr


@pytest.mark.parametrize("flags", [["--device", "tpu"], ["--dtype", "int8"]])
def test_a_wrong_choice_names_the_right_ones(flags, run, tmp_path):
    refused = run("serve-model", tmp_path, *flags)
    assert refused.exit_code == 2
    assert f"{flags[1]} is none of" in refused.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_serve_model_with_a_lora_module_until_ctrl_c(no_served_model, gguf, tmp_path):
    served = build_served(tmp_path / "served", gguf, resolve_adapter("default"), merged=False)
    command = [TRIAGE, "serve-model", served.folder, "--port", "0", "--venv", VLLM_VENV, "--no-install"]
    command += ["--device", "cpu", "--max-num-seqs", "4"]
    output = tmp_path / "output"
    with output.open("w") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=file, env={**os.environ, "TRIAGE_DATA_DIR": str(tmp_path)}
        )
    try:
        until(lambda: "Ctrl-C ends it" in output.read_text() or process.poll() is not None, 600)
        said = output.read_text()
        assert process.poll() is None, said
        url = re.search(r"http://127\.0\.0\.1:\d+", said).group()
        key = (tmp_path / "serving" / "api-key").read_text().strip()
        assert key not in said
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=120) as http:
            names = {model["id"] for model in http.get("/v1/models").json()["data"]}
            assert names == {str(served.name), str(served.base_name)}
            levels = {name: ask(http, name) for name in names}
        # The adapter answers under its name, the untrained base under its own.
        assert max(levels[str(served.name)], key=levels[str(served.name)].get) in "12"
        assert abs(levels[str(served.name)]["2"] - levels[str(served.base_name)]["2"]) > 0.1
        (server,) = [int(pid) for pid in children(process.pid)]
        assert group(server)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert not group(server)
        assert "workers have ended" in output.read_text()
    finally:
        process.kill()
        process.wait()


def children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def ask(http, name):
    body = {"model": name, "prompt": CASE, "max_tokens": 1, "logprobs": 20}
    answer = http.post("/v1/completions", json={**body, "structured_outputs": {"regex": "[1-5]"}})
    assert answer.status_code == 200, answer.text
    (top,) = answer.json()["choices"][0]["logprobs"]["top_logprobs"]
    return {digit: math.exp(top[digit]) for digit in "12345"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_crash_in_start_up_says_why_and_leaves_nothing(no_served_model, tiny_base, tmp_path):
    served = build_served(tmp_path / "served", tiny_base)
    config = {"architectures": ["NoSuchModel"], "model_type": "llama", "vocab_size": 49152, "hidden_size": 16}
    config |= {"num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 32}
    (served.folder / "config.json").write_text(json.dumps(config))
    write_manifest(served.folder, served.source)
    with pytest.raises(ServeError, match="NoSuchModel") as caught:
        start_server(served.folder, log=tmp_path / "log", device="cpu", venv=VLLM_VENV)
    assert "another base model" in str(caught.value)
    assert caught.value.log_tail


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_start_that_takes_too_long_is_ended(no_served_model, tiny_base, tmp_path):
    served = build_served(tmp_path / "served", tiny_base)
    server = ModelServer(
        served.folder,
        ServeOptions(port=0),
        device="cpu",
        venv=VLLM_VENV,
        log=tmp_path / "log",
        ready_seconds=2,
    )
    with pytest.raises(ServeError, match="did not become ready in time"):
        server.start()
    assert not server.running
