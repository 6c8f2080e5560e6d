"""Level first: no suggestion before the nurse's own level, and the agreement is kept."""

from datetime import timedelta

import pytest
from patient_parts import NORMAL, Recorded, answer, recorded_dashboard
from screen_parts import actor, html_of

from agents.quality import Period
from data_schemas import FactKind, OverrideReason, ReviewDecision
from ui.dashboard import services
from ui.dashboard.services import Problem


@pytest.fixture
def model():
    return Recorded()


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"ui": settings.ui.model_copy(update={"level_first": True})})


@pytest.fixture
def dashboard(settings, clock, model):
    opened = recorded_dashboard(settings, clock, model)
    services.connect(opened)
    yield opened
    services.disconnect()


def own(app, level):
    (found,) = [b for b in app.button if b.key.startswith(f"own-{level}-")]
    return found


def accept(app):
    return next((b for b in app.button if b.key.startswith("accept-")), None)


TELLING = (
    "Suggestion",
    "suggested",
    "Why level",
    "How likely",
    "rules alone",
    "What the rules found",
    "What the model says",
    "pt-mark",
    "Look closely",
    "ed-level ",
    "Good to know",
    "Second look",
    "Ask for or measure first",
    "rule: level",
    "Possible level",
)


def test_nothing_of_the_suggestion_is_shown_before(arrive, visit, model):
    model.next = answer(2, "F3")
    app = visit("patient", case=arrive("abdominal pain", **(NORMAL | {"pain": 8})))
    drawn = html_of(app)
    assert not [word for word in TELLING if word in drawn]
    assert accept(app) is None
    assert "Give your own level first" in drawn
    assert "abdominal pain" in drawn
    assert "Heart rate" in drawn


def test_one_click_gives_the_level_and_shows_the_suggestion(arrive, visit, dashboard):
    case = arrive(**NORMAL)
    app = visit("patient", case=case)
    own(app, 3).click().run()
    drawn = html_of(app)
    assert "You gave 3, the suggestion is 4" in drawn
    accept(app).click().run()
    review = dashboard.case(actor(), case).review
    assert (review.level, review.unaided_level) == (4, 3)


def test_an_override_keeps_it_too_and_the_counts_are_right(arrive, visit, dashboard):
    cases = [arrive(**NORMAL) for _ in range(4)]
    for case, given, decided in zip(cases, (4, 3, 3, 5), (4, 4, 3, 3), strict=True):
        assessment = dashboard.case(actor(), case).assessment.id
        dashboard.give_level(actor(), case, assessment, given)
        accepting = decided == 4
        dashboard.decide(
            actor(),
            case,
            assessment,
            ReviewDecision.ACCEPT if accepting else ReviewDecision.OVERRIDE,
            level=None if accepting else decided,
            reason=None if accepting else OverrideReason.CLINICAL_JUDGEMENT,
        )
    now = dashboard.now
    month = timedelta(days=30)
    found = dashboard.quality(actor(), Period(now - month, now + month, now - 2 * month))
    own = found.unaided
    assert (own.n, own.exact.hits, own.first_more_urgent.hits, own.second_more_urgent.hits) == (4, 1, 2, 1)
    assert (found.swayed.hits, found.swayed.n) == (1, 3)


def test_the_first_level_holds(arrive, dashboard):
    case = arrive(**NORMAL)
    assessment = dashboard.case(actor(), case).assessment.id
    assert dashboard.give_level(actor(), case, assessment, 2) == 2
    assert dashboard.give_level(actor(), case, assessment, 4) == 2


def test_a_new_session_is_not_asked_again_and_another_nurse_is(arrive, visit, dashboard):
    case = arrive(**NORMAL)
    own(visit("patient", case=case), 4).click().run()
    assert accept(visit("patient", case=case)) is not None
    other = visit("patient", case=case, role="physician")
    assert accept(other) is None


def test_no_decision_without_it_whatever_is_clicked(arrive, dashboard):
    case = arrive(**NORMAL)
    with pytest.raises(Problem, match="level-first"):
        dashboard.decide(actor(), case, dashboard.case(actor(), case).assessment.id, ReviewDecision.ACCEPT)
    assert dashboard.case(actor(), case).review is None


def test_the_board_shows_no_badge_until_then(arrive, visit, dashboard, model):
    model.next = answer(2, "F3")
    case = arrive(**NORMAL)
    (row,) = dashboard.board(actor()).rows
    assert (row.level, row.suggested, row.look_closely, row.rules_only) == (None, None, False, False)
    board = html_of(visit("board"))
    card = board[board.index('class="bd-card') :]
    assert "No level yet" in card
    assert "emergent" not in card
    own(visit("patient", case=case), 3).click().run()
    assert dashboard.board(actor()).rows[0].level == 2


def test_who_decides_nothing_is_not_asked(arrive, visit, dashboard):
    drawn = html_of(visit("patient", role="auditor", case=arrive(**NORMAL)))
    assert "Why level 4" in drawn


def test_new_values_do_not_tell_the_level(arrive, visit, dashboard, model):
    case = arrive(**NORMAL)
    app = visit("patient", case=case)
    model.next = answer(2, "F3")
    app.text_input(key=f"measure-heart_rate-{case}").set_value("150").run()
    app.button(key=f"measure-send-{case}").click().run()
    drawn = html_of(app)
    assert "Give your own level next" in drawn
    assert not [word for word in TELLING if word in drawn]
    assert "Changed since the assessment before" in drawn
    assert "became" not in drawn


def test_alerts_stay_without_the_level_that_they_name(arrive, visit, dashboard, model):
    case = arrive(**NORMAL)
    first = actor("physician")
    assessment = dashboard.case(first, case).assessment.id
    dashboard.give_level(first, case, assessment, 4)
    dashboard.decide(first, case, assessment, ReviewDecision.ACCEPT)
    model.next = answer(2, "F3")
    dashboard.reassess(first, case, {FactKind.OXYGEN_SATURATION: 85})
    assert [a for a in dashboard.alerts(actor(), case) if a.code == "more-urgent-than-decided"]
    drawn = html_of(visit("patient", case=case))
    assert "More urgent than decided (…)" in drawn
    assert "4-" not in drawn[drawn.index("More urgent") : drawn.index("More urgent") + 40]
    (row,) = dashboard.board(actor()).rows
    assert "4-2" not in "".join(alert.subject + alert.message for alert in row.alerts)


def test_after_one_decision_the_next_suggestion_of_the_case_is_shown_and_not_counted(
    arrive, visit, dashboard
):
    case = arrive(**NORMAL)
    app = visit("patient", case=case)
    own(app, 4).click().run()
    dashboard.reassess(actor(), case, {FactKind.HEART_RATE: 90})
    app.run()
    accept(app).click().run()
    assert dashboard.case(actor(), case).review.unaided_level is None
