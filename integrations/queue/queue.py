"""The queue of one database: jobs in, how they stand, and what dead workers left behind."""

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.schema import SchemaManager
from psycopg_pool import PoolTimeout

from integrations.fhir._json import resource_id
from integrations.queue import sql
from integrations.queue.jobs import (
    LOST,
    MOST_LOST,
    TASK,
    FailedJob,
    Priority,
    QueueState,
    lock_of,
    server_mark,
)
from integrations.queue_errors import QueueAwayError, QueueMissingError
from integrations.queue_settings import QueueSettings

AWAY = (ConnectorException, psycopg.Error, PoolTimeout, OSError)
_CONNECT_S = 10
_SPARE_CONNECTIONS = 3


class AssessmentQueue:
    """See ``open_queue``. Every method raises ``QueueAwayError`` where the database does not answer."""

    def __init__(self, app: App, settings: QueueSettings) -> None:
        self.app = app
        self.settings = settings

    async def put(
        self, encounters: Collection[str], *, server: str, priority: Priority = Priority.ARRIVAL
    ) -> int:
        """Queue a job for each of these encounters (their ids) of ``server``; how many were new.

        Where a job for an encounter waits already none is added: it will read what the server holds then. Its priority
        is raised.

        Raises:
            ValueError: one is not a FHIR id.
        """
        for encounter in encounters:
            if resource_id({"id": encounter}) is None:
                raise ValueError("an encounter is given by its FHIR id alone")
        mark = server_mark(server)
        locks = {lock_of(mark, encounter): encounter for encounter in encounters}
        with named():
            rows = await self.app.connector.execute_query_all_async(
                sql.WAITING, queue=self.settings.name, locks=list(locks), priority=int(priority)
            )
            waiting = {row["lock"] for row in rows}
            new = [
                Job(
                    id=None,
                    queue=self.settings.name,
                    lock=lock,
                    # Not procrastinate's queueing lock: a job that is put back for another attempt would collide with
                    # a newer one of the same encounter, and stay in hand for ever.
                    queueing_lock=None,
                    task_name=TASK,
                    task_kwargs={"encounter": encounter, "server": mark},
                    priority=int(priority),
                )
                for lock, encounter in locks.items()
                if lock not in waiting
            ]
            if new:
                await self.app.job_manager.batch_defer_jobs_async(jobs=new)
        return len(new)

    async def state(self) -> QueueState:
        """How the queue stands."""
        with named():
            row = await self.app.connector.execute_query_one_async(
                sql.STATE, queue=self.settings.name, silent=self.settings.silent_seconds
            )
        return QueueState(
            waiting=row["waiting"],
            doing=row["doing"],
            dead=row["dead"],
            stalled=row["stalled"],
            workers=row["workers"],
            oldest_seconds=row["oldest"],
        )

    async def failed(self, limit: int = 100) -> tuple[FailedJob, ...]:
        """Dead jobs, then those that wait for another attempt."""
        with named():
            rows = await self.app.connector.execute_query_all_async(
                sql.FAILED, queue=self.settings.name, limit=limit
            )
        return tuple(FailedJob(**row) for row in rows)

    async def retry(self, ids: Sequence[int] | None = None) -> int:
        """Put dead jobs (all without ``ids``) back, with all their attempts; how many."""
        with named():
            rows = await self.app.connector.execute_query_all_async(
                sql.REVIVE, queue=self.settings.name, ids=None if ids is None else list(ids)
            )
        return len(rows)

    async def rescue(self) -> int:
        """Put back the jobs of workers that are silent; how many. A job that outlived several workers is dead."""
        with named():
            rows = await self.app.connector.execute_query_all_async(
                sql.RESCUE,
                queue=self.settings.name,
                silent=self.settings.silent_seconds,
                error=LOST,
                most=MOST_LOST,
            )
        return len(rows)

    async def held_by(self, worker: int) -> tuple[int, ...]:
        """The jobs that a worker has taken and not ended, as the database knows them."""
        with named():
            rows = await self.app.connector.execute_query_all_async(
                sql.HELD, queue=self.settings.name, worker=worker
            )
        return tuple(row["id"] for row in rows)

    async def put_back(self, jobs: Sequence[int], worker: int) -> int:
        """Give back these jobs where ``worker`` still has them; how many."""
        with named():
            rows = await self.app.connector.execute_query_all_async(
                sql.PUT_BACK, ids=list(jobs), worker=worker
            )
        return len(rows)

    async def note(self, job: int, error: str) -> None:
        """Keep the class of a failure."""
        with named():
            await self.app.connector.execute_query_async(sql.NOTE, job=job, error=error)


@asynccontextmanager
async def open_queue(settings: QueueSettings) -> AsyncIterator[AssessmentQueue]:
    """The configured queue; its tables are made where they are not there.

    Raises:
        QueueMissingError: none is configured.
        QueueAwayError: the database does not answer, or will not have the tables.
    """
    conninfo = settings.conninfo
    if conninfo is None:
        raise QueueMissingError(
            "no queue is configured: set TRIAGE_QUEUE__URL to a PostgreSQL database, postgresql://..."
        )
    with named():
        await _make_tables(conninfo)
        app = App(
            connector=PsycopgConnector(
                conninfo=conninfo,
                min_size=1,
                max_size=settings.concurrency + _SPARE_CONNECTIONS,
                timeout=_CONNECT_S,
            )
        )
        await app.open_async()
    try:
        yield AssessmentQueue(app, settings)
    finally:
        with named():
            await app.close_async()


@contextmanager
def named() -> Iterator[None]:
    """Database errors as ``QueueAwayError``: their own words may hold a connection's details."""
    failure: str | None = None
    try:
        yield
    except AWAY as error:
        failure = type(error.__cause__ or error).__name__
    if failure is not None:
        raise QueueAwayError(failure)


async def _make_tables(conninfo: str) -> None:
    """Processes that start together take turns."""
    async with await psycopg.AsyncConnection.connect(conninfo, connect_timeout=_CONNECT_S) as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (sql.LOCK,))
        there = await (await connection.execute("SELECT to_regclass('procrastinate_jobs')")).fetchone()
        if there is None or there[0] is None:
            await connection.execute(SchemaManager.get_schema())
        await connection.execute(sql.FAILURES)
