"""The quality page on real cases: what it shows, to whom, and that it names nobody."""

from datetime import timedelta

import pytest
from screen_parts import actor, html_of

from agents.quality import FEWEST, Period
from data_schemas import OverrideReason, ReviewDecision
from ui.dashboard.auth import PERMISSIONS, Permission, Role
from ui.dashboard.quality_parts.choosing import whole_days
from ui.dashboard.services import Problem


@pytest.fixture
def month(dashboard, arrive):
    """Twelve arrivals, ten decisions; two of them against the suggestion."""
    ids = []
    for number in range(12):
        case_id = arrive(
            "ankle sprain", name="Ada Example", heart_rate=80, age=30 if number else 85, minutes_ago=10
        )
        ids.append(case_id)
        if number >= 10:
            continue
        assessment = dashboard.case(actor(), case_id).assessment
        if number < 2:
            level = assessment.level - 1 if number else assessment.level + 1
            dashboard.decide(
                actor(),
                case_id,
                assessment.id,
                ReviewDecision.OVERRIDE,
                level=level,
                reason=OverrideReason.RESOURCES,
            )
        else:
            dashboard.decide(actor(), case_id, assessment.id, ReviewDecision.ACCEPT, confirmed=True)
    return ids


def last_30(dashboard):
    end = dashboard.now + timedelta(days=1)
    return Period(end - timedelta(days=30), end, end - timedelta(days=60))


def test_nobody_came(visit):
    app = visit("quality")
    assert not app.exception
    assert "No patient came in this period" in html_of(app)


@pytest.mark.parametrize("role", list(Role))
def test_every_role_sees_figures_and_no_name(visit, month, role):
    app = visit("quality", role=role)
    assert not app.exception
    shown = html_of(app)
    assert "20.0 % (5.7 to 51.0), 2 of 10" in shown
    assert "Truth not known" in shown
    assert "Nobody was asked for a level first" in shown
    for secret in ("Ada", "MRN-77", "Patient/1", *month):
        assert secret not in shown


def test_the_figures_are_those_of_the_records(dashboard, month):
    found = dashboard.quality(actor("researcher"), last_30(dashboard))
    assert (found.volumes.cases, found.volumes.decided) == (12, 10)
    assert found.waits.all.n == 10
    assert found.waits.all.median == pytest.approx(10)
    assert found.overrides.changed.hits == 2
    assert {r: (up, down) for r, up, down in found.overrides.reasons}[OverrideReason.RESOURCES] == (1, 1)
    assert found.drift.confidence.rules_only.value == 1
    ages = {group.name: group.n for group in found.subgroups[0].groups}
    assert ages == {"18-39": None, "80+": None}  # nine of ten would give the tenth away


def test_an_erased_case_is_in_no_figure(dashboard, month):
    from agents import ErasureReason

    async def erase(agent):
        return await agent.service.records.erase([month[0]], reason=next(iter(ErasureReason)), by="test")

    dashboard.background.run(erase)
    assert dashboard.quality(actor(), last_30(dashboard)).volumes.cases == 11


def test_a_new_assessment_counts_one_patient_and_the_first_decision(dashboard, arrive, month):
    key = dashboard.case(actor(), month[2]).encounter_key
    arrive("ankle sprain", key=key, heart_rate=175)
    found = dashboard.quality(actor(), last_30(dashboard))
    assert (found.volumes.cases, found.volumes.decided, found.volumes.again.hits) == (12, 10, 1)
    assert found.overrides.changed.hits == 2


def test_charts_have_a_plain_table(visit, month):
    app = visit("quality")
    assert "ed-columns" in html_of(app)
    app.toggle(key="quality-tables").set_value(True).run()
    shown = html_of(app)
    assert not app.exception
    assert "ed-columns" not in shown
    assert '<th scope="row">12</th>' in shown or '<th scope="row">11</th>' in shown


def test_small_groups_are_kept_back_on_the_screen(visit, month):
    shown = html_of(visit("quality"))
    assert f"&lt; {FEWEST}" in shown
    assert "kept back" in shown


def test_the_truth_is_what_the_table_says(visit, month, dashboard):
    rows = "\n".join(f"{case_id},3" for case_id in month) + "\nnobody,2\nbad,9\n"
    app = visit("quality")
    app.file_uploader(key="quality-truth").upload(
        "t.csv", f"case,true_level\n{rows}".encode(), "text/csv"
    ).run()
    assert not app.exception
    shown = html_of(app)
    assert "Truth not known" not in shown
    assert "of 10 decided patients that the table knows" in shown
    assert "Line 15: true_level is not 1 to 5" in shown
    assert "no patient of this period: 1." in shown


def test_a_table_that_is_none_is_refused_in_words(visit, month):
    app = visit("quality")
    app.file_uploader(key="quality-truth").upload("t.csv", b"a,b\n1,2\n", "text/csv").run()
    assert not app.exception
    assert "it needs the column case" in html_of(app)
    assert "Truth not known" in html_of(app)


def test_figures_are_computed_once_and_anew_on_request(visit, month, arrive, dashboard, monkeypatch):
    calls = []
    real = dashboard.quality
    monkeypatch.setattr(dashboard, "quality", lambda *a, **k: calls.append(1) or real(*a, **k))
    app = visit("quality")
    app.toggle(key="quality-tables").set_value(True).run()
    assert len(calls) == 1
    app.button(key="quality-refresh").click().run()
    assert len(calls) == 2


def test_records_that_are_away_are_said_to_be(visit, month, dashboard):
    dashboard.close()
    app = visit("quality")
    assert not app.exception
    assert "does not answer" in html_of(app)
    assert "Arrival to decision" not in html_of(app)


def test_who_may_not_see_it_gets_nothing(dashboard, month, monkeypatch):
    monkeypatch.setitem(PERMISSIONS, Role.NURSE, PERMISSIONS[Role.NURSE] - {Permission.SEE_QUALITY})
    with pytest.raises(Problem) as refused:
        dashboard.quality(actor(), last_30(dashboard))
    assert refused.value.key == "not-allowed"


def test_in_spanish(visit, month):
    app = visit("quality", language="es")
    assert not app.exception
    assert "No se conoce la verdad" in html_of(app)


def test_a_period_is_whole_days_of_the_readers_zone():
    from datetime import date
    from zoneinfo import ZoneInfo

    zone = ZoneInfo("Europe/Madrid")
    found = whole_days(date(2026, 3, 28), date(2026, 3, 30), 1, zone)  # the clocks go forward on the 29th
    assert (found.start.astimezone(zone).isoformat(), found.end.astimezone(zone).isoformat()) == (
        "2026-03-28T00:00:00+01:00",
        "2026-03-31T00:00:00+02:00",
    )
    assert found.before.astimezone(zone).isoformat() == "2026-03-25T00:00:00+01:00"
