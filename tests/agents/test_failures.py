"""The model or the hospital's record fails: the patient still gets a level, and nothing is called done."""

import asyncio
from datetime import timedelta

import pytest
from agent_parts import SECRET, Clock, Recorded, SqliteSink, accept, answer, record, service

from agents import CasePhase, NoSink, PendingWrite, Step
from data_schemas import AssessmentMode, WriteReceipt, WriteState
from triage.slm.errors import AnswerError, EngineBusyError, EngineTimeoutError


async def hang():
    await asyncio.sleep(60)


@pytest.mark.parametrize(
    ("failure", "name"),
    [
        (EngineBusyError("full"), "EngineBusyError"),
        (EngineTimeoutError("late"), "EngineTimeoutError"),
        (AnswerError("bad"), "AnswerError"),
        (hang, "EngineTimeoutError"),
        (RuntimeError(f"crashed on {SECRET}"), "RuntimeError"),
    ],
)
async def test_a_model_that_fails_leaves_rules_only_and_says_so(tmp_path, failure, name, caplog):
    async with service(tmp_path, triager=Recorded(failure), assess_timeout=0.2) as opened:
        case = await opened.assess(record(hr=130))
        found = case.assessment
        assert (found.mode, found.mode_reason) == (AssessmentMode.RULES_ONLY, name)
        assert (found.level, found.model_level, found.probabilities) == (found.screening.level, None, None)
        assert found.flags[0].code == "rules-only"
        assert found.needs_human
        assert case.phase is CasePhase.AWAITING_REVIEW
        history = await opened.history(case.id)
        assessed = next(h for h in history if h.step is Step.ASSESSED)
        assert (assessed.evidence, assessed.detail["failure"]) == (None, name)
        assert SECRET not in caplog.text
        assert (await accept(opened, case.id)).written


@pytest.mark.parametrize("fail", ["propose", "hang"])
async def test_a_record_that_does_not_take_the_proposal_does_not_block_the_clinician(tmp_path, fail, caplog):
    sink = SqliteSink(tmp_path / "hospital.db", fail=(fail,))
    clock = Clock()
    async with service(tmp_path, sink=sink, clock=clock, propose_timeout=0.2) as opened:
        case = await opened.assess(record())
        assert case.phase is CasePhase.AWAITING_REVIEW
        assert case.proposal.state is WriteState.UNKNOWN
        (pending,) = await opened.pending()
        assert (pending.case_id, pending.attempts) == (case.id, 1)
        assert pending.last_error == ("ConnectionError" if fail == "propose" else "TimeoutError")
        # Not due yet: nothing is tried.
        assert (await opened.retry_pending()).delivered == ()
        sink.fail.clear()
        clock.now += timedelta(seconds=10)
        assert (await opened.retry_pending()).delivered == (case.id,)
        assert await opened.pending() == ()
        assert (await opened.get(case.id)).proposal.state is WriteState.WRITTEN
        assert SECRET not in caplog.text


async def test_a_decision_that_cannot_be_written_is_pending_until_it_is(tmp_path):
    sink = SqliteSink(tmp_path / "hospital.db", fail=("finalize",))
    async with service(tmp_path, sink=sink) as opened:
        case = await opened.assess(record())
        result = await accept(opened, case.id)
        assert isinstance(result, PendingWrite)
        for _ in range(3):
            assert (await opened.get(case.id)).phase is CasePhase.WRITE_PENDING
            assert [c.id for c in await opened.list(phases=[CasePhase.WRITE_PENDING])] == [case.id]
            assert (await opened.retry_pending(force=True)).still_pending == (case.id,)
        assert Step.WRITTEN not in [h.step for h in await opened.history(case.id)]
        sink.fail.clear()
        assert (await opened.retry_pending(force=True)).delivered == (case.id,)
        done = await opened.get(case.id)
        assert (done.phase, done.written, done.final.state) == (CasePhase.WRITTEN, True, WriteState.WRITTEN)
        steps = [h.step for h in await opened.history(case.id)]
        assert steps.count(Step.WRITE_ATTEMPTED) == 4
        assert steps[-2:] == [Step.WRITTEN, Step.CLOSED]
        assert (await opened.verify_chain()).ok


class Lies(SqliteSink):
    """Says it has written, and has not (or has written something else)."""

    def __init__(self, path, level):
        super().__init__(path)
        self.level = level

    async def finalize(self, request):
        return (WriteReceipt(resource_type="Observation", resource_id="1", state=WriteState.WRITTEN),)

    async def read_back(self, request):
        return self.level


@pytest.mark.parametrize(("held", "state"), [(None, WriteState.UNKNOWN), (5, WriteState.CONFLICT)])
async def test_a_write_is_believed_only_when_it_is_read_back(tmp_path, held, state):
    async with service(tmp_path, sink=Lies(tmp_path / "hospital.db", held)) as opened:
        case = await opened.assess(record())
        assert not (await accept(opened, case.id)).written
        found = await opened.get(case.id)
        assert (found.phase, found.final.state) == (CasePhase.WRITE_PENDING, state)
        assert (await opened.pending())[0].last_error == "read-back"


class Says(SqliteSink):
    def __init__(self, path, *states):
        super().__init__(path)
        self.states = states

    async def finalize(self, request):
        return tuple(WriteReceipt(resource_type="Task", state=state) for state in self.states)


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        ((), WriteState.UNKNOWN),
        ((WriteState.WRITTEN, WriteState.CONFLICT), WriteState.CONFLICT),
        ((WriteState.WRITTEN, WriteState.PENDING), WriteState.PENDING),
        ((WriteState.REFUSED, WriteState.UNKNOWN), WriteState.REFUSED),
        ((WriteState.WRITTEN, WriteState.NOT_CONFIGURED), WriteState.NOT_CONFIGURED),
    ],
)
async def test_one_bad_receipt_is_enough(tmp_path, states, worst):
    async with service(tmp_path, sink=Says(tmp_path / "hospital.db", *states)) as opened:
        case = await opened.assess(record())
        result = await accept(opened, case.id)
        assert not result.written
        assert (await opened.get(case.id)).final.state is worst


async def test_without_a_hospital_record_the_decision_is_kept_and_not_called_written(tmp_path):
    async with service(tmp_path, sink=NoSink()) as opened:
        case = await opened.assess(record())
        outcome = await accept(opened, case.id)
        assert not outcome.written
        found = await opened.get(case.id)
        assert (found.phase, found.written) == (CasePhase.RECORDED, False)
        assert await opened.pending() == ()
        assert [h.step for h in await opened.history(case.id)][-1] is Step.CLOSED


async def test_an_undelivered_proposal_never_follows_the_decision(tmp_path):
    sink = SqliteSink(tmp_path / "hospital.db", fail=("propose",))
    async with service(tmp_path, sink=sink) as opened:
        case = await opened.assess(record())
        assert (await accept(opened, case.id)).written
        sink.fail.clear()
        await opened.retry_pending(force=True)
        assert sink.calls == ["propose", "finalize"]
        assert await opened.pending() == ()


async def test_the_model_may_be_asked_for_many_patients_at_once(tmp_path):
    async with service(tmp_path, triager=Recorded(answer(3, "F2"))) as opened:
        cases = await asyncio.gather(*(opened.assess(record(f"t|Encounter/{n}")) for n in range(8)))
        outcomes = await asyncio.gather(*(accept(opened, case.id) for case in cases))
        assert all(outcome.written for outcome in outcomes)
        assert len(await opened.list(phases=[CasePhase.WRITTEN])) == 8
        assert (await opened.verify_chain()).ok
