"""The level that a clinician gave before the suggestion was shown: kept with the decision, on both databases."""

import pytest
from agent_parts import Recorded, accept, answer, record, service

from agents import InvalidReviewError
from data_schemas import ClinicianReview, OverrideReason, ReviewDecision


async def test_it_is_kept_with_the_decision_and_in_the_chain(tmp_path, store_url):
    async with service(tmp_path, url=store_url, triager=Recorded(answer(4))) as opened:
        case = await opened.assess(record())
        await accept(opened, case.id, unaided_level=3)
    async with service(tmp_path, url=store_url) as opened:
        kept = (await opened.get(case.id)).review
        assert (kept.level, kept.unaided_level) == (4, 3)
        reviewed = next(step for step in await opened.history(case.id) if step.step.value == "reviewed")
        assert reviewed.detail["unaided_level"] == 3
        assert reviewed.intact
        assert (await opened.verify_chain()).ok


async def test_an_override_keeps_it_too(tmp_path):
    async with service(tmp_path, triager=Recorded(answer(4))) as opened:
        case = await opened.assess(record())
        why = OverrideReason.CLINICAL_JUDGEMENT
        await accept(opened, case.id, decision=ReviewDecision.OVERRIDE, level=3, reason=why, unaided_level=3)
        assert (await opened.get(case.id)).review.unaided_level == 3


async def test_where_it_was_not_asked_nothing_is_stored_of_it(tmp_path):
    async with service(tmp_path, triager=Recorded(answer(4))) as opened:
        case = await opened.assess(record())
        await accept(opened, case.id)
        kept = (await opened.get(case.id)).review
        assert kept.unaided_level is None
        assert "unaided_level" not in kept.model_dump(mode="json")
        assert ClinicianReview.model_validate_json(kept.model_dump_json()) == kept


@pytest.mark.parametrize("level", [0, 6])
async def test_a_level_that_does_not_exist_is_refused(tmp_path, level):
    async with service(tmp_path, triager=Recorded(answer(4))) as opened:
        case = await opened.assess(record())
        with pytest.raises(InvalidReviewError, match="unaided_level"):
            await accept(opened, case.id, unaided_level=level)
        assert (await opened.get(case.id)).review is None
