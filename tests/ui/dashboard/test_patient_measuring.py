"""New vital signs on the patient's page: units, checks beside the field, and the level that changes."""

from decimal import Decimal

import pytest
from patient_parts import NORMAL
from screen_parts import actor, html_of

from data_schemas import FactKind
from triage.plausibility import LIMITS
from ui.dashboard.patient.measure import UNITS, check
from ui.dashboard.services import MEASURABLE

GLUCOSE, TEMPERATURE, WEIGHT = FactKind.GLUCOSE, FactKind.TEMPERATURE, FactKind.WEIGHT


def field(app, kind, case):
    return app.text_input(key=f"measure-{kind}-{case}")


def send(app, case):
    return app.button(key=f"measure-send-{case}")


@pytest.mark.parametrize(
    ("kind", "written", "unit", "value"),
    [
        (TEMPERATURE, "98.6", "[degF]", "37"),
        (TEMPERATURE, "36,6", "Cel", "36.6"),
        (WEIGHT, "154", "[lb_av]", "69.85"),
        (GLUCOSE, "5.5", "mmol/L", "99.09"),
        (GLUCOSE, "99", "mg/dL", "99"),
        (FactKind.HEART_RATE, " 80 ", "/min", "80"),
    ],
)
def test_units_are_converted(kind, written, unit, value):
    assert check(kind, written, unit).value == Decimal(value)


@pytest.mark.parametrize(
    ("kind", "written", "unit"),
    [
        (TEMPERATURE, "98.6", "Cel"),
        (TEMPERATURE, "37", "[degF]"),
        (FactKind.OXYGEN_SATURATION, "101", "%"),
        (FactKind.HEART_RATE, "eighty", "/min"),
        (FactKind.HEART_RATE, "1e9", "/min"),
        (FactKind.HEART_RATE, "-5", "/min"),
        (FactKind.HEART_RATE, "NaN", "/min"),
        (FactKind.PAIN, "11", "{score}"),
    ],
)
def test_what_cannot_be_is_an_error_with_its_limits(kind, written, unit):
    found = check(kind, written, unit)
    assert found.value is None
    assert "measure again or check the unit" in found.error


def test_the_limits_are_told_in_the_unit_that_was_chosen():
    assert "50 to 116.6" in check(TEMPERATURE, "37", "[degF]").error
    assert "10 to 47" in check(TEMPERATURE, "98.6", "Cel").error


def test_a_glucose_in_the_wrong_unit_is_asked_about():
    assert "Is it really mg/dL?" in check(GLUCOSE, "5.5", "mg/dL").hint
    assert "Is it really mmol/L?" in check(GLUCOSE, "99", "mmol/L").hint
    assert "Is it really" not in (check(GLUCOSE, "99", "mg/dL").hint or "")


def test_nothing_typed_is_nothing_measured():
    assert check(FactKind.HEART_RATE, "  ", "/min").value is None
    assert check(FactKind.HEART_RATE, "  ", "/min").error is None


def test_every_number_has_limits_and_every_first_unit_is_canonical():
    from data_schemas import CANONICAL_UNITS

    assert set(MEASURABLE) - {FactKind.AVPU} <= set(LIMITS)
    assert all(CANONICAL_UNITS[kind] == units[0] for kind, units in UNITS.items())


def test_a_line_that_comes_and_goes_moves_no_field(arrive, visit):
    """Streamlit takes a field that moved for a new one, and what is being typed there is lost."""
    case = arrive(**NORMAL)
    app = visit("patient", case=case)

    def places():
        return [
            tuple(type(child).__name__ for child in column.children.values())
            for column in app.columns
            if any(child.key and child.key.startswith("measure-") for child in column.text_input)
        ]

    before = places()
    assert len(before) == 3
    field(app, "heart_rate", case).set_value("900").run()
    assert "cannot be taken" in html_of(app)
    assert places() == before


def test_new_values_change_the_level_and_say_so(arrive, visit, dashboard):
    case = arrive("abdominal pain", **NORMAL)
    before = dashboard.case(actor(), case).assessment.level
    app = visit("patient", case=case)
    app.button_group(key=f"measure-avpu-{case}").set_value("P").run()
    field(app, "heart_rate", case).set_value("142").run()
    send(app, case).click().run()
    assert not app.exception
    after = dashboard.case(actor(), case)
    assert after.assessment.level < before
    assert after.intake.number(FactKind.HEART_RATE) == 142
    drawn = html_of(app)
    assert f"level {before} became {after.assessment.level}" in drawn
    assert "Changed since the assessment before" in drawn
    assert "danger zone" in drawn
    assert field(app, "heart_rate", case).value == ""


def test_values_over_time_stand_in_a_chart_and_in_a_table(arrive, visit, dashboard, clock):
    case = arrive("abdominal pain", **NORMAL)
    clock.forward(minutes=10)
    dashboard.reassess(actor(), case, {FactKind.HEART_RATE: 128})
    drawn = html_of(visit("patient", case=case))
    chart = drawn[drawn.index('class="pt-chart"') :]
    assert "Heart rate: 80/min at 11:55, 128/min at 12:10. above 100/min" in chart
    assert "pt-beyond" in chart
    table = drawn[drawn.index("The same values as a table") :]
    assert "80/min" in table
    assert "128/min" in table


def test_the_unit_holds_for_the_session_and_is_kept_as_typed(arrive, visit, dashboard):
    case = arrive(**(NORMAL | {"temperature": None}))
    app = visit("patient", case=case)
    app.segmented_control(key="unit-temperature").set_value("[degF]").run()
    field(app, "temperature", case).set_value("101.3").run()
    assert "= 38.5 °C" in html_of(app)
    send(app, case).click().run()
    fact = dashboard.case(actor(), case).intake.first(TEMPERATURE)
    assert (fact.value, fact.as_received) == (Decimal("38.50"), "101.3 [degF]")
    assert app.segmented_control(key="unit-temperature").value == "[degF]"


def test_a_wrong_value_is_named_beside_its_field_and_nothing_is_sent(arrive, visit, dashboard):
    case = arrive(**NORMAL)
    app = visit("patient", case=case)
    field(app, "oxygen_saturation", case).set_value("180").run()
    drawn = html_of(app)
    assert "<b>Oxygen saturation</b>: cannot be taken. A number from 0 to 100" in drawn
    assert send(app, case).disabled
    assert dashboard.case(actor(), case).assessments == 1


def test_pressures_that_contradict_are_refused_at_the_field(arrive, visit, dashboard):
    case = arrive(**NORMAL)
    app = visit("patient", case=case)
    field(app, "systolic_bp", case).set_value("80").run()
    field(app, "diastolic_bp", case).set_value("120").run()
    send(app, case).click().run()
    assert "diastolic pressure 120 is not below systolic 80" in html_of(app)
    assert field(app, "systolic_bp", case).value == "80"
    assert dashboard.case(actor(), case).assessments == 1


def test_sending_nothing_says_so(arrive, visit):
    case = arrive(**NORMAL)
    app = visit("patient", case=case)
    send(app, case).click().run()
    assert "enter at least one value" in html_of(app)
