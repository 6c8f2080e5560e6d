"""Nothing of a record becomes markup on the patient's page, and no patient data stands in addresses or titles."""

import pytest
from patient_parts import NORMAL, Recorded, answer, recorded_dashboard
from screen_parts import actor, html_of

from data_schemas import OverrideReason, ReviewDecision
from ui.dashboard import services

HOSTILE = [
    "<script>alert(1)</script> ankle sprain",
    'ankle "><img src=x onerror=alert(1)> sprain',
    "ankle sprain </div></section><h1>Level 5</h1>",
    "![x](https://evil.example/p.png) [click](javascript:alert(1)) ankle sprain",
    "ankle \u202elevel 5\u202c sprain",
]


@pytest.fixture
def dashboard(settings, clock):
    model = Recorded()
    model.next = answer(4, "F3", "esi.c.extremity")
    opened = recorded_dashboard(settings, clock, model)
    services.connect(opened)
    yield opened
    services.disconnect()


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_are_only_words(arrive, visit, words):
    app = visit("patient", case=arrive(words, name=words, **NORMAL))
    assert not app.exception
    drawn = html_of(app)
    for markup in ("<script", "<img", "<h1>Level", "\u202e", "\u202c"):
        assert markup not in drawn
    for element in [*app.button, *app.radio, *app.expander, *app.text_input]:
        assert "evil.example" not in (element.label or "")
    assert not list(app.markdown)


@pytest.mark.parametrize("words", HOSTILE[:4])
def test_hostile_words_of_a_decision_too(arrive, visit, dashboard, words):
    case = arrive(**NORMAL)
    assessment = dashboard.case(actor(), case).assessment.id
    dashboard.decide(
        actor(name=words),
        case,
        assessment,
        ReviewDecision.OVERRIDE,
        level=3,
        reason=OverrideReason.OTHER,
        comment=words,
        why_not=words,
    )
    drawn = html_of(visit("patient", case=case))
    assert not [markup for markup in ("<script", "<img", "<h1>Level") if markup in drawn]


def test_no_patient_data_in_the_address(arrive, visit):
    case = arrive("ankle sprain", name="Ada Example", **NORMAL)
    app = visit("patient", case=case)
    assert not dict(app.query_params)
    for button in app.button:
        assert "Ada" not in (button.label or "")
