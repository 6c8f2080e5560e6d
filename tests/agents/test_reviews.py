"""Decisions: what is allowed, who wins, and that none is lost."""

import asyncio

import pytest
from agent_parts import Recorded, SqliteSink, accept, answer, record, service
from langgraph.types import Command
from pydantic import ValidationError

from agents import (
    AlreadyDecidedError,
    CasePhase,
    InvalidReviewError,
    PendingWrite,
    StaleAssessmentError,
    UnknownCaseError,
)
from agents.runner import _config
from data_schemas import OverrideReason, ReviewDecision, ReviewerRole

OVERRIDE = ReviewDecision.OVERRIDE
WHY = OverrideReason.CLINICAL_JUDGEMENT


async def test_an_override_is_written_with_its_level(tmp_path):
    sink = SqliteSink(tmp_path / "hospital.db")
    async with service(tmp_path, sink=sink) as opened:
        case = await opened.assess(record())
        outcome = await accept(
            opened, case.id, decision=OVERRIDE, level=2, reason=WHY, comment="looks unwell"
        )
        assert (outcome.level, outcome.written) == (2, True)
        review = (await opened.get(case.id)).review
        assert (review.comment, review.reason, review.level) == ("looks unwell", WHY, 2)
        assert sink.log()[-1][1:] == ("final", 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"level": 2},  # accepting another level than the one suggested
        {"reason": WHY},  # accepting with an override's reason
        {"decision": OVERRIDE, "reason": WHY},  # no level
        {"decision": OVERRIDE, "level": 2},  # no reason
        {"decision": OVERRIDE, "level": 3, "reason": WHY},  # the suggested level
        {"decision": OVERRIDE, "level": 7, "reason": WHY},
        {"reviewer": ""},
        {"comment": "x" * 2001},
    ],
)
async def test_a_decision_that_contradicts_itself_is_refused_and_the_case_stays_open(tmp_path, wrong):
    async with service(tmp_path) as opened:
        case = await opened.assess(record())
        with pytest.raises(InvalidReviewError) as refused:
            await accept(opened, case.id, **wrong)
        assert "x" * 20 not in str(refused.value)
        assert (await opened.get(case.id)).phase is CasePhase.AWAITING_REVIEW
        assert (await accept(opened, case.id)).written


async def test_only_the_configured_role_goes_below_the_safety_floor(tmp_path):
    async with service(tmp_path, triager=Recorded(answer(3))) as opened:
        case = await opened.assess(record(avpu="U"))
        assert (case.assessment.floor, case.assessment.level) == (1, 1)
        lower = {"decision": OVERRIDE, "level": 3, "reason": WHY}
        for role in (ReviewerRole.NURSE, ReviewerRole.DEMO):
            with pytest.raises(InvalidReviewError, match="safety floor 1"):
                await accept(opened, case.id, role=role, **lower)
        assert (await accept(opened, case.id, role=ReviewerRole.PHYSICIAN, **lower)).level == 3


async def test_an_unknown_case_is_named(tmp_path):
    async with service(tmp_path) as opened:
        for call in (opened.get("nobody"), opened.history("nobody"), accept(opened, "nobody")):
            with pytest.raises(UnknownCaseError, match="nobody"):
                await call


async def test_of_two_reviewers_at_once_one_wins_and_the_other_learns_who(tmp_path):
    sink = SqliteSink(tmp_path / "hospital.db")
    async with service(tmp_path, sink=sink) as opened:
        case = await opened.assess(record())
        results = await asyncio.gather(
            *(accept(opened, case.id, reviewer=f"nurse-{n}") for n in range(6)), return_exceptions=True
        )
        won = [r for r in results if not isinstance(r, Exception)]
        lost = [r for r in results if isinstance(r, AlreadyDecidedError)]
        assert (len(won), len(lost)) == (1, 5)
        winner = (await opened.get(case.id)).review.reviewer
        assert {error.reviewer for error in lost} == {winner}
        assert sink.calls == ["propose", "finalize"]


async def test_two_services_on_one_database_also_give_one_winner(tmp_path):
    async with service(tmp_path) as one, service(tmp_path) as two:
        case = await one.assess(record())
        results = await asyncio.gather(
            accept(one, case.id, reviewer="a"), accept(two, case.id, reviewer="b"), return_exceptions=True
        )
        assert sum(isinstance(r, AlreadyDecidedError) for r in results) == 1
        assert sum(getattr(r, "written", False) for r in results) == 1
        assert [row[1] for row in SqliteSink(tmp_path / "hospital.db").log()] == ["preliminary", "final"]


async def test_a_case_assessed_again_is_not_decided_without_naming_the_assessment_seen(tmp_path):
    async with service(tmp_path) as opened:
        first = await opened.assess(record(hr=88))
        second = await opened.assess(record(hr=140))
        # The clinician may have looked at the first one.
        with pytest.raises(StaleAssessmentError) as stale:
            await accept(opened, first.id)
        assert stale.value.current == second.assessment.id
        assert (await opened.get(first.id)).review is None
        assert (await accept(opened, first.id, assessment_id=second.assessment.id)).written


@pytest.mark.parametrize("nobody", ["", " ", "\t\n"])
async def test_a_decision_needs_a_name(tmp_path, nobody):
    async with service(tmp_path) as opened:
        case = await opened.assess(record())
        with pytest.raises(InvalidReviewError, match="reviewer"):
            await accept(opened, case.id, reviewer=nobody)
        assert (await opened.get(case.id)).review is None


async def test_a_decision_on_a_superseded_assessment_is_refused(tmp_path):
    async with service(tmp_path) as opened:
        first = await opened.assess(record(hr=88))
        second = await opened.assess(record(hr=140))
        with pytest.raises(StaleAssessmentError) as stale:
            await accept(opened, first.id, assessment_id=first.assessment.id)
        assert stale.value.current == second.assessment.id
        assert (await accept(opened, first.id, assessment_id=second.assessment.id)).written


def decision(assessment_id: str, **more) -> dict:
    return {
        "assessment_id": assessment_id,
        "decision": "accept",
        "level": 3,
        "reviewer": "nobody",
        "role": "nurse",
        "decided_at": "2026-03-04T12:00:00Z",
    } | more


@pytest.mark.parametrize("nonsense", [{"decision": "maybe"}, "accept", 3, decision("another")])
async def test_an_invalid_resume_of_the_graph_leaves_the_case_answerable(tmp_path, nonsense):
    sink = SqliteSink(tmp_path / "hospital.db")
    async with service(tmp_path, sink=sink) as opened:
        case = await opened.assess(record())
        graph, context = opened._runner._graph, opened._context
        for _ in range(2):
            with pytest.raises(ValidationError):
                await graph.ainvoke(Command(resume=nonsense), _config(case.assessment.id), context=context)
        assert sink.calls == ["propose"]
        assert (await accept(opened, case.id)).written
        # The graph itself went to its end; the outbox did not have to step in.
        assert (await graph.aget_state(_config(case.assessment.id))).next == ()


async def test_a_resume_that_nobody_claimed_writes_nothing(tmp_path):
    """A decision put straight into the graph, past the store, never reaches the hospital's record."""
    sink = SqliteSink(tmp_path / "hospital.db")
    async with service(tmp_path, sink=sink) as opened:
        case = await opened.assess(record())
        forged = decision(case.assessment.id)
        graph = opened._runner._graph
        await graph.ainvoke(Command(resume=forged), _config(case.assessment.id), context=opened._context)
        assert sink.calls == ["propose"]
        assert (await opened.get(case.id)).phase is CasePhase.AWAITING_REVIEW
        assert (await accept(opened, case.id)).written


async def test_a_second_resume_of_a_finished_graph_writes_nothing(tmp_path):
    sink = SqliteSink(tmp_path / "hospital.db")
    async with service(tmp_path, sink=sink) as opened:
        case = await opened.assess(record())
        await accept(opened, case.id)
        review = (await opened.get(case.id)).review
        graph = opened._runner._graph
        await graph.ainvoke(Command(resume=review), _config(case.assessment.id), context=opened._context)
        assert sink.calls == ["propose", "finalize"]


async def test_a_store_that_fails_after_the_claim_does_not_lose_the_decision(tmp_path, monkeypatch, caplog):
    async with service(tmp_path) as opened:
        case = await opened.assess(record())

        async def broken(*args, **kwargs):
            raise OSError("disk full while writing Zebulon Quackenbush")

        with monkeypatch.context() as patch:
            patch.setattr(type(opened._store.outbox), "settle", broken)
            result = await accept(opened, case.id)
        assert isinstance(result, PendingWrite)
        assert not result.written
        assert (await opened.get(case.id)).phase is CasePhase.WRITE_PENDING
        assert "Zebulon" not in caplog.text
        await opened.recover()
        assert (await opened.get(case.id)).phase is CasePhase.WRITTEN
        assert [row[1] for row in SqliteSink(tmp_path / "hospital.db").log()] == ["preliminary", "final"]
        assert (await opened.verify_chain()).ok
