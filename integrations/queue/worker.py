"""A worker: takes jobs until it is told to stop, and cleans up after workers that died."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from procrastinate import JobContext
from procrastinate.worker import Worker

from agents import AgentError, Case, utc_now
from integrations.assembly import Agent, open_agent, open_client, reader_settings
from integrations.fhir.identity import normal_base
from integrations.queue.hands import Hands
from integrations.queue.jobs import TASK
from integrations.queue.queue import AWAY, AssessmentQueue, open_queue
from integrations.queue.retry import Backoff
from integrations.queue.work import Work
from integrations.queue_errors import JobError, QueueAwayError, QueueError
from integrations.settings import Settings

logger = logging.getLogger(__name__)

_POLL_S = 2.0
_DELIVER_S = 30.0
_LONGEST_PAUSE_S = 30.0


@dataclass(slots=True)
class WorkerReport:
    """What a worker did. ``failures`` counts attempts by class; ``rescued``: jobs of workers that died."""

    assessed: int = 0
    closed: int = 0
    rescued: int = 0
    failures: Counter[str] = field(default_factory=Counter)


async def run_worker(
    settings: Settings,
    *,
    stop: asyncio.Event,
    drain: bool = False,
    on_ready: Callable[[Agent], None] | None = None,
    on_case: Callable[[Case], None] | None = None,
    on_problem: Callable[[str], None] | None = None,
) -> WorkerReport:
    """Work until ``stop`` is set; with ``drain`` also until nothing is due.

    Jobs in hand are finished first, for at most ``settings.queue.stop_seconds``; then others get them. While the
    queue's database is away it is looked for again and again.

    Args:
        settings: needs the queue, records in PostgreSQL that all workers share, and the FHIR server.
        stop: ends the worker in order.
        drain: do not wait for new jobs.
        on_ready: told once that jobs are taken.
        on_case: told of every assessed case.
        on_problem: told what went wrong, in words without patient data.

    Raises:
        QueueError: something of this is not configured, or the queue is away at the start.
        AgentError: the records cannot be opened.
    """
    base = _required(settings)
    report = WorkerReport()
    tell = on_problem or (lambda _: None)
    async with _opened(settings, base, on_case) as (agent, queue, work):
        hands = Hands()
        loop = _Loop(queue, hands, drain=drain)
        _register(queue, work, hands, report, tell)
        side = asyncio.create_task(
            _tidy(queue, agent, lambda: hands.put_back_orphans(queue, loop.worker_id), report, tell)
        )
        if on_ready is not None:
            on_ready(agent)
        try:
            await loop.run(stop, tell)
        finally:
            side.cancel()
            await asyncio.gather(side, return_exceptions=True)
    return report


def _required(settings: Settings) -> str:
    if settings.fhir.base_url is None:
        raise QueueError("a worker reads encounters from the FHIR server: set TRIAGE_FHIR__BASE_URL")
    if not (settings.database_url or "").startswith("postgresql"):
        raise QueueError(
            "workers share their records: set TRIAGE_DATABASE_URL to a PostgreSQL database. With records of their own "
            "two workers could each make a suggestion for one patient"
        )
    return settings.fhir.base_url


@asynccontextmanager
async def _opened(
    settings: Settings, base: str, on_case: Callable[[Case], None] | None
) -> AsyncIterator[tuple[Agent, AssessmentQueue, Work]]:
    write_to = base if settings.fhir.write_back else None
    async with (
        open_queue(settings.queue) as queue,
        open_agent(settings, write_to=write_to) as agent,
        open_client(settings, base) as client,
    ):
        work = Work(
            agent.service,
            client,
            source=normal_base(base),
            settings=reader_settings(settings),
            clock=utc_now,
            on_case=on_case,
        )
        yield agent, queue, work


def _register(
    queue: AssessmentQueue, work: Work, hands: Hands, report: WorkerReport, tell: Callable[[str], None]
) -> None:
    settings = queue.settings

    async def assess_encounter(context: JobContext, *, encounter: str, server: str) -> None:
        job = context.job.id
        with hands.holding(job):
            try:
                outcome = await work.do(encounter, server)
            except JobError as error:
                report.failures[error.name] += 1
                tell(f"job {job}: {error.name} (attempt {context.job.attempts + 1})")
                if job is not None:
                    with contextlib.suppress(QueueAwayError):
                        await queue.note(job, error.name)
                raise
        if outcome == "assessed":
            report.assessed += 1
        else:
            report.closed += 1

    queue.app.task(
        name=TASK,
        queue=settings.name,
        pass_context=True,
        retry=Backoff(settings.attempts, settings.longest_pause_seconds),
    )(assess_encounter)


class _Loop:
    """procrastinate's worker ends where the database was lost; it is started again until ``stop``."""

    def __init__(self, queue: AssessmentQueue, hands: Hands, *, drain: bool) -> None:
        self._queue, self._hands, self._drain = queue, hands, drain
        self._worker: Worker | None = None
        # It logs the arguments of jobs and the words of exceptions; what matters of them is told by us.
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL + 1)

    @property
    def worker_id(self) -> int | None:
        """In the queue's database; None while there is none."""
        return None if self._worker is None else self._worker.worker_id

    async def run(self, stop: asyncio.Event, tell: Callable[[str], None]) -> None:
        clock, pause = asyncio.get_running_loop().time, 1.0
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                began = clock()
                result = await self._once(stopping)
                if stop.is_set() or (self._drain and result is None):
                    return
                if isinstance(result, BaseException) and not isinstance(result, AWAY):
                    raise result
                tell("the queue's database was lost; looking for it again")
                lasted = clock() - began > _LONGEST_PAUSE_S
                pause = 1.0 if lasted else min(2 * pause, _LONGEST_PAUSE_S)
                await asyncio.wait({stopping}, timeout=pause)
        finally:
            stopping.cancel()

    async def _once(self, stopping: asyncio.Task[bool]) -> BaseException | None:
        settings = self._queue.settings
        self._worker = Worker(
            self._queue.app,
            queues=[settings.name],
            concurrency=settings.concurrency,
            wait=not self._drain,
            fetch_job_polling_interval=_POLL_S,
            # Without a wait for more it shuts down as soon as nothing is due, which is no reason to break off what is
            # in hand: only `stop` is, and then `_let_go` looks at the clock.
            shutdown_graceful_timeout=None if self._drain else settings.stop_seconds,
            delete_jobs="successful",
            install_signal_handlers=False,
            update_heartbeat_interval=settings.silent_seconds / 6,
            stalled_worker_timeout=settings.silent_seconds,
        )
        run: Callable[[], Coroutine[None, None, None]] = self._worker.run
        running = asyncio.create_task(run())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            running.cancel()  # it finishes what it has in hand
            if self._drain:
                await self._let_go(running)
        results = await asyncio.gather(running, return_exceptions=True)
        return results[0]

    async def _let_go(self, running: asyncio.Task[None]) -> None:
        await asyncio.wait({running}, timeout=self._queue.settings.stop_seconds)
        while not running.done():
            self._hands.let_go()
            await asyncio.wait({running}, timeout=1.0)


async def _tidy(
    queue: AssessmentQueue,
    agent: Agent,
    orphans: Callable[[], Awaitable[int]],
    report: WorkerReport,
    tell: Callable[[str], None],
) -> None:
    """Jobs of dead workers go back; what the hospital's record has not confirmed is tried again when due."""
    loop = asyncio.get_running_loop()
    delivered = loop.time()
    while True:
        try:
            rescued = await queue.rescue() + await orphans()
            if rescued:
                report.rescued += rescued
                tell(f"{rescued} jobs that nobody had in hand were put back")
            if loop.time() - delivered >= _DELIVER_S:
                delivered = loop.time()
                await agent.service.retry_pending()
        except (QueueAwayError, AgentError) as error:
            tell(f"{type(error).__name__}: trying again")
        except Exception as error:  # a defect here must not end the rescue of jobs
            logger.error("tidying failed: %s", type(error).__name__)
        await asyncio.sleep(queue.settings.silent_seconds / 3)
