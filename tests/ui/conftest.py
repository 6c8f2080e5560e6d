import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from integrations.samples import samples
from integrations.sandbox import SandboxServer
from ui.cli.app import app

REPOSITORY = Path(__file__).parents[2]


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]


class Triage:
    """Runs commands in process, with a records folder of its own."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def __call__(self, *arguments: str, records: bool = True) -> Outcome:
        given = [*arguments, *(["--data-dir", str(self.data_dir)] if records else [])]
        result = CliRunner().invoke(app, given, catch_exceptions=False)
        return Outcome(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def triage(tmp_path, monkeypatch) -> Triage:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRIAGE_CONFIG", raising=False)
    return Triage(tmp_path / "records")


@pytest.fixture
def bundle_file(tmp_path):
    """Writes sample NN as a file and returns its path."""

    def write(identifier: str, folder: str = "bundles") -> Path:
        sample = next(sample for sample in samples() if sample.id == identifier)
        path = tmp_path / folder / sample.file
        path.parent.mkdir(exist_ok=True)
        path.write_text(sample.raw())
        return path

    return write


@pytest.fixture
def own_server(tmp_path):
    """A FHIR server with nothing on it."""
    venv = None if "TRIAGE_SANDBOX_VENV" in os.environ else REPOSITORY / ".venv-sekmet"
    with SandboxServer(tmp_path / "server", venv=venv) as server:
        yield server
