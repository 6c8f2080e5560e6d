"""Everybody who waits, read in a few queries, and only what changed read again."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from agent_parts import Clock, Recorded, accept, answer, record, service
from sqlalchemy import event

from agents import CasePhase, ErasureReason
from data_schemas import FactKind


@contextmanager
def statements(opened) -> Iterator[list[str]]:
    """The queries that were sent meanwhile."""
    sent: list[str] = []

    def note(_connection, _cursor, statement, *_):
        if statement.lstrip().upper().startswith("SELECT"):
            sent.append(statement)

    engine = opened._store.database.engine
    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


async def test_those_who_wait_and_nobody_else(tmp_path, store_url):
    clock = Clock()
    async with service(tmp_path, url=store_url, clock=clock, triager=Recorded(*[answer(4)] * 9)) as opened:
        decided = await opened.assess(record("test|Encounter/1"))
        await accept(opened, decided.id)
        waits = await opened.assess(record("test|Encounter/2"))
        found = {item.case.id: item for item in await opened.waiting()}
        assert found.keys() == {decided.id, waits.id}
        assert found[waits.id].due is not None
        assert not found[waits.id].due.decided
        assert found[decided.id].due.decided
        clock.now += timedelta(hours=4, minutes=1)
        assert [item.case.id for item in await opened.waiting()] == [waits.id]
        await opened.records.erase([waits.id], reason=ErasureReason.PATIENT_REQUEST, by="dpo", undecided=True)
        assert await opened.waiting() == ()


async def test_a_change_is_seen_at_the_next_look(tmp_path, store_url):
    async with service(tmp_path, url=store_url, triager=Recorded(*[answer(4)] * 9)) as opened:
        case = await opened.assess(record(hr=88))
        (before,) = await opened.waiting()
        assert before.earlier == ()
        await accept(opened, case.id)
        (decided,) = await opened.waiting()
        assert decided.case.review is not None
        await opened.assess(record(hr=120))
        (again,) = await opened.waiting()
        assert again.case.phase is CasePhase.AWAITING_REVIEW
        (earlier,) = again.earlier
        assert earlier.review == decided.case.review
        assert earlier.record.number(FactKind.HEART_RATE) == 88
        assert again.case == await opened.get(case.id)


async def test_more_who_wait_take_no_more_queries(tmp_path, store_url):
    async with service(tmp_path, url=store_url, triager=Recorded(*[answer(4)] * 40)) as opened:
        for number in range(12):
            case = await opened.assess(record(f"test|Encounter/{number}", hr=80))
            if number % 3 == 0:
                await opened.assess(record(f"test|Encounter/{number}", hr=90))
        with statements(opened) as first:
            assert len(await opened.waiting()) == 12
        assert len(first) == 3
        with statements(opened) as unchanged:
            kept = await opened.waiting()
        assert len(unchanged) == 1
        await accept(opened, case.id)
        with statements(opened) as one:
            found = await opened.waiting()
        assert len(one) == 2
        same = {item.case.id: item.case for item in kept}
        assert [item.case.id for item in found if same[item.case.id] is not item.case] == [case.id]


async def test_who_is_due_is_those_who_wait(tmp_path, store_url):
    clock = Clock()
    async with service(tmp_path, url=store_url, clock=clock, triager=Recorded(*[answer(3)] * 5)) as opened:
        for number in range(3):
            await opened.assess(record(f"test|Encounter/{number}"))
            clock.now += timedelta(minutes=1)
        clock.now += timedelta(minutes=28, seconds=30)
        due = await opened.due()
        assert [item.overdue for item in due] == [True, True, False]
        assert [item.due_at for item in due] == sorted(item.due_at for item in due)
        assert {item.case_id for item in due} == {item.case.id for item in await opened.waiting()}
