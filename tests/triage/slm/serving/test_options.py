"""The flags and variables vLLM is started with."""

import json
import os
from pathlib import Path

import pytest

from triage.slm.serving import ServedName, ServeError, ServeOptions, build_served
from triage.slm.serving.options import command, environment

PYTHON = Path("/venv/bin/python")


@pytest.fixture(scope="module")
def merged(tiny_base, tiny_lora, tmp_path_factory):
    return build_served(tmp_path_factory.mktemp("served") / "m", tiny_base, tiny_lora)


@pytest.fixture(scope="module")
def beside(tiny_base, tiny_lora, tmp_path_factory):
    return build_served(tmp_path_factory.mktemp("served") / "l", tiny_base, tiny_lora, merged=False)


def value(arguments, flag):
    return arguments[arguments.index(flag) + 1]


def test_by_default_it_listens_on_this_machine_alone(merged):
    arguments = command(PYTHON, merged, ServeOptions(), 8000, "cpu")
    assert value(arguments, "--host") == "127.0.0.1"
    assert value(arguments, "--served-model-name") == str(merged.name)


def test_all_five_levels_come_back_after_the_mask(merged):
    arguments = command(PYTHON, merged, ServeOptions(), 8000, "cpu")
    assert int(value(arguments, "--max-logprobs")) >= 20
    assert value(arguments, "--logprobs-mode") == "processed_logprobs"
    assert json.loads(value(arguments, "--structured-outputs-config")) == {"backend": "guidance"}
    assert json.loads(value(arguments, "--override-generation-config")) == {"temperature": 0.0}


def test_no_request_is_logged(merged):
    arguments = command(PYTHON, merged, ServeOptions(), 8000, "cpu")
    assert "--disable-uvicorn-access-log" in arguments
    assert not [a for a in arguments if a.startswith(("--enable-log", "--log-"))]
    assert value(arguments, "--middleware") == "triage_routes.OnlyNeededRoutes"


@pytest.mark.parametrize(
    ("device", "dtype", "eager"), [("cpu", "float32", True), ("cuda", "bfloat16", False)]
)
def test_a_cpu_computes_exactly_and_a_gpu_fast(device, dtype, eager, merged):
    arguments = command(PYTHON, merged, ServeOptions(), 8000, device)
    assert value(arguments, "--dtype") == dtype
    assert ("--enforce-eager" in arguments) is eager
    assert ("--gpu-memory-utilization" in arguments) is (device == "cuda")
    wished = command(PYTHON, merged, ServeOptions(dtype="float16", compiled=device == "cpu"), 8000, device)
    assert value(wished, "--dtype") == "float16"
    assert ("--enforce-eager" in wished) is (device == "cuda")


def test_an_adapter_beside_the_weights_becomes_a_lora_module_with_its_own_name(merged, beside):
    assert "--enable-lora" not in command(PYTHON, merged, ServeOptions(), 8000, "cpu")
    arguments = command(PYTHON, beside, ServeOptions(), 8000, "cpu")
    assert "--enable-lora" in arguments
    assert json.loads(value(arguments, "--lora-modules")) == {
        "name": str(beside.name),
        "path": str(beside.folder / "lora" / "tiny"),
    }
    assert value(arguments, "--served-model-name") == str(beside.base_name) != str(beside.name)
    assert value(arguments, "--max-lora-rank") == "8"  # the kernel for the adapter's rank of 4


def test_the_key_is_in_the_environment_and_never_on_the_command_line(merged):
    assert environment(ServeOptions(), "cpu", "secret")["VLLM_API_KEY"] == "secret"
    assert "VLLM_API_KEY" not in environment(ServeOptions(), "cpu", None, inherited={"VLLM_API_KEY": "old"})


def test_what_would_log_or_phone_home_is_not_inherited():
    inherited = {
        "VLLM_DEBUG_LOG_API_SERVER_RESPONSE": "1",
        "VLLM_LOGGING_LEVEL": "DEBUG",
        "PYTHONPATH": "/elsewhere",
        "TRIAGE_FHIR__TOKEN": "secret",
        "PATH": "/bin",
    }
    found = environment(ServeOptions(), "cpu", None, inherited=inherited)
    assert found["PATH"] == "/bin"
    assert "secret" not in found.values()
    assert not found.keys() & (inherited.keys() - {"PATH", "PYTHONPATH"})
    assert found["PYTHONPATH"].endswith("inside")
    assert found["HF_HUB_OFFLINE"] == found["VLLM_NO_USAGE_STATS"] == found["VLLM_DO_NOT_TRACK"] == "1"


def test_the_arithmetic_uses_the_cores_this_process_may_use():
    found = environment(ServeOptions(), "cpu", None)
    assert {int(cpu) for cpu in found["VLLM_CPU_OMP_THREADS_BIND"].split(",")} == os.sched_getaffinity(0)
    chosen = environment(ServeOptions(cpus="0-3,8", kv_cache_gib=4), "cpu", None)
    assert (chosen["VLLM_CPU_OMP_THREADS_BIND"], chosen["VLLM_CPU_KVCACHE_SPACE"]) == ("0-3,8", "4")
    assert "VLLM_CPU_OMP_THREADS_BIND" not in environment(ServeOptions(), "cuda", None)


def test_adapters_can_be_loaded_only_where_that_was_asked_for_and_with_a_key(merged, beside):
    arguments = command(PYTHON, beside, ServeOptions(adapters=2), 8000, "cpu")
    assert value(arguments, "--max-loras") == "3"  # the two, and the one in the folder
    assert value(arguments, "--max-lora-rank") == "16"
    with pytest.raises(ServeError, match="in the weights already"):
        command(PYTHON, merged, ServeOptions(adapters=2), 8000, "cpu")
    with pytest.raises(ServeError, match="behind an API key"):
        environment(ServeOptions(adapters=2), "cpu", None)
    opened = environment(ServeOptions(adapters=2), "cpu", "secret", base_name="Base@0")
    assert opened["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "1"
    assert opened["TRIAGE_BASE_NAME"] == "Base@0"
    set_before = {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1"}
    closed = environment(
        ServeOptions(),
        "cpu",
        "secret",
        base_name="Base@0",
        inherited=set_before,
    )
    assert not closed.keys() & {"VLLM_ALLOW_RUNTIME_LORA_UPDATING", "TRIAGE_BASE_NAME"}


def test_the_name_of_a_loaded_adapter_holds_both_hashes(beside):
    digest = "a" * 64
    name = beside.loaded_name("mine", digest)
    assert name == f"{beside.base_name}+mine@{digest}"
    assert ServedName.parse(name).sha256 == digest
    assert beside.loaded_name("tiny", beside.source.adapter_sha256) == str(beside.name)
