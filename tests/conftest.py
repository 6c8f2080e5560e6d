"""What many tests share: one real FHIR server that starts in about two seconds and keeps nothing; data files."""

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

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


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Sequence[Mapping[str, Any]], str], Path]:
    """Write rows as the file ``name`` (format by suffix) and give its path."""

    def to_file(rows: Sequence[Mapping[str, Any]], name: str) -> Path:
        path = tmp_path / name
        if path.suffix == ".csv":
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, fieldnames=list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
        elif path.suffix == ".parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.Table.from_pylist(rows), path)
        else:
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return to_file
