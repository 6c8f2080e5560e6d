"""The command line asks a model server about several patients at once, and keeps their order."""

import json
import shutil

import pytest
from faulty_server import KEY, well
from typer.testing import CliRunner

from integrations.samples import samples
from ui.cli.app import app

WHO = ("01", "02", "26", "30", "36", "40")


@pytest.fixture
def arrivals(tmp_path):
    folder = tmp_path / "arrivals"
    folder.mkdir()
    for sample in samples():
        if sample.id in WHO:
            (folder / sample.file).write_text(sample.raw())
    return folder


def assess(folder, engine):
    result = CliRunner().invoke(app, ["assess", str(folder), "--engine", engine, "--json"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("at_once", [1, 3])
def test_as_many_as_configured_and_in_order(at_once, server, arrivals, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRIAGE_CONFIG", raising=False)
    for name, value in {
        "URL": server.url,
        "API_KEY": KEY,
        "CONCURRENCY": str(at_once),
        "SECOND_LOOK_SECONDS": "0",
    }.items():
        monkeypatch.setenv(f"TRIAGE_MODEL__{name}", value)
    monkeypatch.setenv("TRIAGE_DATA_DIR", str(tmp_path / "records"))
    server.script = [well(after=0.3)]
    cases = assess(arrivals, "vllm")
    assert server.asked >= len(WHO)
    assert server.most_inside == at_once
    shutil.rmtree(tmp_path / "records")
    alone = assess(arrivals, "none")
    assert [case["encounter_key"] for case in cases] == [case["encounter_key"] for case in alone]
    assert len({case["encounter_key"] for case in cases}) == len(WHO)
