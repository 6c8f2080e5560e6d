"""The store of one process: one engine, four doors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from agents.store.engine import migrate, open_engine
from agents.store.outbox import Outbox
from agents.store.reads import Reads
from agents.store.repository import Repository


@dataclass(frozen=True, slots=True)
class Store:
    """Changes to cases, the outbox, and reading."""

    engine: AsyncEngine
    cases: Repository
    outbox: Outbox
    reads: Reads


@asynccontextmanager
async def open_store(url: str, lease: float) -> AsyncIterator[Store]:
    """Open the database at ``url``, migrate it, and close it at the end."""
    engine = open_engine(url)
    try:
        await migrate(engine)
        yield Store(engine, Repository(engine, lease), Outbox(engine), Reads(engine))
    finally:
        await engine.dispose()
