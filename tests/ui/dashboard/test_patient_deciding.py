"""Deciding on the patient's page: the clicks it takes, what is asked, and what is told when it did not work."""

import pytest
from patient_parts import NORMAL, Recorded, answer, recorded_dashboard
from screen_parts import actor, html_of

from agents import Asking, calls
from data_schemas import FactKind, OverrideReason, ReviewDecision, ReviewerRole
from integrations.settings import ReviewSettings
from ui.dashboard import services
from ui.dashboard.services import Problem

ACCEPT = ReviewDecision.ACCEPT
WORDS = "she looks worse than her numbers"


@pytest.fixture
def model():
    return Recorded()


@pytest.fixture
def review():
    return ReviewSettings()


@pytest.fixture
def settings(settings, review):
    return settings.model_copy(update={"review": review})


@pytest.fixture
def dashboard(settings, clock, model):
    opened = recorded_dashboard(settings, clock, model)
    services.connect(opened)
    yield opened
    services.disconnect()


def button(app, start):
    (found,) = [b for b in app.button if b.key and b.key.startswith(start)]
    return found


def kept(dashboard, case):
    return dashboard.case(actor(), case).review


@pytest.mark.parametrize("level", [3, 4, 5])
def test_from_the_board_to_an_accepted_level_in_two_clicks_and_no_typing(
    arrive, visit, dashboard, model, level
):
    model.next = answer(level, "F3")
    case = arrive({3: "abdominal pain", 4: "ankle sprain", 5: "cold"}[level], **NORMAL)
    app = visit("board")
    button(app, f"open-{case}").click().run()
    accept = button(app, "accept-")
    assert accept.label.startswith(f"Accept level {level}")
    accept.click().run()
    assert not app.exception
    review = kept(dashboard, case)
    assert (review.decision, review.level, review.reviewer, review.role) == (
        ACCEPT,
        level,
        "nurse one",
        ReviewerRole.NURSE,
    )
    assert f"Level {level}," in html_of(app)
    assert "is decided." in html_of(app)
    assert [b for b in app.button if b.key == f"open-{case}"], "back on the board"


def test_accept_has_a_key_that_no_typing_presses_by_accident(arrive, visit):
    app = visit("patient", case=arrive(**NORMAL))
    assert button(app, "accept-").proto.shortcut == "alt+a"


@pytest.mark.parametrize("level", [1, 2])
def test_urgent_suggestions_take_a_deliberate_confirmation(arrive, visit, dashboard, model, level):
    model.next = answer(level, "F3")
    case = arrive(**NORMAL)
    app = visit("patient", case=case)
    assert button(app, "accept-").disabled
    assert "Deliberate decision" in html_of(app)
    (box,) = app.checkbox
    box.check().run()
    assert not button(app, "accept-").disabled
    button(app, "accept-").click().run()
    review = kept(dashboard, case)
    assert (review.level, review.confirmed) == (level, True)


def test_so_does_a_conflict_of_model_and_rules(arrive, visit, dashboard, model):
    model.next = answer(3, "F3")
    case = arrive("medication refill", **NORMAL)
    assert "rules-disagree" in [f.code for f in dashboard.case(actor(), case).assessment.flags]
    app = visit("patient", case=case)
    assert button(app, "accept-").disabled
    assert "The model and the rules are at odds" in html_of(app)


def test_another_level_with_a_coded_reason_and_a_comment(arrive, visit, dashboard):
    case = arrive(**NORMAL)
    app = visit("patient", case=case)
    app.radio(key=f"change-level-{case}").set_value(3).run()
    app.radio(key=f"change-reason-{case}").set_value(OverrideReason.MORE_INFORMATION).run()
    app.text_area(key=f"comment-{case}").set_value(WORDS).run()
    button(app, "override-").click().run()
    review = kept(dashboard, case)
    assert (review.level, review.reason, review.comment) == (3, OverrideReason.MORE_INFORMATION, WORDS)


def test_without_a_reason_it_is_told_beside_the_field_and_nothing_is_lost(arrive, visit, dashboard):
    case = arrive(**NORMAL)
    app = visit("patient", case=case)
    app.radio(key=f"change-level-{case}").set_value(3).run()
    app.text_area(key=f"comment-{case}").set_value(WORDS).run()
    button(app, "override-").click().run()
    assert kept(dashboard, case) is None
    assert '<p class="pt-error">Changing the level takes a reason.</p>' in html_of(app)
    assert app.text_area(key=f"comment-{case}").value == WORDS
    assert app.radio(key=f"change-level-{case}").value == 3


def test_what_only_a_physician_may_do_is_told_before_trying(arrive, visit, dashboard, model):
    case = arrive(**(NORMAL | {"avpu": "V"}))
    assert dashboard.case(actor(), case).assessment.floor == 2
    app = visit("patient", case=case)
    radio = app.radio(key=f"change-level-{case}")
    assert [option[0] for option in radio.options] == ["1"]
    assert "below the safety floor 2" in html_of(app)
    assert "Physician" in html_of(app)
    app = visit("patient", role="physician", case=case)
    app.radio(key=f"change-level-{case}").set_value(3).run()
    assert "less urgent than the safety floor 2" in html_of(app)
    app.radio(key=f"change-reason-{case}").set_value(OverrideReason.CLINICAL_JUDGEMENT).run()
    button(app, "override-").click().run()
    assert kept(dashboard, case).level == 3


def test_rules_that_ask_are_asked_and_the_answer_is_kept(arrive, visit, dashboard, model):
    model.next = answer(3, "F3")
    case = arrive("abdominal pain", **(NORMAL | {"pain": 8}))
    app = visit("patient", case=case)
    assert "A rule asks to consider level 2" in html_of(app)
    app.text_input(key=f"why-not-{case}").set_value("laughing with her son").run()
    button(app, "accept-").click().run()
    assert kept(dashboard, case).why_not == "laughing with her son"


@pytest.mark.parametrize("review", [ReviewSettings(why_not=Asking.REQUIRED)])
def test_where_the_site_wants_an_answer_there_is_no_decision_without(arrive, visit, dashboard, model, review):
    model.next = answer(3, "F3")
    case = arrive("abdominal pain", **(NORMAL | {"pain": 8}))
    app = visit("patient", case=case)
    button(app, "accept-").click().run()
    assert kept(dashboard, case) is None
    assert '<p class="pt-error">A rule asks to consider level 2. Say why not.</p>' in html_of(app)
    app.text_input(key=f"why-not-{case}").set_value("laughing with her son").run()
    button(app, "accept-").click().run()
    assert kept(dashboard, case).why_not == "laughing with her son"


def test_somebody_decided_first(arrive, visit, dashboard):
    case = arrive(**NORMAL)
    app = visit("patient", case=case)
    app.text_area(key=f"comment-{case}").set_value(WORDS).run()
    accept = button(app, "accept-")
    other, assessment = actor("physician"), dashboard.case(actor(), case).assessment.id
    why = OverrideReason.PATIENT_CHANGED
    dashboard.decide(other, case, assessment, ReviewDecision.OVERRIDE, level=2, reason=why)
    accept.click().run()
    drawn = html_of(app)
    assert "physician one decided first, at" in drawn
    assert "The decision that holds is level 2" in drawn
    assert "speak with them" in drawn
    assert WORDS in drawn
    assert (kept(dashboard, case).level, kept(dashboard, case).reviewer) == (2, "physician one")


def test_somebody_decided_while_the_fields_were_filled_in(arrive, visit, dashboard):
    """No click came too late: a field alone drew the page anew, and the decision stands where the fields were."""
    case = arrive(**NORMAL)
    app = visit("patient", case=case)
    app.text_area(key=f"comment-{case}").set_value(WORDS).run()
    assessment = dashboard.case(actor(), case).assessment.id
    dashboard.decide(
        actor("physician"),
        case,
        assessment,
        ReviewDecision.OVERRIDE,
        level=2,
        reason=OverrideReason.PATIENT_CHANGED,
    )
    app.radio(key=f"change-level-{case}").set_value(3).run()
    drawn = html_of(app)
    assert "physician one decided first, at" in drawn
    assert "Nothing was changed." in drawn
    assert WORDS in drawn
    assert kept(dashboard, case).level == 2
    assert "decided first" in html_of(app.run()), "it stays until it was read"
    button(app, "overtaken-").click().run()
    assert "decided first" not in html_of(app)
    assert WORDS not in html_of(app)


def test_a_newer_suggestion_is_never_decided_on_unseen(arrive, visit, dashboard, model):
    case = arrive(**NORMAL)
    app = visit("patient", case=case)
    app.text_area(key=f"comment-{case}").set_value(WORDS).run()
    accept = button(app, "accept-")
    model.next = answer(2, "F3")
    dashboard.reassess(actor(), case, {FactKind.HEART_RATE: 140})
    accept.click().run()
    assert kept(dashboard, case) is None
    drawn = html_of(app)
    assert "There is a newer suggestion" in drawn
    assert "ESI level 2, emergent, suggested" in drawn
    assert app.text_area(key=f"comment-{case}").value == WORDS


def test_an_expired_suggestion_is_told_before_trying_and_has_its_next_step(arrive, visit, dashboard, clock):
    case = arrive(**NORMAL)
    clock.forward(minutes=31)
    app = visit("patient", case=case)
    assert "too old to decide on" in html_of(app)
    assert not [b for b in app.button if b.key.startswith("accept-")]
    app.button(key="assess-again").click().run()
    assert "Assessed again" in html_of(app)
    button(app, "accept-").click().run()
    assert kept(dashboard, case) is not None


def test_a_suggestion_that_expires_under_the_cursor(arrive, visit, dashboard, clock):
    case = arrive(**NORMAL)
    app = visit("patient", case=case)
    accept = button(app, "accept-")
    app.session_state["_active_at"] = clock.now
    clock.forward(minutes=14)
    app.run()
    clock.forward(minutes=14)
    app.run()
    clock.forward(minutes=3)
    accept.click().run()
    assert kept(dashboard, case) is None
    assert "more than 30 minutes old" in html_of(app)


def test_the_service_goes_away_before_the_click(arrive, visit, dashboard, monkeypatch):
    case = arrive(**NORMAL)
    app = visit("patient", case=case)
    app.text_area(key=f"comment-{case}").set_value(WORDS).run()
    dashboard.close()
    button(app, "accept-").click().run()
    assert not app.exception
    drawn = html_of(app)
    assert "does not answer" in drawn
    assert "triage on paper" in drawn
    assert WORDS in drawn
    assert "not the present state" in drawn
    assert not [b for b in app.button if b.key.startswith(("accept-", "override-"))]


def test_when_the_service_is_back_the_words_are_too(arrive, visit, dashboard, settings, clock, model):
    case = arrive(**NORMAL)
    app = visit("patient", case=case)
    app.text_area(key=f"comment-{case}").set_value(WORDS).run()
    dashboard.close()
    app.run()
    services.connect(recorded_dashboard(settings, clock, model))
    app.button(key="try-again").click().run()
    assert app.text_area(key=f"comment-{case}").value == WORDS


def test_a_decided_case_shows_the_decision_and_no_button(arrive, visit, dashboard):
    case = arrive(**NORMAL)
    dashboard.decide(actor(), case, dashboard.case(actor(), case).assessment.id, ACCEPT)
    app = visit("patient", case=case)
    assert "accepted by nurse one" in html_of(app)
    assert "Kept here: no hospital record is connected" in html_of(app)
    assert not [b for b in app.button if b.key.startswith(("accept-", "override-"))]


def test_a_decided_case_does_not_say_that_it_waits_for_a_decision(arrive, visit, dashboard):
    case = arrive(**NORMAL)
    app = visit("patient", case=case)
    assert "suggested, not yet decided" in html_of(app)
    button(app, "accept-").click().run()
    drawn = html_of(visit("patient", case=case))
    assert "not yet decided" not in drawn
    assert "what was suggested" in drawn


def test_then_the_next_patient_who_waits(arrive, visit, dashboard):
    first, second = arrive("ankle sprain", **NORMAL), arrive("cold", name="Next Example", **NORMAL)
    app = visit("patient", case=first)
    app.toggle(key="then-next").set_value(True).run()
    button(app, "accept-").click().run()
    assert app.session_state["case_id"] == second
    assert "Next Example" in html_of(app)


def test_alerts_are_shown_and_noted_by_name(arrive, visit, dashboard, model):
    case = arrive(**NORMAL)
    dashboard.reassess(actor(), case, {FactKind.OXYGEN_SATURATION: 86})
    open_alerts = dashboard.alerts(actor(), case)
    assert open_alerts
    app = visit("patient", case=case)
    (call,) = calls(open_alerts)  # one deterioration, several reasons: one message, one button
    assert len(call.reasons) == len(open_alerts) > 1
    assert len([button for button in app.button if str(button.key).startswith("ack-")]) == 1
    assert all(alert.source in html_of(app) for alert in open_alerts)
    app.button(key=f"ack-{call.id}").click().run()
    assert dashboard.alerts(actor(), case) == ()
    noted = dashboard.alerts(actor(), case, open_only=False)
    assert {alert.acknowledged.by for alert in noted} == {"nurse one"}


def test_no_case_chosen_and_a_case_that_is_gone(visit, dashboard):
    assert "Choose a patient" in html_of(visit("patient"))
    drawn = html_of(visit("patient", case="00000000-0000-0000-0000-000000000000"))
    assert "no longer in the records" in drawn


def test_the_facade_refuses_what_a_forged_click_would_do(arrive, dashboard):
    case = arrive(**NORMAL)
    with pytest.raises(Problem, match="not-allowed"):
        dashboard.decide(actor("researcher"), case, "x", ACCEPT)
