"""Where the graph's checkpoints live, and how they are read back.

A checkpoint is a convenience: cases, decisions and the outbox are the record, and every node may run twice.
So SQLite checkpoints use ``synchronous=NORMAL``, which in WAL mode saves about ten fsyncs a case: a killed
process loses nothing, and a power failure may lose the last steps, which are then done again.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any

import aiosqlite
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from pydantic import BaseModel
from sqlalchemy.engine import make_url

import agents.state
import agents.values
import data_schemas
from agents.store.driver_logs import silence_driver_logging
from agents.store.failures import named
from agents.store.wal import BUSY_SECONDS, use_write_ahead_log

if TYPE_CHECKING:
    from psycopg import AsyncConnection

_SETUP_LOCK = 7_146_023_313
"""An arbitrary number that PostgreSQL's advisory lock knows the making of the checkpoint tables by."""


def allowed_types() -> tuple[tuple[str, str], ...]:
    """Module and name of every type of ours that a checkpoint may be read back into; nothing else is."""
    found = {
        (item.__module__, item.__name__)
        for module in (data_schemas, agents.state, agents.values)
        for item in vars(module).values()
        if inspect.isclass(item) and issubclass(item, BaseModel | Enum)
    }
    return tuple(sorted(pair for pair in found if pair[0].partition(".")[0] in {"agents", "data_schemas"}))


def serializer() -> JsonPlusSerializer:
    """Msgpack, strict: no pickle, no type that is not listed."""
    return JsonPlusSerializer(allowed_msgpack_modules=allowed_types())


@asynccontextmanager
async def open_checkpoints(url: str) -> AsyncIterator[BaseCheckpointSaver[str]]:
    """Open the saver for ``sqlite:///<path>`` or ``postgresql+psycopg://...``.

    Raises:
        StoreError: the SQLite file cannot be used.
    """
    silence_driver_logging()
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        with named(url):
            if parsed.database:
                await asyncio.to_thread(use_write_ahead_log, parsed.database)
            connection = await aiosqlite.connect(parsed.database or ":memory:")
        try:
            with named(url):
                for pragma in (
                    f"busy_timeout={int(BUSY_SECONDS * 1000)}",
                    "synchronous=NORMAL",
                    "secure_delete=ON",
                ):
                    await connection.execute(f"PRAGMA {pragma}")
                saver = AsyncSqliteSaver(connection, serde=serializer())
                await saver.setup()
            yield saver
        finally:
            await connection.close()
        return
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver  # noqa: PLC0415 - extra `serve`
    from psycopg.rows import dict_row  # noqa: PLC0415
    from psycopg_pool import AsyncConnectionPool  # noqa: PLC0415

    dsn = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
    options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    pool: AsyncConnectionPool[AsyncConnection[dict[str, Any]]] = AsyncConnectionPool(
        dsn, min_size=1, max_size=8, kwargs=options, open=False
    )
    async with pool:
        postgres = AsyncPostgresSaver(pool, serde=serializer())
        async with pool.connection() as turn:
            await _take_turns(turn)
            try:
                await postgres.setup()
            finally:
                await turn.execute("SELECT pg_advisory_unlock(%s)", (_SETUP_LOCK,))
        yield postgres


async def _take_turns(connection: "AsyncConnection[dict[str, Any]]") -> None:
    """Processes that start together on an empty database would each make the same tables, and all but one fail.

    Asked again and again, for one that waits inside ``pg_advisory_lock`` would stop the index that the other one builds
    concurrently, and both would wait for ever.
    """
    query = "SELECT pg_try_advisory_lock(%s) AS ours"
    while True:
        row = await (await connection.execute(query, (_SETUP_LOCK,))).fetchone()
        if row is not None and row["ours"]:
            return
        await asyncio.sleep(0.1)
