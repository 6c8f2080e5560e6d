"""What a decision must bring with it, whatever the screen does."""

import pytest
from agent_parts import Recorded, accept, answer, record, service

from agents import Asking, InvalidReviewError, ReviewPolicy, must_confirm, questions
from data_schemas import OverrideReason, ReviewDecision, ReviewerRole

OVERRIDE = ReviewDecision.OVERRIDE
WHY = OverrideReason.CLINICAL_JUDGEMENT


@pytest.mark.parametrize("level", [1, 2])
async def test_an_urgent_suggestion_is_not_accepted_in_passing(tmp_path, level):
    async with service(tmp_path, triager=Recorded(answer(level))) as opened:
        case = await opened.assess(record())
        assert case.assessment.level == level
        with pytest.raises(InvalidReviewError, match="--confirm"):
            await accept(opened, case.id, confirmed=False)
        assert (await opened.get(case.id)).review is None
        await accept(opened, case.id)
        assert (await opened.get(case.id)).review.confirmed
        reviewed = next(h for h in await opened.history(case.id) if h.step.value == "reviewed")
        assert reviewed.detail["confirmed"] is True
        assert reviewed.intact


async def test_a_plain_suggestion_is_accepted_plainly(tmp_path):
    async with service(tmp_path, triager=Recorded(answer(4))) as opened:
        case = await opened.assess(record())
        assert must_confirm(case.assessment, opened.policy) is None
        assert (await accept(opened, case.id, confirmed=False)).level == 4
        review = (await opened.get(case.id)).review
        assert not review.confirmed
        assert "confirmed" not in review.model_dump(mode="json")


async def test_where_model_and_rules_are_at_odds_it_takes_a_confirmation(tmp_path):
    plenty = {"complaint": "medication refill"}
    async with service(tmp_path, triager=Recorded(answer(3))) as opened:
        case = await opened.assess(record(**plenty))
        assert "rules-disagree" in [flag.code for flag in case.assessment.flags]
        assert case.assessment.level == 3
        with pytest.raises(InvalidReviewError, match="rules-disagree"):
            await accept(opened, case.id, confirmed=False)
    policy = ReviewPolicy(confirm_conflicts=False)
    assert must_confirm(case.assessment, policy) is None


@pytest.mark.parametrize("role", list(ReviewerRole))
async def test_below_a_demand_rule_go_physicians_with_a_coded_reason(tmp_path, role):
    async with service(tmp_path, triager=Recorded(answer(3))) as opened:
        case = await opened.assess(record(avpu="V"))
        assert case.assessment.floor == 2
        for reason in (None, WHY):
            lower = {"decision": OVERRIDE, "level": 3, "reason": reason, "role": role}
            if role is ReviewerRole.PHYSICIAN and reason is not None:
                assert (await accept(opened, case.id, **lower)).level == 3
            else:
                with pytest.raises(InvalidReviewError):
                    await accept(opened, case.id, **lower)


async def test_a_considered_level_is_asked_about_and_the_answer_kept(tmp_path):
    async with service(tmp_path, triager=Recorded(answer(3))) as opened:
        case = await opened.assess(record(pain=8))
        asked = questions(case.assessment, 3)
        assert {question.statement_id for question in asked} == {"esi.b.pain-7"}
        assert all(question.text.endswith("Why not?") for question in asked)
        assert questions(case.assessment, 2) == ()
        assert (await accept(opened, case.id, why_not="chronic pain, walks")).level == 3
        assert (await opened.get(case.id)).review.why_not == "chronic pain, walks"


async def test_a_site_can_require_the_answer(tmp_path):
    policy = ReviewPolicy(why_not=Asking.REQUIRED)
    async with service(tmp_path, triager=Recorded(answer(3)), policy=policy) as opened:
        case = await opened.assess(record(pain=8))
        for nothing in (None, "", " "):
            with pytest.raises(InvalidReviewError, match=r"esi\.b\.pain-7.*--why-not"):
                await accept(opened, case.id, why_not=nothing)
        assert (await accept(opened, case.id, why_not="chronic pain")).level == 3
        other = await opened.assess(record("test|Encounter/2", pain=8))
        assert (
            await accept(opened, other.id, decision=OVERRIDE, level=2, reason=WHY)
        ).level == 2  # as urgent as asked: no question


async def test_the_answer_is_bounded_and_never_in_the_message(tmp_path):
    async with service(tmp_path) as opened:
        case = await opened.assess(record())
        with pytest.raises(InvalidReviewError) as refused:
            await accept(opened, case.id, why_not="Zebulon" * 400)
        assert "Zebulon" not in str(refused.value)
