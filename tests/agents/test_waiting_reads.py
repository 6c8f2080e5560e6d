"""What is read to know who waits: closed cases are left out by the query, unchanged ones are not read again."""

from contextlib import contextmanager
from datetime import timedelta

from agent_parts import Clock, Recorded, accept, answer, record, service
from sqlalchemy import Engine, event


@contextmanager
def statements():
    """Every SELECT on the tables of cases, with its parameters as text."""
    seen = []

    def note(connection, cursor, statement, parameters, context, executemany):
        if statement.lstrip().upper().startswith("SELECT") and "cases" in statement:
            seen.append((statement, str(parameters)))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_closed_cases_are_not_read_and_unchanged_ones_not_again(tmp_path, store_url):
    clock = Clock()
    triager = Recorded(*[answer(3)] * 5)
    async with service(
        tmp_path, url=store_url, clock=clock, triager=triager, reassess_decided=7200
    ) as opened:
        closed = [await opened.assess(record(f"test|Encounter/{number}")) for number in range(3)]
        for case in closed:
            await accept(opened, case.id)
        clock.now += timedelta(hours=3)
        waits = await opened.assess(record("test|Encounter/8"))
        decided = await opened.assess(record("test|Encounter/9"))
        await accept(opened, decided.id)
        with statements() as first:
            assert {item.case_id for item in await opened.due()} == {waits.id, decided.id}
        with statements() as second:
            assert len(await opened.due()) == 2
        await accept(opened, waits.id)
        with statements() as third:
            assert {item.case_id for item in await opened.due() if item.decided} == {waits.id, decided.id}
    read = " ".join(parameters for _, parameters in first)
    assert waits.id in read
    assert decided.id in read
    assert not any(case.id in read for case in closed)
    assert len(first) == 2  # the stamps, then the cases that changed
    assert len(second) == 1  # only the stamps
    again = " ".join(parameters for _, parameters in third)
    assert waits.id in again
    assert decided.id not in again
