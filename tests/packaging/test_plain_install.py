"""The plain install has none of the extras: no command may need one before it is asked for what the extra gives."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow  # starts a program for every command

EXTRAS = (
    "codecarbon", "inspect_ai", "jinja2", "lightgbm", "matplotlib", "openai", "pandas", "psycopg", "procrastinate",
    "pyarrow", "ray", "scipy", "sklearn", "streamlit", "torch", "transformers",
)  # fmt: skip
WITHOUT = f"""
import sys


class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {EXTRAS!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Missing())
sys.argv = ["triage", *sys.argv[1:]]
from ui.cli import main

main()
"""


@pytest.mark.parametrize(
    "command", ["--help", "eval --help", "assess --help", "model list", "ui --help", "worker --help"]
)
def test_a_command_starts_without_any_extra(command, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *command.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-800:]


def test_what_is_missing_is_said_with_the_remedy(tmp_path):
    command = ["eval", "run", "--task", "samples", "--model", "rules", "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "pip install 'ed-triage-agent[eval]'" in " ".join((done.stdout + done.stderr).split())
