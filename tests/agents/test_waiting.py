"""Patients who wait: what changed, who is called, who is due, and suggestions that waited too long."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from agent_parts import NOON, Clock, Recorded, SqliteSink, accept, answer, record, service

from agents import (
    Alert,
    AlertCode,
    AlreadyAcknowledgedError,
    CasePhase,
    ErasureReason,
    ExpiredSuggestionError,
    InvalidReviewError,
    Trend,
    UnknownAlertError,
    calls,
)
from data_schemas import FactKind, ReviewerRole, WriteReceipt, WriteState

MINUTES = timedelta(minutes=1)
NURSE = ReviewerRole.NURSE


def keys(alerts):
    return {(alert.code.value, alert.subject) for alert in alerts}


async def test_changes_name_each_fact_with_its_direction(tmp_path, store_url):
    async with service(tmp_path, url=store_url, triager=Recorded(answer(4), answer(2))) as opened:
        first = await opened.assess(record(hr=88, pain=6))
        assert await opened.changes(first.id) is None
        await opened.assess(record(hr=140, pain=2, spo2=None, complaint="cough, now short of breath"))
        changes = await opened.changes(first.id)
    found = {change.kind: change for change in changes.record}
    assert found.keys() == {
        FactKind.HEART_RATE,
        FactKind.PAIN,
        FactKind.OXYGEN_SATURATION,
        FactKind.CHIEF_COMPLAINT,
    }
    heart = found[FactKind.HEART_RATE]
    assert (heart.change.value, heart.trend) == ("changed", Trend.WORSE)
    assert ("88" in heart.before, "140" in heart.after) == (True, True)
    assert "danger zone" in heart.why
    assert found[FactKind.PAIN].trend is Trend.BETTER
    gone = found[FactKind.OXYGEN_SATURATION]
    assert (gone.change.value, gone.trend, gone.after) == ("vanished", Trend.UNCLEAR, None)
    assert "not reassuring" in gone.why
    assert found[FactKind.CHIEF_COMPLAINT].trend is Trend.UNCLEAR
    assert (changes.level_before, changes.level_after, changes.level_trend) == (4, 2, Trend.WORSE)
    assert "esi.d.hr" in changes.rules_appeared
    assert changes.decided is None


async def test_deterioration_calls_somebody_once_and_is_acknowledged_by_name(tmp_path, store_url):
    async with service(tmp_path, url=store_url, triager=Recorded(answer(4), answer(4), answer(4))) as opened:
        case = await opened.assess(record(hr=88, avpu="A"))
        assert await opened.alerts() == ()
        await opened.assess(record(hr=140, avpu="V"))
        raised = await opened.alerts(case.id)
        assert keys(raised) >= {
            ("new-danger-zone", "heart_rate"),
            ("news2-rise", "rise"),
            ("news2-single-parameter", "avpu"),
            ("consciousness-worse", "avpu"),
            ("shock-index-raised", "shock-index"),
            ("new-demand-rule", "esi.b.new-confusion"),
        }
        for alert in raised:
            assert alert.source
            assert not any(value in alert.message for value in ("140", "88", "128", "cough", "Zebulon"))
        # Worse again by one thing: what was told is not told again.
        await opened.assess(record(hr=141, avpu="V"))
        assert {alert.id for alert in await opened.alerts()} == {alert.id for alert in raised}
        taken = await opened.acknowledge(raised[0].id, by=" nurse-7 ", role=NURSE)
        assert (taken.acknowledged.by, taken.acknowledged.role) == ("nurse-7", NURSE)
        with pytest.raises(AlreadyAcknowledgedError, match="nurse-7"):
            await opened.acknowledge(raised[0].id, by="nurse-8", role=NURSE)
        with pytest.raises(UnknownAlertError):
            await opened.acknowledge("nobody", by="nurse-8", role=NURSE)
        with pytest.raises(InvalidReviewError):
            await opened.acknowledge(raised[1].id, by=" ", role=NURSE)
        assert len(await opened.alerts()) == len(raised) - 1
        assert len(await opened.alerts(open_only=False)) == len(raised)
        steps = [(h.step.value, h.intact) for h in await opened.history(case.id)]
        assert steps.count(("alerted", True)) == len(raised)
        assert steps.count(("acknowledged", True)) == 1
        assert (await opened.verify_chain()).ok


async def test_one_deterioration_is_one_call_with_its_reasons(tmp_path, store_url):
    async with service(tmp_path, url=store_url) as opened:
        case = await opened.assess(record(hr=88))
        await opened.assess(record(hr=140, avpu="V"))
        await opened.assess(record("http://ward.test|Encounter/2", hr=88))
        await opened.assess(record("http://ward.test|Encounter/2", hr=140))
        raised = await opened.alerts()
        first, second = calls(raised)
        assert len(first.reasons) > 5
        assert {alert.id for call in (first, second) for alert in call.reasons} == {a.id for a in raised}
        assert {alert.case_id for alert in first.reasons} == {case.id}
        assert first.since == min(alert.since for alert in first.reasons)
        taken = await opened.take_note(first.reasons[2].id, by="nurse-7", role=NURSE)
        assert {alert.id for alert in taken.reasons} == {alert.id for alert in first.reasons}
        assert not taken.open
        assert calls(await opened.alerts()) == (second,)
        # Each reason keeps its own record.
        steps = [(h.step.value, h.intact) for h in await opened.history(case.id)]
        assert steps.count(("alerted", True)) == steps.count(("acknowledged", True)) == len(first.reasons)
        with pytest.raises(AlreadyAcknowledgedError, match="nurse-7"):
            await opened.take_note(first.id, by="nurse-8", role=NURSE)
        with pytest.raises(UnknownAlertError):
            await opened.take_note("nobody", by="nurse-8", role=NURSE)
        # Somebody noted one reason alone: the others are a call that is still open.
        await opened.acknowledge(second.reasons[0].id, by="nurse-7", role=NURSE)
        (left,) = calls(await opened.alerts())
        assert len(left.reasons) == len(second.reasons) - 1
        noted = [call for call in calls(await opened.alerts(open_only=False)) if call.case_id != case.id]
        assert sorted(call.open for call in noted) == [False, True]
        await opened.take_note(left.id, by="nurse-8", role=NURSE)
        assert await opened.alerts() == ()
        assert (await opened.verify_chain()).ok


def test_a_level_in_the_record_calls_for_something_else():
    since = datetime(2026, 3, 4, 12, tzinfo=UTC)

    def alert(number, code):
        return Alert(
            id=str(number),
            case_id="c",
            assessment_id="a",
            raised_at=since,
            code=code,
            subject="s",
            message="m",
            since=since,
            source="s",
        )

    found = calls([alert(1, AlertCode.SHOCK_INDEX), alert(2, AlertCode.RECORD_LESS_URGENT)])
    assert [call.id for call in found] == ["1", "2"]


async def test_of_two_who_acknowledge_at_once_one_is_kept(tmp_path, store_url):
    async with (
        service(tmp_path, url=store_url) as one,
        service(tmp_path, url=store_url) as two,
    ):
        await one.assess(record(hr=88))
        await one.assess(record(hr=140))
        alert = (await one.alerts())[0]
        results = await asyncio.gather(
            *(s.acknowledge(alert.id, by=f"n{n}", role=NURSE) for n, s in enumerate((one, two) * 3)),
            return_exceptions=True,
        )
        assert sum(not isinstance(result, Exception) for result in results) == 1
        assert sum(isinstance(result, AlreadyAcknowledgedError) for result in results) == 5
        assert (await one.verify_chain()).ok


async def test_a_slow_decline_is_noticed_against_the_last_look(tmp_path):
    """Each step is one point of NEWS2; two of them since somebody looked are two."""
    async with service(tmp_path, triager=Recorded(answer(3))) as opened:
        case = await opened.assess(record(hr=88, sbp=128))
        await accept(opened, case.id)
        await opened.assess(record(hr=95, sbp=128))
        assert keys(await opened.alerts()) == set()
        await opened.assess(record(hr=95, sbp=108))
        assert keys(await opened.alerts()) == {("news2-rise", "rise")}


async def test_a_missing_sign_does_not_hide_a_rise(tmp_path):
    """The sum stays, because the respiratory rate is no longer recorded; what both runs know is worse."""
    async with service(tmp_path, triager=Recorded(answer(3))) as opened:
        await opened.assess(record(hr=88, rr=22))
        await opened.assess(record(hr=115, rr=None))
        assert ("news2-rise", "rise") in keys(await opened.alerts())


async def test_getting_better_calls_nobody(tmp_path):
    async with service(tmp_path, triager=Recorded(answer(2), answer(3))) as opened:
        case = await opened.assess(record(hr=140))
        await opened.assess(record(hr=88))
        assert await opened.alerts() == ()
        trends = {change.kind: change.trend for change in (await opened.changes(case.id)).record}
        assert trends == {FactKind.HEART_RATE: Trend.BETTER}


async def test_a_level_more_urgent_than_the_one_decided_calls_somebody(tmp_path):
    async with service(tmp_path, triager=Recorded(answer(4), answer(2), answer(2))) as opened:
        case = await opened.assess(record(pain=2))
        await accept(opened, case.id)
        await opened.assess(record(pain=3))
        (alert,) = await opened.alerts()
        assert (alert.code, alert.subject) == (AlertCode.MORE_URGENT, "4-2")
        await opened.assess(record(pain=4))
        assert len(await opened.alerts()) == 1
        assert (await opened.changes(case.id)).decided == 4


class Held(SqliteSink):
    """A record in which somebody else signed another level."""

    def __init__(self, path, level):
        super().__init__(path)
        self.level = level

    async def finalize(self, request):
        self.calls.append("finalize")
        return (WriteReceipt(resource_type="Observation", state=WriteState.CONFLICT, held_level=self.level),)


@pytest.mark.parametrize(("held", "called"), [(4, {("record-less-urgent", "4-2")}), (1, set())])
async def test_a_less_urgent_level_in_the_record_is_escalated_and_never_overwritten(
    tmp_path, store_url, held, called
):
    sink = Held(tmp_path / "hospital.db", held)
    async with service(tmp_path, url=store_url, sink=sink, triager=Recorded(answer(2))) as opened:
        case = await opened.assess(record())
        assert not (await accept(opened, case.id)).written
        await opened.retry_pending(force=True)
        assert sink.calls.count("finalize") == 2
        assert keys(await opened.alerts()) == called
        assert (await opened.get(case.id)).phase is CasePhase.WRITE_PENDING
        assert [row[1] for row in sink.log()] == ["preliminary"]
        assert (await opened.verify_chain()).ok


async def test_erasure_takes_the_alerts_too(tmp_path, store_url):
    async with service(tmp_path, url=store_url, triager=Recorded(answer(3))) as opened:
        case = await opened.assess(record(hr=88))
        again = await opened.assess(record(hr=140))
        assert len((await opened.records.export_case(case.id, by="dpo-1")).cases[0].alerts) >= 1
        await accept(opened, case.id, assessment_id=again.assessment.id)
        await opened.records.erase([case.id], reason=ErasureReason.TEST_DATA, by="dpo")
        assert await opened.alerts(open_only=False) == ()
        assert (await opened.verify_chain()).ok


async def test_a_suggestion_that_waited_too_long_is_refused_and_assessing_again_is_the_remedy(
    tmp_path, store_url
):
    clock, triager = Clock(), Recorded(answer(3))
    async with service(tmp_path, url=store_url, clock=clock, triager=triager) as opened:
        case = await opened.assess(record())
        clock.now += 31 * MINUTES
        with pytest.raises(ExpiredSuggestionError, match="assess the patient again"):
            await accept(opened, case.id)
        assert (await opened.get(case.id)).review is None
        # The same facts: nothing changed but the time, and that is enough.
        again = await opened.assess(record())
        assert (again.id, again.assessments) == (case.id, 2)
        assert again.assessment.id != case.assessment.id
        assert triager.asked == 2
        assert (await opened.changes(case.id)).record == ()
        assert await opened.alerts() == ()
        assert (await accept(opened, case.id, assessment_id=again.assessment.id)).level == 3
        clock.now += 31 * MINUTES
        assert (await opened.assess(record())).assessments == 2  # decided: time alone opens nothing
        assert (await opened.verify_chain()).ok


async def test_the_age_limit_can_be_switched_off(tmp_path):
    clock = Clock()
    async with service(tmp_path, clock=clock, suggestion_age=0) as opened:
        case = await opened.assess(record())
        clock.now += 600 * MINUTES
        assert (await opened.assess(record())).assessments == 1
        assert (await accept(opened, case.id)).level == 3


async def test_who_waits_is_due_by_level_from_the_last_vital_signs(tmp_path):
    clock = Clock()
    triager = Recorded(answer(2), answer(4), answer(3))
    async with service(
        tmp_path, clock=clock, triager=triager, reassess_minutes=(0, 10, 30, 60, 120), reassess_decided=7200
    ) as opened:
        two = await opened.assess(record("test|Encounter/2"))
        four = await opened.assess(record("test|Encounter/4"))
        measured = record("test|Encounter/3")
        facts = tuple(
            fact.model_copy(update={"observed_at": NOON - 25 * MINUTES})
            if fact.kind is FactKind.HEART_RATE
            else fact
            for fact in measured.facts
        )
        three = await opened.assess(measured.model_copy(update={"facts": facts}))
        due = await opened.due()
        assert [item.case_id for item in due] == [three.id, two.id, four.id]
        assert due[0].from_vital_signs
        assert due[0].due_at == NOON + 5 * MINUTES
        assert not any(item.overdue for item in due)
        clock.now += 12 * MINUTES
        late = {item.case_id: round(item.overdue_minutes) for item in await opened.due() if item.overdue}
        assert late == {two.id: 2, three.id: 7}
        assert (await opened.due())[0].case_id == two.id  # overdue: the most urgent first
        await accept(opened, four.id)
        assert {item.case_id: item.decided for item in await opened.due()}[four.id]
        clock.now += 121 * MINUTES
        assert four.id not in {item.case_id for item in await opened.due()}
