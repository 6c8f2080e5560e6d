"""Many cases and many reviewers who collide on purpose: one decision a case, none lost, everybody told the truth."""

import asyncio
import random
from collections import Counter

import pytest
from agent_parts import Recorded, SqliteSink, accept, answer, record, service
from sqlalchemy import select, text

from agents import AlreadyDecidedError, CasePhase, StaleAssessmentError
from agents.store.tables import reviews
from data_schemas import OverrideReason, ReviewDecision, TriageOutcome

REVIEWERS = [f"reviewer-{number}" for number in range(20)]


@pytest.mark.parametrize(
    "cases",
    [40, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])],
)
async def test_colliding_reviewers_decide_each_case_once(tmp_path, store_url, cases):
    """Two services on one database, as two machines would be; the order of everything is shuffled, from one seed."""
    dice = random.Random(20261122)
    sink = SqliteSink(tmp_path / "hospital.db")
    said = Recorded(answer(3, "F2"))
    async with (
        service(
            tmp_path, url=store_url, sink=sink, triager=said, write_timeout=300, propose_timeout=300
        ) as one,
        service(
            tmp_path, url=store_url, sink=sink, triager=said, write_timeout=300, propose_timeout=300
        ) as two,
    ):
        services = (one, two)
        keys = [f"crowd|Encounter/{number}" for number in range(cases)]
        first = await asyncio.gather(
            *(services[number % 2].assess(record(key)) for number, key in enumerate(keys))
        )
        # Every fourth patient is assessed again: who still looks at the first suggestion must not decide.
        again = dict(
            zip(
                range(0, cases, 4),
                await asyncio.gather(
                    *(one.assess(record(keys[number], hr=95)) for number in range(0, cases, 4))
                ),
                strict=True,
            )
        )
        attempts = []
        for number, case in enumerate(first):
            current = again.get(number, case)
            assert current.id == case.id
            reviewers = dice.sample(REVIEWERS, dice.choice((2, 2, 3)))
            attempts += [(case.id, current.assessment.id, who, False) for who in reviewers]
            if number in again:
                attempts.append((case.id, case.assessment.id, dice.choice(REVIEWERS), True))
        dice.shuffle(attempts)

        async def attempt(number, case_id, assessment_id, reviewer):
            level = 1 + REVIEWERS.index(reviewer) % 5  # a reviewer always decides this level
            more = (
                {"decision": ReviewDecision.ACCEPT}
                if level == 3
                else {
                    "decision": ReviewDecision.OVERRIDE,
                    "level": level,
                    "reason": OverrideReason.CLINICAL_JUDGEMENT,
                }
            )
            await asyncio.sleep(0)
            return await accept(
                services[number % 2], case_id, reviewer=reviewer, assessment_id=assessment_id, **more
            )

        results = await asyncio.gather(
            *(attempt(number, *item[:3]) for number, item in enumerate(attempts)), return_exceptions=True
        )
        won: dict[str, tuple[str, int]] = {}
        lost: Counter[str] = Counter()
        for (case_id, _, reviewer, stale), result in zip(attempts, results, strict=True):
            if isinstance(result, BaseException):
                assert isinstance(result, AlreadyDecidedError | StaleAssessmentError), repr(result)
                assert isinstance(result, StaleAssessmentError) or not stale
                lost[type(result).__name__] += 1
            else:
                assert not stale
                assert case_id not in won, "decided twice"
                won[case_id] = (reviewer, result.level)
        assert won.keys() == {case.id for case in first}
        assert lost == {
            "StaleAssessmentError": len(again),
            "AlreadyDecidedError": len(attempts) - cases - len(again),
        }
        # The loser of a race is told the winner's name.
        for item, result in zip(attempts, results, strict=True):
            if isinstance(result, AlreadyDecidedError):
                assert result.reviewer == won[item[0]][0]
        await one.recover()
        for case in await two.list():
            assert case.phase is CasePhase.WRITTEN
            assert (case.review.reviewer, case.review.level) == won[case.id]
            assert case.assessments == (2 if case.encounter_key in {keys[n] for n in again} else 1)
        finals = [(row[0], row[2]) for row in sink.log() if row[1] == "final"]
        assert sorted(finals) == sorted((case_id, level) for case_id, (_, level) in won.items())
        with one._store.database.engine.connect() as db:
            assert len(db.execute(select(reviews.c.case_id)).all()) == cases
            assert db.execute(text("SELECT count(*) FROM cases WHERE lease_owner IS NOT NULL")).scalar() == 0
        assert await one.pending() == ()
        chain = await one.verify_chain()
        assert chain.ok, chain.problems
    assert sum(isinstance(result, TriageOutcome) for result in results) == cases
