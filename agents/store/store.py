"""The store of one process: one database, a door for each use."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from agents.store.alerts import Alerts
from agents.store.engine import Database
from agents.store.erasure import Erasure
from agents.store.outbox import Outbox
from agents.store.reads import Reads
from agents.store.repository import Repository
from agents.store.runs import Runs
from agents.store.waiting import WaitingReads


@dataclass(frozen=True, slots=True)
class Store:
    """Changes to cases, the outbox, reading, erasure, runs, alerts, and who waits."""

    database: Database
    cases: Repository
    outbox: Outbox
    reads: Reads
    erasure: Erasure
    runs: Runs
    alerts: Alerts
    waiting: WaitingReads


@asynccontextmanager
async def open_store(url: str, lease: float) -> AsyncIterator[Store]:
    """Open the database at ``url``, migrate it, and close it at the end."""
    database = Database(url)
    try:
        await database.migrate()
        cases = Repository(database, lease)
        yield Store(
            database=database,
            cases=cases,
            outbox=Outbox(database),
            reads=Reads(database),
            erasure=Erasure(database, cases.owner),
            runs=Runs(database),
            alerts=Alerts(database),
            waiting=WaitingReads(database),
        )
    finally:
        database.close()
