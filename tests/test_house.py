"""The house keeps its shape: floors, small files, and documents that name what exists."""

import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PACKAGES = ("data_schemas", "triage", "agents", "integrations", "eval", "ui")


def test_floors_import_only_downwards():
    found = subprocess.run(
        [str(REPOSITORY / ".venv" / "bin" / "lint-imports")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_is_longer_than_400_lines(package):
    long = {
        str(path.relative_to(REPOSITORY)): lines
        for path in (REPOSITORY / package).rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 400
    }
    assert not long


@pytest.mark.parametrize(
    "document", sorted(REPOSITORY.glob("*.md")) + sorted(REPOSITORY.glob("docs/**/*.md"))
)
def test_paths_named_in_documents_exist(document):
    roots = (*PACKAGES, "docs", "tests", "benchmarks", "scripts")
    named = re.findall(r"`((?:{})/[\w./*-]+)`".format("|".join(roots)), document.read_text())
    missing = [name for name in named if not list(REPOSITORY.glob(name.rstrip("/")))]
    assert not missing


def test_commands_named_in_documents_exist():
    from typer.main import get_command

    from ui.cli.app import app

    command = get_command(app)
    known = set(command.commands)
    text = "\n".join(
        path.read_text() for path in [REPOSITORY / "README.md", *REPOSITORY.glob("docs/**/*.md")]
    )
    named = set(re.findall(r"`triage ([a-z-]+)", text)) - {"eval", "train"}
    assert named <= known
