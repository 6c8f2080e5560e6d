"""Overwrites what was deleted: a database keeps deleted rows in its files until their place is used again."""

import asyncio
import sqlite3
from contextlib import suppress
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from agents.store.engine import Database
from agents.store.tables import metadata

CHECKPOINT_TABLES = ("checkpoints", "checkpoint_blobs", "checkpoint_writes")
SERVER_LOG = (
    "the server's write-ahead log, archives and backups keep the old pages until they are recycled; "
    "see docs/operations.md"
)
_LOCK_TIMEOUT = "10s"
_BUSY_MS = 10_000


async def compact(database: Database, saver: BaseCheckpointSaver[str]) -> tuple[str, ...]:
    """Rewrite both databases without the deleted rows. Others wait meanwhile, for ten seconds at most before it.

    Returns:
        What could not be overwritten now, in words without patient data; empty where nothing is left.
    """
    engine = database.engine
    left: list[str] = []
    if engine.dialect.name == "sqlite":
        left += await asyncio.to_thread(_sqlite, str(engine.url.database), "the records")
    else:
        # The reader's connections commit each statement by itself, as VACUUM asks for.
        left += await database.read(_postgresql)
    if isinstance(saver, AsyncSqliteSaver):
        rows = await saver.conn.execute_fetchall("PRAGMA database_list")
        path = next((str(row[2]) for row in rows if row[1] == "main"), "")
        if path:
            left += await asyncio.to_thread(_sqlite, path, "the checkpoints")
    return tuple(left)


def _sqlite(path: str, what: str) -> list[str]:
    """VACUUM leaves no free page, and truncating the write-ahead log leaves no old one."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        for pragma in (f"busy_timeout={_BUSY_MS}", "secure_delete=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("VACUUM")
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return [f"{what}: another process reads them; run `triage records compact` later"] if busy else []
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        return [f"{what}: {name}; run `triage records compact` later"]
    finally:
        connection.close()


def _postgresql(connection: Connection) -> list[str]:
    """VACUUM FULL writes new files. The planner's statistics hold values of the rows, so they are made anew."""
    left: list[str] = []
    connection.execute(text(f"SET lock_timeout = '{_LOCK_TIMEOUT}'"))
    for table in (*metadata.tables, *CHECKPOINT_TABLES):
        if connection.execute(text("SELECT to_regclass(:name)"), {"name": table}).scalar() is not None:
            left += _vacuum(connection, f'VACUUM (FULL, ANALYZE) "{table}"', f"table {table}")
    left += _vacuum(connection, "VACUUM FULL pg_catalog.pg_statistic", "the planner's statistics")
    # Both need rights that the program's own role seldom has; the log is recycled in time without them.
    for statement in ("SELECT pg_switch_wal()", "CHECKPOINT"):
        with suppress(DBAPIError):
            connection.execute(text(statement))
    connection.execute(text("RESET lock_timeout"))
    return [*left, SERVER_LOG]


def _vacuum(connection: Connection, statement: str, what: str) -> list[str]:
    """Empty where it was done. A role that may not is only warned by the server, and the table skipped."""
    warned: list[str] = []

    def hear(notice: Any) -> None:
        if notice.severity_nonlocalized == "WARNING":
            warned.append(str(notice.sqlstate))

    raw: Any = connection.connection.driver_connection
    raw.add_notice_handler(hear)
    try:
        connection.execute(text(statement))
    except DBAPIError as error:
        code = getattr(error.orig, "sqlstate", None) or type(error.orig).__name__
        return [f"{what}: {code}; run `triage records compact` later"]
    finally:
        raw.remove_notice_handler(hear)
    return (
        [f"{what}: this role may not ({warned[0]}); the database's owner runs `{statement}`"]
        if warned
        else []
    )
