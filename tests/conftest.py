"""One real FHIR server for all integration tests; it starts in about two seconds and keeps nothing."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.sandbox import SandboxServer

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    venv = None if "TRIAGE_SANDBOX_VENV" in os.environ else REPOSITORY / ".venv-sekmet"
    with SandboxServer(tmp_path_factory.mktemp("sandbox"), venv=venv) as server:
        yield server


@pytest.fixture(scope="session")
def fhir_server(sandbox: SandboxServer) -> str:
    """The base URL of a FHIR server with empty storage, shared by the session: use ids of your own."""
    return sandbox.base_url
