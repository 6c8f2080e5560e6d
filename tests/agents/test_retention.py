"""Closed cases are kept as long as is configured, and never a day longer than asked; open ones always."""

from datetime import timedelta

import pytest
from agent_parts import NOON, Clock, SqliteSink, accept, record, service

from agents import CasePhase, NoSink, Step

DAY = timedelta(days=1)


async def test_only_closed_cases_that_are_old_enough_are_purged(tmp_path, store_url):
    clock = Clock(NOON)
    sink = SqliteSink(tmp_path / "hospital.db")
    async with service(tmp_path, url=store_url, clock=clock, sink=sink) as opened:
        cases = {name: await opened.assess(record(f"test|Encounter/{name}")) for name in ("a", "b", "c", "d")}
        await accept(opened, cases["a"].id)
        sink.fail.add("finalize")
        await accept(opened, cases["c"].id)  # pending: its server does not answer
        sink.fail.clear()
        clock.now = NOON + 20 * DAY
        renewed = await opened.assess(record("test|Encounter/b"))  # nobody decides on a suggestion this old
        await accept(opened, renewed.id, assessment_id=renewed.assessment.id)  # closed just now
        clock.now = NOON + 31 * DAY
        due = await opened.records.due(30)
        assert [(case.case_id, case.closed_at.date()) for case in due] == [(cases["a"].id, NOON.date())]
        assert (await opened.get(cases["a"].id)).phase is CasePhase.WRITTEN  # looking erases nothing
        report = await opened.records.purge(30, by="keeper")
        assert (report.erased, report.kept) == ((cases["a"].id,), ())
        assert {c.id for c in await opened.list()} == {cases[name].id for name in "bcd"}
        entry = (await opened.history(cases["a"].id))[-1]
        assert (entry.step, entry.detail["reason"], entry.detail["by"]) == (
            Step.ERASED,
            "retention-period",
            "keeper",
        )
        assert (await opened.records.purge(30, by="keeper")).erased == ()
        clock.now = NOON + 365 * DAY
        assert (await opened.records.purge(30, by="keeper")).erased == (cases["b"].id,)
        assert (await opened.get(cases["c"].id)).phase is CasePhase.WRITE_PENDING
        assert (await opened.get(cases["d"].id)).phase is CasePhase.AWAITING_REVIEW
        chain = await opened.verify_chain()
        assert (chain.ok, chain.erased) == (True, 2)


async def test_the_border_is_the_instant_of_closing(tmp_path):
    clock = Clock(NOON)
    async with service(tmp_path, clock=clock, sink=NoSink()) as opened:
        case = await opened.assess(record())
        await accept(opened, case.id)
        closed = (await opened.get(case.id)).updated_at
        clock.now = closed + 7 * DAY - timedelta(seconds=1)
        assert await opened.records.due(7) == ()
        clock.now = closed + 7 * DAY + timedelta(seconds=1)
        assert [c.case_id for c in await opened.records.due(7)] == [case.id]
        with pytest.raises(ValueError, match="one day"):
            await opened.records.due(0)


async def test_a_case_that_is_taken_up_again_while_it_is_purged_is_kept(tmp_path, store_url, monkeypatch):
    clock = Clock(NOON)
    async with service(tmp_path, url=store_url, clock=clock) as opened:
        case = await opened.assess(record())
        await accept(opened, case.id)
        clock.now = NOON + 40 * DAY
        acquire = type(opened._store.cases).acquire

        async def late(self, case_id, now):
            monkeypatch.undo()
            await opened.assess(record(hr=150))  # the patient's facts change between the look and the erasure
            return await acquire(self, case_id, now)

        monkeypatch.setattr(type(opened._store.cases), "acquire", late)
        due = [c.case_id for c in await opened.records.due(30)]
        assert due == [case.id]
        # The service's own lock would make the two wait for each other, so the lock is another service's.
        monkeypatch.setattr(opened._runner, "alone", lambda key: _nothing())
        report = await opened.records.purge(30, by="keeper")
        assert report.erased == ()
        assert "awaiting-review" in report.kept[0]
        assert (await opened.get(case.id)).assessments == 2


class _nothing:  # noqa: N801
    async def __aenter__(self):
        return None

    async def __aexit__(self, *_):
        return None
