"""The store of one process: one database, four doors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from agents.store.engine import Database
from agents.store.erasure import Erasure
from agents.store.outbox import Outbox
from agents.store.reads import Reads
from agents.store.repository import Repository


@dataclass(frozen=True, slots=True)
class Store:
    """Changes to cases, the outbox, reading, and erasure."""

    database: Database
    cases: Repository
    outbox: Outbox
    reads: Reads
    erasure: Erasure


@asynccontextmanager
async def open_store(url: str, lease: float) -> AsyncIterator[Store]:
    """Open the database at ``url``, migrate it, and close it at the end."""
    database = Database(url)
    try:
        await database.migrate()
        cases = Repository(database, lease)
        yield Store(database, cases, Outbox(database), Reads(database), Erasure(database, cases.owner))
    finally:
        database.close()
