"""Why a server did not start: real log lines of vLLM, and the sentence a person gets."""

import pytest

from triage.slm.serving.diagnosis import diagnose, last_useful_line

CRASH = """\
(EngineCore pid=11848) ERROR 11-22 15:04:29 [core.py:900] EngineCore failed to start.
(EngineCore pid=11848) ERROR 11-22 15:04:29 [core.py:900] Traceback (most recent call last):
(EngineCore pid=11848) ERROR 11-22 15:04:29 [core.py:900]   File "core.py", line 800, in run
(EngineCore pid=11848) ERROR 11-22 15:04:29 [core.py:900] {cause}
Traceback (most recent call last):
  File "vllm", line 8, in <module>
RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {{'EngineCore': 1}}
"""


@pytest.mark.parametrize(
    ("cause", "remedy"),
    [
        ("OSError: [Errno 98] Address already in use", "--port"),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", "--gpu-memory"),
        ("ValueError: Free memory on device cuda:0 (3/80 GiB) is less than desired", "--gpu-memory"),
        ("ValueError: To serve at least one request, 2.0 GiB KV cache is needed", "--kv-cache-gib"),
        ("RuntimeError: [enforce fail] DefaultCPUAllocator: not enough memory", "--kv-cache-gib"),
        ("OSError: [Errno 28] No space left on device", "make room"),
        ("ModuleNotFoundError: No module named 'xgrammar'", "delete it"),
        ("ValueError: Model architectures ['Mamba9'] are not supported for now.", "another base model"),
        ("vllm: error: unrecognized arguments: --frobnicate", "pinned release"),
    ],
)
def test_a_known_cause_has_its_remedy_and_is_quoted(cause, remedy):
    sentence = diagnose(1, CRASH.format(cause=cause))
    assert remedy in sentence
    assert cause.split(": ", 1)[1][:30] in sentence


def test_an_unknown_cause_is_quoted_and_not_the_echo_of_it():
    sentence = diagnose(1, CRASH.format(cause="ValueError: rope scaling is upside down"))
    assert "exit code 1" in sentence
    assert "rope scaling is upside down" in sentence
    assert "Engine core initialization" not in sentence


def test_what_a_validation_found_is_quoted_and_not_that_it_found_something():
    log = "pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig\n"
    log += "  Value error, Rope is upside down. [type=value_error, input_value=ArgsKwargs(())]\n"
    assert "Rope is upside down" in diagnose(1, log)
    known = log.replace("Rope is upside down", "Model architectures ['X'] are not supported for now")
    assert "another base model" in diagnose(1, known)


def test_a_kill_is_most_often_want_of_memory():
    sentence = diagnose(-9, "INFO Loading weights took 4.69 seconds\n")
    assert "killed" in sentence
    assert "--kv-cache-gib" in sentence


def test_time_ran_out():
    assert "--ready-seconds" in diagnose(None, "INFO Loading weights\n")


@pytest.mark.parametrize("log", ["", "\n\n", "Traceback (most recent call last):\n"])
def test_an_empty_log_is_said_to_be_empty(log):
    assert last_useful_line(log) == ""
    assert "its log is empty" in diagnose(3, log)


def test_a_server_that_ran_did_not_end_while_it_was_starting():
    log = (
        "WARNING Found ulimit of 1024. This can cause fd limit errors like "
        "`OSError: [Errno 24] Too many open files`. Consider increasing with ulimit -n\n"
        "INFO Application startup complete.\n"
    )
    sentence = diagnose(-9, log, was_ready=True)
    assert "was killed," in sentence
    assert "starting" not in sentence
    assert "Errno 24" not in sentence
    assert "ended (exit code 3)" in diagnose(3, log, was_ready=True)
