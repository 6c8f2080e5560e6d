"""Opens the database and brings its schema up to date."""

import logging
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

HEAD = "0001"
"""The newest migration. A test keeps it in step with ``migrations/versions``."""

_MIGRATION_LOCK = 7_146_023_311
"""An arbitrary number that PostgreSQL's advisory lock knows our migrations by."""


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite+aiosqlite:///{path}"


def open_engine(url: str) -> AsyncEngine:
    """An engine for ``sqlite+aiosqlite:///<path>`` or ``postgresql+psycopg://...``.

    SQLite runs in WAL mode with ``synchronous=FULL``: a decision that was acknowledged survives a power
    failure. Write transactions begin IMMEDIATE, so that two processes queue instead of failing half-way.
    ``hide_parameters`` keeps patient data out of the driver's exception messages.
    """
    engine = create_async_engine(url, hide_parameters=True, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        database = make_url(url).database
        if database:
            Path(database).parent.mkdir(parents=True, exist_ok=True)
        event.listen(engine.sync_engine, "connect", _sqlite_pragmas)
        event.listen(engine.sync_engine, "begin", _sqlite_begin)
    return engine


def _sqlite_pragmas(connection: Any, _: ConnectionPoolEntry) -> None:
    # The driver would begin transactions by itself, and late; we begin them (see _sqlite_begin).
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "busy_timeout=10000",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    statement = connection.get_execution_options().get("sqlite_begin", "BEGIN IMMEDIATE")
    if statement:
        connection.exec_driver_sql(statement)


def reader(engine: AsyncEngine, *, snapshot: bool = False) -> AsyncEngine:
    """The same pool for reading only; with ``snapshot`` several queries see one state of the database."""
    options: dict[str, Any] = {"sqlite_begin": "BEGIN" if snapshot else ""}
    if engine.dialect.name == "postgresql":
        options["isolation_level"] = "REPEATABLE READ" if snapshot else "AUTOCOMMIT"
    return engine.execution_options(**options)


async def migrate(engine: AsyncEngine) -> None:
    """Bring the schema to ``HEAD``, from whatever it is; processes that start together take turns."""
    async with engine.connect() as connection:
        if await connection.run_sync(_version) == HEAD:
            return
    async with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        await connection.run_sync(_upgrade)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - costs 100 ms; most starts need no migration
    from alembic.config import Config  # noqa: PLC0415

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
