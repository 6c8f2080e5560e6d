"""The rows of quality figures say what the cases themselves say, in both databases."""

from datetime import timedelta

import pytest
from agent_parts import SECRET, Recorded, accept, answer, record, service

from agents import NoSink
from data_schemas import AssessmentMode, FactKind, OverrideReason, ReviewDecision, ReviewerRole


async def test_rows_are_what_the_cases_hold(tmp_path, store_url):
    said = Recorded(answer(3, "F2"))
    async with service(tmp_path, url=store_url, sink=NoSink(), triager=said) as opened:
        one = await opened.assess(record("test|Encounter/1"))
        two = await opened.assess(record("test|Encounter/2", sbp=None))
        three = await opened.assess(record("test|Encounter/3"))
        await opened.review(
            two.id,
            ReviewDecision.OVERRIDE,
            level=2,
            reason=OverrideReason.MISSING_DATA,
            reviewer="n1",
            role=ReviewerRole.NURSE,
            unaided_level=2,
        )
        await accept(opened, three.id)
        again = await opened.assess(record("test|Encounter/3", hr=97))
        assert again.review is None
        at = one.created_at
        rows = await opened.records.visits(at - timedelta(days=1), at + timedelta(days=1))
        none = await opened.records.visits(at - timedelta(days=2), at - timedelta(days=1))
        alerts = await opened.records.alert_times(at - timedelta(days=1), at + timedelta(days=1))
        kept = await opened.alerts(open_only=False)
    found = {row.case_id: row for row in rows}
    assert none == ()
    assert found.keys() == {one.id, two.id, three.id}
    for case in (one, two, three):
        row = found[case.id]
        assert row.suggested.level == case.assessment.level
        assert row.suggested.mode is AssessmentMode.MODEL
        assert row.suggested.top == pytest.approx(max(case.assessment.probabilities.p))
        assert row.suggested.set_size == (
            case.assessment.set_least_urgent - case.assessment.set_most_urgent + 1
        )
        assert row.missing == frozenset(case.intake.missing)
        assert row.age_years == 44
        assert row.arrived_at == case.intake.arrived_at
    assert found[one.id].decided is None
    assert FactKind.SYSTOLIC_BP in found[two.id].missing
    decided = found[two.id].decided
    assert (decided.level, decided.reason, decided.unaided_level) == (2, OverrideReason.MISSING_DATA, 2)
    # Assessed again after its decision: the first decision and the suggestion that it was about are what counts.
    assert found[three.id].runs == 2
    assert found[three.id].decided.level == three.assessment.level
    assert [alert.code for alert in alerts] == [alert.code.value for alert in kept]
    assert SECRET not in repr(rows)
