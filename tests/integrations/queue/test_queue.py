"""Jobs on a real PostgreSQL: in, waiting, dead, put back; and that no job says anything of a patient."""

import asyncio
import json
from collections import Counter

import psycopg
import pytest
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job
from procrastinate.worker import Worker
from pydantic import SecretStr, ValidationError

from integrations.queue import Priority, QueueAwayError, QueueMissingError, open_queue
from integrations.queue.hands import Hands
from integrations.queue.jobs import LOST, MOST_DEFECTS, MOST_LOST, server_mark
from integrations.queue.retry import Backoff
from integrations.queue_errors import HopelessJobError, JobError, PassingJobError
from integrations.queue_settings import QueueSettings

SERVER = "https://fhir.example.org/r4"


def rows(database: str, query: str, *values: object) -> list[tuple]:
    with psycopg.connect(database.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.execute(query, values)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def settings(settings_for) -> QueueSettings:
    return settings_for().queue


async def test_an_encounter_that_waits_is_not_queued_again_but_more_urgently(settings, database):
    async with open_queue(settings) as queue:
        assert await queue.put(["a", "b"], server=SERVER, priority=Priority.REREAD) == 2
        assert await queue.put(["b", "c", "c"], server=f"{SERVER}/", priority=Priority.ARRIVAL) == 1
        assert await queue.put(["a"], server="https://other.example.org") == 1
        state = await queue.state()
    assert (state.waiting, state.doing, state.dead, state.workers) == (4, 0, 0, 0)
    assert state.oldest_seconds is not None
    found = rows(database, "SELECT args ->> 'encounter', priority FROM procrastinate_jobs ORDER BY id")
    assert found == [("a", 0), ("b", 10), ("c", 10), ("a", 10)]


async def test_a_job_holds_an_encounter_and_a_mark_and_nothing_else(settings, database):
    async with open_queue(settings) as queue:
        await queue.put(["e-1"], server=SERVER)
    (held,) = rows(database, "SELECT to_jsonb(job) FROM procrastinate_jobs job")
    assert held[0]["args"] == {"encounter": "e-1", "server": server_mark(SERVER)}
    assert "example.org" not in json.dumps(held)


@pytest.mark.parametrize("name", ["", "Encounter/1", "a b", "../x", "x" * 65])
async def test_only_a_fhir_id_is_an_encounter(settings, name):
    async with open_queue(settings) as queue:
        with pytest.raises(ValueError, match="FHIR id") as caught:
            await queue.put([name], server=SERVER)
    assert not name or name not in str(caught.value)


async def test_several_processes_may_make_the_tables_at_once(settings):
    async def use() -> int:
        async with open_queue(settings) as queue:
            return await queue.put(["one"], server=SERVER)

    assert sum(await asyncio.gather(*(use() for _ in range(6)))) >= 1


async def take(queue) -> Job:
    worker = await queue.app.job_manager.register_worker()
    job = await queue.app.job_manager.fetch_job(queues=[queue.settings.name], worker_id=worker)
    assert job is not None
    return job


def silence(database: str) -> None:
    rows(database, "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")


async def test_a_silent_workers_job_goes_back_and_a_living_ones_does_not(settings, database):
    async with open_queue(settings) as queue:
        await queue.put(["a"], server=SERVER)
        await take(queue)
        silence(database)
        await queue.put(["b"], server=SERVER)
        await take(queue)
        assert (await queue.state()).stalled == 1
        assert await queue.rescue() == 1
        state = await queue.state()
        assert (state.waiting, state.doing, state.stalled) == (1, 1, 0)
        (job,) = await queue.failed()
        assert (job.encounter, job.attempts, job.error, job.dead) == ("a", 1, LOST, False)


async def test_a_job_of_a_worker_that_was_struck_off_the_list_goes_back(settings):
    async with open_queue(settings) as queue:
        await queue.put(["a"], server=SERVER)
        job = await take(queue)
        await queue.app.job_manager.unregister_worker(job.worker_id)
        assert await queue.rescue() == 1


async def test_a_job_that_outlives_its_workers_is_dead_until_somebody_asks_for_it(settings, database):
    async with open_queue(settings) as queue:
        await queue.put(["poison"], server=SERVER)
        for _ in range(MOST_LOST):
            assert (await queue.state()).dead == 0
            await take(queue)
            silence(database)
            assert await queue.rescue() == 1
        state = await queue.state()
        assert (state.waiting, state.dead) == (0, 1)
        (job,) = await queue.failed()
        assert job.dead
        assert job.error == LOST
        assert await queue.retry([job.id + 1]) == 0
        assert await queue.retry() == 1
        assert (await queue.state()).waiting == 1
        assert await queue.failed() == ()


async def test_rescuers_at_the_same_time_put_a_job_back_once(settings, database):
    async with open_queue(settings) as queue, open_queue(settings) as other:
        await queue.put([f"e{n}" for n in range(20)], server=SERVER)
        for _ in range(20):
            await take(queue)
        silence(database)
        assert sum(await asyncio.gather(*(q.rescue() for q in (queue, other) * 4))) == 20
    assert rows(database, "SELECT count(*), max(attempts) FROM procrastinate_jobs") == [(20, 1)]


async def test_a_job_in_nobodys_hand_goes_back_at_the_second_look(settings):
    hands = Hands()
    async with open_queue(settings) as queue:
        await queue.put(["a", "b"], server=SERVER)
        first = await take(queue)
        second = await queue.app.job_manager.fetch_job(
            queues=[queue.settings.name], worker_id=first.worker_id
        )
        with hands.holding(first.id):
            assert await hands.put_back_orphans(queue, first.worker_id) == 0
            assert await hands.put_back_orphans(queue, first.worker_id) == 1
            assert await queue.held_by(first.worker_id) == (first.id,)
            assert await hands.put_back_orphans(queue, None) == 0
        (waiting,) = await queue.app.job_manager.list_jobs_async(status="todo")
        assert waiting.id == second.id


async def test_jobs_of_one_encounter_are_never_done_at_once(settings):
    """Two of them come in where one is queued while another is done."""
    async with open_queue(settings) as queue:
        doing: Counter[str] = Counter()
        most: Counter[str] = Counter()

        async def slow(*, encounter: str, server: str) -> None:
            doing[encounter] += 1
            most[encounter] = max(most[encounter], doing[encounter])
            if doing.total() == 1:
                assert await queue.put([encounter], server=SERVER) == 1
            await asyncio.sleep(0.05)
            doing[encounter] -= 1

        queue.app.task(name="assess_encounter", queue=settings.name)(slow)
        await queue.put(["a"], server=SERVER)
        await queue.put(["b"], server=SERVER)
        worker = Worker(queue.app, queues=[settings.name], concurrency=4, wait=True)
        running = asyncio.create_task(worker.run())
        await asyncio.sleep(0.6)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert most == {"a": 1, "b": 1}


def job(attempts: int) -> Job:
    return Job(id=1, queue="q", lock=None, queueing_lock=None, task_name="t", attempts=attempts)


def test_pauses_grow_to_a_limit_and_attempts_end():
    backoff = Backoff(attempts=60, longest_pause=60)
    pauses = [backoff.pause(n) for n in range(40)]
    assert 1 <= pauses[0] <= 2
    assert 2 <= pauses[1] <= 4
    assert all(30 <= pause <= 60 for pause in pauses[5:])
    decide = backoff.get_retry_decision
    assert decide(exception=PassingJobError("FhirTimeoutError"), job=job(58)) is not None
    assert decide(exception=PassingJobError("FhirTimeoutError"), job=job(59)) is None
    assert decide(exception=HopelessJobError("AnotherServer"), job=job(0)) is None
    assert decide(exception=JobError("KeyError"), job=job(MOST_DEFECTS - 2)) is not None
    assert decide(exception=JobError("KeyError"), job=job(MOST_DEFECTS - 1)) is None
    for given_back in (JobAborted(), asyncio.CancelledError()):
        assert decide(exception=given_back, job=job(1000)) is not None


async def test_a_queue_that_is_not_there_is_named_without_its_password():
    with pytest.raises(QueueMissingError, match="TRIAGE_QUEUE__URL"):
        async with open_queue(QueueSettings()):
            pass
    nowhere = QueueSettings(url=SecretStr("postgresql://triage:s3cret@127.0.0.1:1/none"))
    with pytest.raises(QueueAwayError) as caught:
        async with open_queue(nowhere):
            pass
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(nowhere)


def test_a_queue_needs_postgresql():
    with pytest.raises(ValidationError, match="PostgreSQL"):
        QueueSettings(url=SecretStr("sqlite:///queue.db"))
