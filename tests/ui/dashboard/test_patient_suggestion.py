"""What the patient's page shows of a suggestion: level, why, how sure, what is missing, what was struck."""

from html import escape

import pytest
from patient_parts import NORMAL, Recorded, answer, recorded_dashboard
from screen_parts import actor, html_of

from ui.dashboard import services
from ui.dashboard.strings import catalogue

WORDS = {1: "resuscitation", 2: "emergent", 3: "urgent", 4: "less urgent", 5: "non-urgent"}
SHAPES = {1: "octagon", 2: "triangle", 3: "diamond", 4: "square", 5: "circle"}


@pytest.fixture
def model():
    return Recorded()


@pytest.fixture
def dashboard(settings, clock, model):
    opened = recorded_dashboard(settings, clock, model)
    services.connect(opened)
    yield opened
    services.disconnect()


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_a_level_is_number_word_colour_and_shape(arrive, visit, model, level):
    model.next = answer(level, "F3", "esi.c.extremity")
    app = visit("patient", case=arrive(**NORMAL))
    assert not app.exception
    drawn = html_of(app)
    assert f"ESI level {level}, {WORDS[level]}, suggested" in drawn
    assert f"ed-shape-{SHAPES[level]} ed-hue-" in drawn
    assert "80 %" in drawn
    assert drawn.count('role="listitem"') == 5


def test_the_evidence_is_there_sentence_by_sentence_with_its_place_and_source(arrive, visit):
    drawn = html_of(visit("patient", case=arrive("twisted right ankle at football", **NORMAL)))
    assert "An injured or painful limb usually needs a radiograph." in drawn
    assert "ESI v5" in drawn
    assert "characters 0 to" in drawn
    assert "supporting, not causal" in drawn
    assert 'class="pt-mark' in drawn
    model, rules = drawn.index("What the model says"), drawn.index("What the rules found")
    assert model < rules


def test_the_first_reason_stands_beside_the_level(arrive, visit):
    app = visit("patient", case=arrive("twisted right ankle at football", **NORMAL))
    first = next(e.proto.body for e in app.get("html") if "pt-suggestion" in e.proto.body)
    assert "Why level 4" in first
    assert "radiograph" in first


def test_struck_claims_are_listed_as_struck_and_nowhere_as_evidence(arrive, visit, model):
    model.next = answer(4, "F3", "esi.b.chest-pain-adult", "esi.c.extremity")
    drawn = html_of(visit("patient", case=arrive(**NORMAL)))
    assert "One claim of the model does not count" in drawn
    assert drawn.count("<del>") == 1
    kept = drawn[: drawn.index("One claim of the model does not count")]
    assert "esi.b.chest-pain-adult" not in kept


def test_a_level_without_evidence_says_so(arrive, visit, model):
    model.next = answer(3, "F3")
    drawn = html_of(visit("patient", case=arrive("medication refill", **NORMAL)))
    assert "No checked evidence for level 3" in drawn


def test_rules_only_is_said_above_all(arrive, visit, model):
    model.next = RuntimeError("the model broke")
    app = visit("patient", case=arrive(**NORMAL))
    drawn = html_of(app)
    assert "Rules only: the model did not answer" in drawn
    assert "suggested by the rules alone" in drawn
    assert "How likely each level is" not in drawn
    assert "the model broke" not in drawn


def test_what_is_missing_is_named(arrive, visit):
    drawn = html_of(visit("patient", case=arrive()))
    block = drawn[drawn.index("Not known, so not reassuring") :]
    for name in ("heart rate", "oxygen saturation", "temperature", "systolic pressure"):
        assert name in block[:900]
    assert drawn.count("not measured") >= 8


def test_every_reason_to_look_closely_is_shown(arrive, visit, dashboard, model):
    model.next = answer(4, "esi.c.extremity")
    case = arrive(**(NORMAL | {"heart_rate": 130}))
    needs = dashboard.case(actor(), case).assessment.needs_human
    assert needs
    drawn = html_of(visit("patient", case=case))
    for reason in needs:
        assert escape(reason) in drawn


def test_the_prediction_set_is_said_in_words(arrive, visit, dashboard, model):
    model.next = answer(3, "F3")
    case = arrive("severe pain", **(NORMAL | {"pain": 8}))
    assessment = dashboard.case(actor(), case).assessment
    assert (assessment.set_most_urgent, assessment.set_least_urgent) == (2, 3)
    assert "Possible levels: 2 or 3" in html_of(visit("patient", case=case))


def test_a_value_that_a_rule_rests_on_is_marked_where_no_table_has_a_limit(arrive, visit):
    drawn = html_of(visit("patient", case=arrive(**(NORMAL | {"respiratory_rate": 4}))))
    row = drawn[drawn.index("<span>Respiratory rate</span>") :]
    assert "rule: level 1" in row[: row.index("</tr>")]


@pytest.mark.parametrize(
    ("age", "rate", "limit", "danger"),
    [(40, 101, "above 100/min", True), (40, 100, "above 100/min", False), (4, 119, "above 120/min", False)],
)
def test_the_limit_of_this_age_stands_beside_the_value(arrive, visit, age, rate, limit, danger):
    drawn = html_of(visit("patient", case=arrive(**(NORMAL | {"heart_rate": rate, "age": age}))))
    row = drawn[drawn.index("<span>Heart rate</span>") :]
    row = row[: row.index("</tr>")]
    assert limit in row
    assert ("danger zone" in row) is danger


def test_an_unknown_age_is_not_read_as_an_adult(arrive, visit):
    drawn = html_of(visit("patient", case=arrive(**(NORMAL | {"heart_rate": 150, "age": None}))))
    row = drawn[drawn.index("<span>Heart rate</span>") :]
    assert "age unknown: not judged" in row[: row.index("</tr>")]


def test_two_identifiers_stand_above_and_beside_the_decision(arrive, visit):
    app = visit("patient", case=arrive(name="Ada Example"))
    bodies = [e.proto.body for e in app.get("html")]
    for part in ("pt-banner", "pt-on"):
        block = next(body for body in bodies if f'"{part}"' in body)
        assert "Ada Example" in block
        assert "MRN-77" in block


@pytest.mark.parametrize("role", ["informatics", "researcher"])
def test_who_may_not_see_names_sees_none_and_decides_nothing(arrive, visit, role):
    app = visit("patient", role=role, case=arrive(name="Ada Example"))
    drawn = html_of(app)
    assert "Ada Example" not in drawn
    assert "MRN-77" not in drawn
    assert "Names are hidden" in drawn
    assert not [b for b in app.button if b.key.startswith(("accept", "override", "measure"))]


def test_in_spanish_too(arrive, visit):
    app = visit("patient", case=arrive("twisted right ankle at football", **NORMAL), language="es")
    drawn = html_of(app)
    assert "Por qué el nivel 4" in drawn
    assert 'lang="en"' in drawn
    english = {
        v for k, v in catalogue("en").items() if k.startswith("patient.") and len(v) > 25 and "{" not in v
    }
    spanish = set(catalogue("es").values())
    assert not [words for words in english - spanish if words in drawn]
