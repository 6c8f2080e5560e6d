import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from integrations.queue_settings import QueueSettings
from integrations.samples import samples
from integrations.sandbox import SandboxServer
from integrations.settings import FhirSettings, ModelSettings, Settings

sys.path.insert(0, str(Path(__file__).parent))

REPOSITORY = Path(__file__).parents[3]
VISITS = 12


@pytest.fixture(scope="session")
def ward(tmp_path_factory) -> Iterator[SandboxServer]:
    """A FHIR server of these tests' own, with so many open ED visits."""
    with SandboxServer(tmp_path_factory.mktemp("ward"), venv=REPOSITORY / ".venv-sekmet") as server:
        for sample in samples()[:VISITS]:
            server.load(sample.bundle())
        yield server


@pytest.fixture
def encounters() -> list[str]:
    return [f"sample-{sample.id}-encounter" for sample in samples()[:VISITS]]


@pytest.fixture
def database(postgres_server) -> str:
    """A new database, for the records and the queue."""
    name = f"q{uuid4().hex}"
    postgres_server.psql(f"CREATE DATABASE {name}")
    return str(postgres_server.get_uri(database=name, driver="psycopg"))


@pytest.fixture
def settings_for(database, tmp_path) -> Callable[..., Settings]:
    def make(base_url: str | None = None, **queue: object) -> Settings:
        return Settings(
            data_dir=tmp_path / "data",
            database_url=database,
            fhir=FhirSettings(base_url=base_url, timeout_seconds=5),
            model=ModelSettings(engine="none"),
            queue=QueueSettings(url=SecretStr(database), **{"longest_pause_seconds": 1, **queue}),
        )

    return make
