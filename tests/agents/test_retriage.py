"""The same patient again: nothing new is no work, new facts are a new assessment."""

import asyncio
from datetime import timedelta

from agent_parts import NOON, Recorded, SqliteSink, accept, answer, record, service

from agents import CasePhase


async def test_the_same_facts_give_the_same_case_and_ask_no_model(tmp_path):
    triager = Recorded()
    async with service(tmp_path, triager=triager) as opened:
        first = await opened.assess(record())
        # Read again an hour later, with nothing new.
        second = await opened.assess(record(read_at=NOON + timedelta(hours=1)))
        assert second == first
        await accept(opened, first.id)
        decided = await opened.assess(record())
        assert (decided.id, decided.phase) == (first.id, CasePhase.WRITTEN)
        assert triager.asked == 1


async def test_many_readings_at_once_make_one_case(tmp_path):
    triager = Recorded()
    async with service(tmp_path, triager=triager) as one, service(tmp_path, triager=triager) as two:
        cases = await asyncio.gather(*(s.assess(record()) for s in (one, two) * 3))
        assert len({case.id for case in cases}) == 1
        (case,) = await one.list()
        assert case.assessments == 1


async def test_changed_facts_supersede_the_waiting_assessment(tmp_path):
    sink = SqliteSink(tmp_path / "hospital.db")
    async with service(tmp_path, sink=sink, triager=Recorded(answer(4), answer(2))) as opened:
        first = await opened.assess(record(hr=88))
        second = await opened.assess(record(hr=140))
        assert second.id == first.id
        assert second.assessments == 2
        assert (first.assessment.level, second.assessment.level) == (4, 2)
        assert second.phase is CasePhase.AWAITING_REVIEW
        seen = second.assessment.id
        assert (await accept(opened, first.id, assessment_id=seen)).level == 2
        assert [row[1:] for row in sink.log()] == [("preliminary", 4), ("preliminary", 2), ("final", 2)]
        ids = {h.assessment_id for h in await opened.history(first.id)}
        assert ids == {first.assessment.id, second.assessment.id}


async def test_changed_facts_after_the_decision_ask_for_a_new_one(tmp_path):
    sink = SqliteSink(tmp_path / "hospital.db")
    async with service(tmp_path, sink=sink, triager=Recorded(answer(4), answer(2))) as opened:
        case = await opened.assess(record(hr=88))
        await accept(opened, case.id)
        again = await opened.assess(record(hr=140))
        assert (again.id, again.phase, again.review) == (case.id, CasePhase.AWAITING_REVIEW, None)
        assert (await accept(opened, case.id, assessment_id=again.assessment.id)).level == 2
        assert sink.log()[-1][1:] == ("final", 2)
        assert (await opened.verify_chain()).ok


async def test_an_overtaken_decision_is_not_written_after_the_newer_one(tmp_path):
    sink = SqliteSink(tmp_path / "hospital.db", fail=("finalize",))
    async with service(tmp_path, sink=sink, triager=Recorded(answer(4), answer(2))) as opened:
        case = await opened.assess(record(hr=88))
        assert not (await accept(opened, case.id)).written
        again = await opened.assess(record(hr=140))
        sink.fail.clear()
        assert (await accept(opened, case.id, assessment_id=again.assessment.id)).written
        await opened.retry_pending(force=True)
        assert [row[1:] for row in sink.log() if row[1] == "final"] == [("final", 2)]
        assert await opened.pending() == ()
