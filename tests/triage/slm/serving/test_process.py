"""Key, ports, and a process that leaves nobody behind."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from triage.slm.serving import ServeError, ensure_key, options
from triage.slm.serving.diagnosis import diagnose
from triage.slm.serving.process import ServerProcess, free_port

FAMILY = """
import os, signal, subprocess, sys, time
deaf = "import signal, time; {ignore}; print('up', flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", deaf])
{ignore}
print(os.getpid(), child.pid, flush=True)
time.sleep(600)
"""


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("ignore", ["pass", "signal.signal(signal.SIGTERM, signal.SIG_IGN)"])
def test_stop_ends_the_server_and_its_workers_even_deaf_ones(ignore, tmp_path):
    program = FAMILY.format(ignore=ignore)
    process = ServerProcess([sys.executable, "-c", program], dict(os.environ), tmp_path / "log")
    until(lambda: "up" in process.log_tail() and len(process.log_tail().split()) == 3)
    pids = [int(word) for word in process.log_tail().split() if word.isdigit()]
    assert len(pids) == 2
    assert all(map(alive, pids))
    process.stop(0.5)
    assert not any(map(alive, pids))
    process.stop(0.5)  # harmless


def test_the_log_is_for_its_owner_only_and_starts_anew(tmp_path):
    log = tmp_path / "logs" / "vllm.log"
    log.parent.mkdir()
    log.write_text("of yesterday")
    log.chmod(0o644)
    process = ServerProcess([sys.executable, "-c", "print('of today')"], dict(os.environ), log)
    until(lambda: process.exit_code() is not None)
    assert process.exit_code() == 0
    assert log.read_text() == "of today\n"
    assert log.stat().st_mode & 0o777 == 0o600
    process.stop(0.5)


def write_vllm(folder, body):
    """A program in vLLM's place."""
    place = folder / "vllm" / "entrypoints" / "cli"
    place.mkdir(parents=True)
    (place / "main.py").write_text(f"import time\ndef main():\n    {body}\n")


def test_a_server_that_ends_by_itself_keeps_its_own_exit_code_and_last_words(tmp_path):
    write_vllm(tmp_path, "raise ValueError('rope is upside down')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, str(options._INSIDE / "run_vllm.py"), "serve"]
    process = ServerProcess(command, environment, tmp_path / "log")
    until(lambda: process.exit_code() is not None)
    assert process.exit_code() == 1
    assert diagnose(1, process.log_tail()).endswith("ValueError: rope is upside down")
    process.stop(0.5)


def test_the_server_ends_with_whoever_started_it(tmp_path):
    """A parent that is killed outright cannot clean up: the pipe does."""
    write_vllm(tmp_path, "print('serving', flush=True); time.sleep(600)")
    program = f"""
import os, sys, time
from pathlib import Path
from triage.slm.serving.process import ServerProcess
process = ServerProcess(
    [sys.executable, {str(options._INSIDE / "run_vllm.py")!r}, "serve"],
    {{**os.environ, "PYTHONPATH": {str(tmp_path)!r}}},
    Path({str(tmp_path / "log")!r}),
)
while "serving" not in process.log_tail():
    time.sleep(0.05)
print(process.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.send_signal(signal.SIGKILL)
    until(lambda: not alive(pid))


def test_a_taken_port_is_named_with_the_remedy():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ServeError, match=rf"port {port} is taken.*--port"):
            free_port("127.0.0.1", port)
    assert free_port("127.0.0.1", port) == port
    assert free_port("127.0.0.1", 0) > 0


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_of_another_machine_is_named(host):
    with pytest.raises(ServeError, match=f"{host} is no address of this machine"):
        free_port(host, 0)


def test_the_key_is_made_once_for_its_owner_only(tmp_path):
    path = tmp_path / "serving" / "api-key"
    key = ensure_key(path)
    assert len(key) >= 43
    assert path.stat().st_mode & 0o777 == 0o600
    assert ensure_key(path) == key


def test_a_key_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "api-key"
    ensure_key(path)
    path.chmod(0o640)
    with pytest.raises(ServeError, match="chmod 600"):
        ensure_key(path)


@pytest.mark.parametrize("content", ["", "\n", "two words", "schlüssel"])
def test_a_file_without_a_key_is_refused_and_not_quoted(content, tmp_path):
    path = tmp_path / "api-key"
    path.write_text(content, "utf-8")
    path.chmod(0o600)
    with pytest.raises(ServeError, match="holds no key") as caught:
        ensure_key(path)
    assert not content.strip() or content not in str(caught.value)
