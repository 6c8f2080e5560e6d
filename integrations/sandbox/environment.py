"""The virtual environment of the sandbox server: `sekmet-fhir` has its own dependencies, so it lives apart."""

import os
import subprocess
import sys
from pathlib import Path

from integrations.sandbox.errors import SandboxError

SEKMET_VERSION = "0.1.1"
VENV_VARIABLE = "TRIAGE_SANDBOX_VENV"
DEFAULT_VENV = ".venv-sekmet"


def sandbox_venv(venv: Path | None = None) -> Path:
    """Where the environment lies: the argument, else ``TRIAGE_SANDBOX_VENV``, else ``.venv-sekmet`` here."""
    return (venv or Path(os.environ.get(VENV_VARIABLE) or DEFAULT_VENV)).absolute()


def ensure_environment(venv: Path) -> Path:
    """The Python of an environment that has sekmet-fhir; made with pip where it is not there (about 170 MB).

    Raises:
        SandboxError: it could not be made; the message holds the end of pip's output.
    """
    python = venv / "bin" / "python"
    if python.exists() and _installed_version(python) == SEKMET_VERSION:
        return python
    _run([sys.executable, "-m", "venv", str(venv)], "make the virtual environment")
    _run(
        [str(python), "-m", "pip", "install", "--quiet", f"sekmet-fhir=={SEKMET_VERSION}"],
        f"install sekmet-fhir {SEKMET_VERSION} (is a package index reachable?)",
    )
    return python


def _installed_version(python: Path) -> str | None:
    ask = "from importlib.metadata import version; print(version('sekmet-fhir'))"
    found = subprocess.run([str(python), "-c", ask], capture_output=True, text=True, check=False)  # noqa: S603
    return found.stdout.strip() if found.returncode == 0 else None


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise SandboxError(f"could not {what}", (done.stdout + done.stderr)[-2000:])
