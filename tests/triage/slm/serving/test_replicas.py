"""Cores, GPUs and ports of several servers on one machine. They run in tests/integrations/served."""

import os
import socket

import pytest
from typer.testing import CliRunner

from triage.slm.serving import Replicas, ServeError, ServeOptions, build_served
from triage.slm.serving.options import environment
from triage.slm.serving.replicas import free_ports, share_cores, share_gpus
from ui.cli.app import app


@pytest.mark.parametrize(
    ("cpus", "count", "parts"),
    [
        ("0-3", 2, ["0,1", "2,3"]),
        ("0-2,8", 1, ["0,1,2,8"]),
        ("0-4", 2, ["0,1", "2,3,4"]),
        ("5,1", 2, ["1", "5"]),
    ],
)
def test_cores_are_shared_out(cpus, count, parts):
    assert share_cores(cpus, count) == parts


def test_without_a_list_all_cores_of_this_process_are_shared():
    own = sorted(os.sched_getaffinity(0))
    assert share_cores(None, 1) == [",".join(map(str, own))]
    with pytest.raises(ServeError, match="cores, and there are"):
        share_cores(None, len(own) + 1)
    for wrong in ("x", "3-", "-", ""):
        with pytest.raises(ServeError, match="0-3,8"):
            share_cores(wrong, 1)


def test_each_gets_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5,7")
    assert share_gpus(2) == ["2", "5"]
    with pytest.raises(ServeError, match="4 GPUs, and there are 3"):
        share_gpus(4)
    assert environment(ServeOptions(gpu="5"), "cuda", None)["CUDA_VISIBLE_DEVICES"] == "5"
    assert environment(ServeOptions(gpu="5"), "cpu", None)["CUDA_VISIBLE_DEVICES"] == ""


def test_ports_follow_the_first_or_are_free_ones():
    found = free_ports("127.0.0.1", 0, 5)
    assert len(set(found)) == 5
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(ServeError, match=f"port {taken} is taken"):
            free_ports("127.0.0.1", taken - 1, 2)


def test_replicas_of_one_machine_load_no_adapters(tiny_base, tmp_path):
    served = build_served(tmp_path / "out", tiny_base)
    with pytest.raises(ServeError, match="build the adapter into the folder"):
        Replicas(served.folder, 1, ServeOptions(adapters=1), device="cpu", logs=tmp_path)


def test_without_an_environment_none_is_started(tiny_base, tmp_path):
    served = build_served(tmp_path / "out", tiny_base)
    replicas = Replicas(
        served.folder, 1, device="cpu", venv=tmp_path / "none", install=False, logs=tmp_path / "logs"
    )
    with pytest.raises(ServeError, match="is no environment with vLLM"):
        replicas.start()
    assert not replicas.servers[0].running


def test_the_command_writes_what_a_balancer_reads(tmp_path):
    urls = ["http://127.0.0.1:8001", "http://127.0.0.1:8002"]
    printed = CliRunner().invoke(app, ["model", "balancer", *urls])
    assert printed.exit_code == 0
    assert "server replica2 127.0.0.1:8002" in printed.stdout
    out = tmp_path / "haproxy.cfg"
    written = CliRunner().invoke(app, ["model", "balancer", *urls, "--out", str(out), "--port", "9000"])
    assert (written.exit_code, written.stdout) == (0, "")
    assert "bind 127.0.0.1:9000" in out.read_text()
    refused = CliRunner().invoke(app, ["model", "balancer", *urls, "--host", "0.0.0.0"])
    assert refused.exit_code == 2
