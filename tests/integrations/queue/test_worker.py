"""A worker on a real PostgreSQL and a real FHIR server: each patient once, whatever is away meanwhile."""

import asyncio
import logging
import socket
from pathlib import Path

import psycopg
import pytest

from agents import CasePhase, Step
from integrations.assembly import open_agent
from integrations.feed import open_fed_agent
from integrations.fhir.client import FhirClient
from integrations.fhir.errors import IntakeError
from integrations.queue import QueueError, open_queue, run_worker
from integrations.queue.jobs import MOST_DEFECTS
from integrations.queue.work import Work
from integrations.queue_feed import enqueue, watch
from integrations.samples import samples
from integrations.sandbox import SandboxServer
from integrations.sandbox.loading import load_bundle

REPOSITORY = Path(__file__).parents[3]


async def cases(settings):
    async with open_agent(settings, recover=False) as agent:
        found = await agent.service.list()
        histories = [await agent.service.history(case.id) for case in found]
        chain = await agent.service.verify_chain()
    assert not chain.problems
    return found, histories


async def until(reached, working=None, seconds=60):
    async with asyncio.timeout(seconds):
        while not await reached():
            assert working is None or not working.done()
            await asyncio.sleep(0.2)


async def drained(settings, **more):
    return await run_worker(settings, stop=asyncio.Event(), drain=True, **more)


async def dead(queue, count):
    return (await queue.state()).dead >= count


async def assessed(agent, encounters):
    return len(await agent.service.list(phases=[CasePhase.AWAITING_REVIEW])) == len(encounters)


async def assert_each_once(settings, encounters):
    found, histories = await cases(settings)
    assert sorted(case.encounter_key.rpartition("/")[2] for case in found) == sorted(encounters)
    assert {case.phase for case in found} == {CasePhase.AWAITING_REVIEW}
    assert {case.assessments for case in found} == {1}
    for steps in histories:
        assert [step.step for step in steps].count(Step.READ) == 1


async def test_every_open_visit_is_assessed_and_a_second_round_changes_nothing(
    ward, settings_for, encounters
):
    settings = settings_for(ward.base_url)
    assert await enqueue(settings) == (len(encounters), 0, 0)
    assert await enqueue(settings) == (0, len(encounters), 0)
    seen = []
    report = await drained(settings, on_case=seen.append)
    assert (report.assessed, report.closed, report.failures) == (len(encounters), 0, {})
    assert len(seen) == len(encounters)
    await assert_each_once(settings, encounters)
    assert await enqueue(settings, encounters[:3]) == (3, 0, 0)
    assert (await drained(settings)).assessed == 3
    await assert_each_once(settings, encounters)
    async with open_queue(settings.queue) as queue:
        state = await queue.state()
    assert (state.waiting, state.doing, state.dead, state.workers) == (0, 0, 0, 0)


async def test_jobs_that_cannot_be_done_are_dead_with_the_reason_and_stop_nobody(
    ward, settings_for, encounters
):
    settings = settings_for(ward.base_url, longest_pause_seconds=0.1)
    stop = asyncio.Event()
    async with open_queue(settings.queue) as queue:
        await queue.put(["nobody"], server=ward.base_url)
        await queue.put(encounters[:1], server="https://other.example.org")
        await queue.put(encounters[1:2], server=ward.base_url)
        told = []
        working = asyncio.create_task(run_worker(settings, stop=stop, on_problem=told.append))
        await until(lambda: dead(queue, 2), working)
        stop.set()
        report = await working
        found = {job.encounter: (job.error, job.dead, job.attempts) for job in await queue.failed()}
    assert report.assessed == 1
    assert found == {
        "nobody": ("FhirNotFoundError", True, MOST_DEFECTS),
        encounters[0]: ("AnotherServer", True, 1),
    }
    assert not any("sample" in words or "nobody" in words for words in told)


async def test_a_visit_that_is_over_needs_no_level(ward, settings_for):
    sample = samples()[20]
    await load_bundle(ward.base_url, sample.bundle())
    name = f"sample-{sample.id}-encounter"
    async with FhirClient(ward.base_url) as client:
        visit = await client.get(f"Encounter/{name}")
        await client.update({**visit, "status": "finished"}, None)
    settings = settings_for(ward.base_url)
    await enqueue(settings, [name])
    report = await drained(settings)
    assert (report.assessed, report.closed) == (0, 1)
    assert await cases(settings) == ((), [])


async def test_a_server_that_is_away_is_asked_again_until_it_is_there(tmp_path, settings_for):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    base = f"http://127.0.0.1:{port}/fhir"
    settings = settings_for(base, longest_pause_seconds=0.5)
    await enqueue(settings, ["sample-26-encounter"])
    stop, seen = asyncio.Event(), asyncio.Event()
    working = asyncio.create_task(run_worker(settings, stop=stop, on_case=lambda _: seen.set()))
    async with open_queue(settings.queue) as queue:
        async with asyncio.timeout(30):
            while not (failed := await queue.failed()) or failed[0].attempts < 2:
                assert not working.done()
                await asyncio.sleep(0.2)
        assert failed[0].error == "FhirUnreachableError"
        assert not failed[0].dead
    sample = next(sample for sample in samples() if sample.id == "26")
    server = SandboxServer(tmp_path / "late", venv=REPOSITORY / ".venv-sekmet", port=port)
    try:
        await asyncio.to_thread(server.start)
        await load_bundle(base, sample.bundle())
        async with asyncio.timeout(30):
            await seen.wait()
    finally:
        stop.set()
        report = await working
        server.stop()
    assert report.assessed == 1
    assert report.failures["FhirUnreachableError"] >= 2
    await assert_each_once(settings, ["sample-26-encounter"])


async def test_a_server_that_stays_away_leaves_a_dead_job_that_can_be_put_back(ward, settings_for):
    settings = settings_for("http://127.0.0.1:1/fhir", attempts=2, longest_pause_seconds=0.1)
    await enqueue(settings, ["sample-26-encounter"])
    stop = asyncio.Event()
    working = asyncio.create_task(run_worker(settings, stop=stop))
    async with open_queue(settings.queue) as queue:
        await until(lambda: dead(queue, 1))
        stop.set()
        await working
        (job,) = await queue.failed()
        assert (job.dead, job.attempts, job.error) == (True, 2, "FhirUnreachableError")
        assert await queue.retry([job.id]) == 1


async def test_a_lost_database_is_found_again(ward, settings_for, encounters, database):
    settings = settings_for(ward.base_url, silent_seconds=3)
    stop, told = asyncio.Event(), []
    ready = asyncio.Event()
    working = asyncio.create_task(
        run_worker(settings, stop=stop, on_ready=lambda _: ready.set(), on_problem=told.append)
    )
    await ready.wait()
    await asyncio.sleep(0.5)
    with psycopg.connect(database.replace("+psycopg", ""), autocommit=True) as connection:
        for _ in range(3):
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            await asyncio.sleep(0.3)
    await enqueue(settings, encounters)
    async with asyncio.timeout(60):
        async with open_queue(settings.queue) as queue:
            while (state := await queue.state()).waiting or state.doing:
                assert not working.done()
                await asyncio.sleep(0.3)
            assert state.dead == 0
    stop.set()
    await working
    await assert_each_once(settings, encounters)


@pytest.fixture
def slow_work(monkeypatch):
    """Every job takes so long, then does what it does."""
    pause, real = {"seconds": 0.5}, Work.do

    async def slowly(self, encounter, server):
        await asyncio.sleep(pause["seconds"])
        return await real(self, encounter, server)

    monkeypatch.setattr(Work, "do", slowly)
    return pause


async def test_draining_breaks_off_nothing_that_is_in_hand(ward, settings_for, encounters, slow_work):
    """The last jobs are in hand when nothing is due any more; nobody said stop."""
    settings = settings_for(ward.base_url, stop_seconds=0)
    await enqueue(settings)
    report = await drained(settings)
    assert (report.assessed, report.failures) == (len(encounters), {})
    await assert_each_once(settings, encounters)


@pytest.mark.parametrize(("drain", "at_once"), [(True, 1), (True, 16), (False, 1)])
async def test_told_to_stop_it_gives_back_what_takes_too_long(
    ward, settings_for, encounters, slow_work, drain, at_once
):
    """While more is due, and while all is in hand."""
    settings = settings_for(ward.base_url, stop_seconds=0.2, concurrency=at_once)
    stop = asyncio.Event()
    await enqueue(settings)
    slow_work["seconds"] = 120
    working = asyncio.create_task(run_worker(settings, stop=stop, drain=drain))
    async with open_queue(settings.queue) as queue:

        async def in_hand():
            return (await queue.state()).doing == min(at_once, len(encounters))

        await until(in_hand, working)
        stop.set()
        async with asyncio.timeout(60):
            assert (await working).assessed == 0
        state = await queue.state()
        assert (state.waiting, state.doing, state.dead) == (len(encounters), 0, 0)
    slow_work["seconds"] = 0
    assert (await drained(settings)).assessed == len(encounters)
    await assert_each_once(settings, encounters)


async def test_two_workers_share_the_jobs_and_no_patient_is_done_twice(ward, settings_for, encounters):
    settings = settings_for(ward.base_url)
    for _ in range(3):
        # By hand, past the look whether one waits already: several jobs for every encounter.
        async with open_queue(settings.queue) as queue:
            await queue.put(encounters, server=ward.base_url)
            await queue.app.connector.execute_query_async("UPDATE procrastinate_jobs SET lock = lock || 'x'")
    reports = await asyncio.gather(drained(settings), drained(settings))
    assert sum(report.assessed + report.failures.total() for report in reports) >= 3 * len(encounters)
    async with open_queue(settings.queue) as queue:
        async with asyncio.timeout(60):
            while (await queue.state()).waiting:
                await drained(settings)
        assert (await queue.state()).dead == 0
    await assert_each_once(settings, encounters)


async def test_agents_that_start_together_on_an_empty_database_all_start(settings_for):
    async def start() -> None:
        async with open_agent(settings_for()):
            pass

    await asyncio.gather(*(start() for _ in range(4)))


async def test_watching_queues_what_arrives(ward, settings_for, encounters):
    settings = settings_for(ward.base_url)
    stop = asyncio.Event()
    watching = asyncio.create_task(watch(settings, stop, pytest.fail))
    async with open_queue(settings.queue) as queue:

        async def all_wait():
            return (await queue.state()).waiting == len(encounters)

        await until(all_wait)
    stop.set()
    await watching


async def test_the_feed_leaves_arrivals_to_workers_and_assesses_where_there_is_none(
    ward, settings_for, encounters
):
    settings = settings_for(ward.base_url)
    told = []
    async with open_fed_agent(settings, on_problem=told.append) as agent:
        await until(lambda: assessed(agent, encounters))
    assert any("no worker" in words for words in told)
    async with open_queue(settings.queue) as queue:
        assert (await queue.state()).waiting == 0


async def test_with_a_worker_the_feed_only_queues(ward, settings_for, encounters):
    settings = settings_for(ward.base_url)
    stop, ready = asyncio.Event(), asyncio.Event()
    working = asyncio.create_task(run_worker(settings, stop=stop, on_ready=lambda _: ready.set()))
    await ready.wait()
    await asyncio.sleep(1)
    told, here = [], []
    async with open_fed_agent(settings, on_problem=told.append, on_case=here.append) as agent:
        await until(lambda: assessed(agent, encounters))
    stop.set()
    report = await working
    assert not told
    assert not here
    assert report.assessed >= len(encounters)
    await assert_each_once(settings, encounters)


async def test_a_worker_says_what_it_lacks(settings_for):
    with pytest.raises(QueueError, match="TRIAGE_FHIR__BASE_URL"):
        await drained(settings_for())
    alone = settings_for("http://127.0.0.1:1/fhir").model_copy(update={"database_url": None})
    with pytest.raises(QueueError, match="TRIAGE_DATABASE_URL"):
        await drained(alone)
    without = settings_for("http://127.0.0.1:1/fhir")
    without = without.model_copy(update={"queue": without.queue.model_copy(update={"url": None})})
    with pytest.raises(QueueError, match="TRIAGE_QUEUE__URL"):
        await drained(without)


async def test_nothing_of_a_patient_or_an_encounter_is_logged(ward, settings_for, encounters, caplog):
    settings = settings_for(ward.base_url)
    with caplog.at_level(logging.DEBUG):
        await enqueue(settings, [*encounters[:2], "nobody-at-all"])
        await drained(settings)
    ours = [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith(("procrastinate.worker", "integrations", "agents"))
    ]
    assert not [line for line in ours if "sample-" in line or "nobody-at-all" in line]


def test_a_reading_error_keeps_whether_it_may_pass():
    error = IntakeError("is away.", element="Encounter", remedy="Wait.", passing=True)
    assert error.at("somewhere").passing
    assert not IntakeError("is wrong.", element="Encounter", remedy="Mend it.").at("x").passing
