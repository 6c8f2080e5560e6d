"""Opens the database, brings its schema up to date, and runs transactions off the event loop."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import ConnectionPoolEntry

from agents.errors import StoreError
from agents.store.driver_logs import silence_driver_logging
from agents.store.failures import named, place
from agents.store.wal import BUSY_SECONDS, use_write_ahead_log

HEAD = "0003"
"""The newest migration. A test keeps it in step with ``migrations/versions``."""

_MIGRATION_LOCK = 7_146_023_311
"""An arbitrary number that PostgreSQL's advisory lock knows our migrations by."""

_WORKERS = 4
_T = TypeVar("_T")


class Database:
    """Whole transactions in worker threads: one hop each.

    The asynchronous SQLite driver hops to a thread for every cursor, statement and fetch; whole transactions
    halved the Python calls of a case (profiled over 60 cases: 3.9 to 2.0 million) and need no greenlets.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        try:
            with named(url):
                self.engine = open_engine(url)
        except (ImportError, OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
            raise StoreError(place(url), reason, "check TRIAGE_DATA_DIR and TRIAGE_DATABASE_URL") from None
        self._reader = _reader(self.engine, snapshot=False)
        self._snapshot = _reader(self.engine, snapshot=True)
        self._threads = ThreadPoolExecutor(_WORKERS, thread_name_prefix="triage-store")

    async def write(self, work: Callable[[Connection], _T]) -> _T:
        """Run ``work`` in one transaction: all of it or nothing.

        A caller that is cancelled meanwhile does not stop it.

        Raises:
            StoreError: the database cannot be used.
        """

        def run() -> _T:
            with named(self._url), self.engine.begin() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)

    async def read(self, work: Callable[[Connection], _T], *, snapshot: bool = False) -> _T:
        """Run ``work``, which changes nothing; with ``snapshot`` its queries see one state of the database.

        Raises:
            StoreError: the database cannot be used.
        """
        engine = self._snapshot if snapshot else self._reader

        def run() -> _T:
            with named(self._url), engine.connect() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)

    async def migrate(self) -> None:
        """Bring the schema to ``HEAD``, from whatever it is; processes that start together take turns."""
        version = await self.read(_version)
        if version is not None and version > HEAD:
            remedy = "a newer version of this program wrote them; use that one"
            raise StoreError(place(self._url), f"schema {version}, {HEAD} is known here", remedy)
        if version != HEAD:
            await self.write(_upgrade)

    def close(self) -> None:
        """Wait for the transactions under way, then close every connection."""
        self._threads.shutdown()
        self.engine.dispose()


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite:///{path}"


def open_engine(url: str) -> Engine:
    """An engine for ``sqlite:///<path>`` or ``postgresql+psycopg://...``.

    SQLite runs in WAL mode with ``synchronous=FULL``: a decision that was acknowledged survives a power
    failure. Write transactions begin IMMEDIATE, so that two processes queue instead of failing half-way.
    ``hide_parameters`` keeps patient data out of the driver's exception messages.
    """
    silence_driver_logging()
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database:
            raise ValueError("the case store needs a file: sqlite:///<path>")
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        use_write_ahead_log(parsed.database)
        engine = create_engine(parsed.set(drivername="sqlite"), hide_parameters=True)
        event.listen(engine, "connect", _sqlite_pragmas)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    return create_engine(parsed, hide_parameters=True, pool_pre_ping=True)


def _sqlite_pragmas(connection: Any, _: ConnectionPoolEntry) -> None:
    # The driver would begin transactions by itself, and late; we begin them (see _sqlite_begin).
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={int(BUSY_SECONDS * 1000)}",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",  # what is deleted is overwritten, not only forgotten
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    statement = connection.get_execution_options().get("sqlite_begin", "BEGIN IMMEDIATE")
    if statement:
        connection.exec_driver_sql(statement)


def _reader(engine: Engine, *, snapshot: bool) -> Engine:
    options: dict[str, Any] = {"sqlite_begin": "BEGIN" if snapshot else ""}
    if engine.dialect.name == "postgresql":
        options["isolation_level"] = "REPEATABLE READ" if snapshot else "AUTOCOMMIT"
    return engine.execution_options(**options)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - costs 100 ms; most starts need no migration
    from alembic.config import Config  # noqa: PLC0415

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
