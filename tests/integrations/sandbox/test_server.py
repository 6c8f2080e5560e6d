import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from integrations.sandbox import LoadReport, SandboxError, SandboxServer, sandbox_venv

BUNDLE = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [
        {
            "fullUrl": "urn:uuid:11111111-1111-4111-8111-111111111111",
            "resource": {"resourceType": "Patient", "id": "load-p1", "gender": "female"},
            "request": {"method": "PUT", "url": "Patient/load-p1"},
        },
        {
            "resource": {
                "resourceType": "Encounter",
                "id": "load-e1",
                "status": "arrived",
                "class": {"code": "EMER"},
                "subject": {"reference": "urn:uuid:11111111-1111-4111-8111-111111111111"},
            },
            "request": {"method": "PUT", "url": "Encounter/load-e1"},
        },
    ],
}


def test_loading_twice_creates_nothing_twice_and_undoes_nothing(sandbox: SandboxServer) -> None:
    assert sandbox.load(BUNDLE) == LoadReport(created=2, present=0)
    encounter = httpx.get(f"{sandbox.base_url}/Encounter/load-e1").json()
    assert encounter["subject"] == {"reference": "Patient/load-p1"}
    httpx.put(f"{sandbox.base_url}/Encounter/load-e1", json=encounter | {"status": "triaged"})

    assert sandbox.load(BUNDLE) == LoadReport(created=0, present=2)

    again = httpx.get(f"{sandbox.base_url}/Encounter/load-e1").json()
    assert (again["status"], again["meta"]["versionId"]) == ("triaged", "2")
    assert httpx.get(f"{sandbox.base_url}/Patient?_id=load-p1").json()["total"] == 1


def test_loading_names_the_entry_that_cannot_be_loaded(sandbox: SandboxServer) -> None:
    with pytest.raises(SandboxError, match=r"entry 0 .*needs an id"):
        sandbox.load({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient"}}]})
    bad = {"resourceType": "Patient", "id": "load-bad", "birthDate": "yesterday"}
    with pytest.raises(SandboxError, match=r"did not take Patient load-bad"):
        sandbox.load({"resourceType": "Bundle", "entry": [{"resource": bad}]})


def test_storage_outlives_the_process_and_stop_is_clean(tmp_path: Path, sandbox: SandboxServer) -> None:
    venv = sandbox._venv
    with SandboxServer(tmp_path, venv=venv) as first:
        first.load(BUNDLE)
        port = int(first.base_url.split(":")[2].split("/")[0])
        assert first.running
    assert not first.running
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    first.stop()
    with SandboxServer(tmp_path, venv=venv, port=port) as second:
        assert second.load(BUNDLE) == LoadReport(created=0, present=2)


def test_the_server_ends_with_a_killed_parent(tmp_path: Path, sandbox: SandboxServer) -> None:
    script = (
        "import sys, time; from pathlib import Path; from integrations.sandbox import SandboxServer\n"
        "s = SandboxServer(Path(sys.argv[1]), venv=Path(sys.argv[2])).start()\n"
        "print(s.base_url, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), str(sandbox._venv)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    base = parent.stdout.readline().strip()
    assert httpx.get(f"{base}/metadata").status_code == 200
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    for _ in range(100):
        try:
            httpx.get(f"{base}/metadata", timeout=1)
        except httpx.TransportError:
            break
        time.sleep(0.1)
    else:
        pytest.fail("the sandbox outlived its parent")


def test_a_server_that_ends_while_starting_shows_its_log(tmp_path: Path, sandbox: SandboxServer) -> None:
    (tmp_path / "data").write_text("a file where the database folder should be")
    with pytest.raises(SandboxError, match="ended while starting") as caught:
        SandboxServer(tmp_path, venv=sandbox._venv).start()
    assert "Error" in caught.value.tail


def test_a_taken_port_is_named(tmp_path: Path, sandbox: SandboxServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SandboxError, match=f"port {port} is taken"):
            SandboxServer(tmp_path, venv=sandbox._venv, port=port).start()


def test_where_the_environment_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRIAGE_SANDBOX_VENV", raising=False)
    assert sandbox_venv() == tmp_path / ".venv-sekmet"
    monkeypatch.setenv("TRIAGE_SANDBOX_VENV", str(tmp_path / "other"))
    assert sandbox_venv() == tmp_path / "other"
    assert sandbox_venv(tmp_path / "mine") == tmp_path / "mine"
