"""``triage ui --demo`` as somebody starts and stops it: a process, its address, patients on the board, nothing left."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from ui.cli.exits import Exit

REPOSITORY = Path(__file__).parents[2]
VENV = os.environ.get("TRIAGE_SANDBOX_VENV", str(REPOSITORY / ".venv-sekmet"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(what, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError("it did not happen in time")


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_it_starts_everything_and_leaves_nothing(tmp_path, triage, sign):
    port, folder = free_port(), tmp_path / "demo"
    arguments = ["ui", "--demo", "--port", str(port), "--every", "1", "--limit", "3",
               "--engine", "none", "--sandbox-venv", VENV, "--data-dir", str(folder)]  # fmt: skip
    code = "import sys; sys.argv = ['triage', *sys.argv[1:]]; from ui.cli import main; main()"
    with (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            cwd=tmp_path,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
    said = (tmp_path / "out").read_text
    try:
        until(lambda: f"http://127.0.0.1:{port}" in said())
        until(lambda: healthy(f"http://127.0.0.1:{port}/_stcore/health"))
        server = f"http://127.0.0.1:{(folder / 'port').read_text()}/fhir"

        def assessed():
            lines = triage("cases", "--json", "--data-dir", str(folder / "records"), records=False).lines
            return [line for line in lines if line["assessment"]] if len(lines) == 3 else []

        cases = until(assessed)
        assert {case["encounter_key"].split("|")[0] for case in cases} == {server}
    finally:
        process.send_signal(sign)
        process.wait(60)
    assert "Traceback" not in said()
    assert not healthy(f"{server}/metadata")


def healthy(url):
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_a_port_that_is_taken_is_told_before_anything_starts(triage):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        outcome = triage("ui", "--demo", "--port", str(other.getsockname()[1]))
    assert outcome.code == Exit.USAGE
    assert "taken" in outcome.err
    assert "sekmet" not in outcome.out


def test_watching_without_a_server_says_what_to_set(triage):
    outcome = triage("watch")
    assert outcome.code == Exit.USAGE
    assert "TRIAGE_FHIR__BASE_URL" in outcome.err
