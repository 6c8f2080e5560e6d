"""What cannot be is refused with its limit; what is unusual is asked about; what is empty is not measured."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas import FactKind
from integrations.fhir.units import to_canonical
from integrations.intake import UNITS, Age, Measured, Objection
from integrations.intake.checks import (
    check_gcs,
    check_oxygen,
    check_pressures,
    read_age,
    read_birth_date,
    read_number,
    unusual,
)
from triage.plausibility import implausible

TODAY = date(2026, 3, 4)
HR, TEMPERATURE, GLUCOSE, WEIGHT = (
    FactKind.HEART_RATE,
    FactKind.TEMPERATURE,
    FactKind.GLUCOSE,
    FactKind.WEIGHT,
)


def measured(value: str, unit: str = "/min") -> Measured:
    return Measured(value=Decimal(value), unit=unit)


@pytest.mark.parametrize("typed", ["", "  "])
def test_nothing_typed_is_not_measured(typed):
    assert read_number(HR, typed, "/min") is None


@pytest.mark.parametrize(
    ("kind", "typed", "unit", "key"),
    [
        (HR, "fast", "/min", "not-a-number"),
        (HR, "-5", "/min", "not-a-number"),
        (HR, "1e2", "/min", "not-a-number"),
        (HR, "١٢٠", "/min", "not-a-number"),
        (HR, "120/80", "/min", "not-a-number"),
        (HR, "0", "/min", "zero"),
        (HR, "351", "/min", "outside"),
        (TEMPERATURE, "98.6", "Cel", "outside-other-unit"),
        (TEMPERATURE, "37", "[degF]", "outside-other-unit"),
        (FactKind.OXYGEN_SATURATION, "101", "%", "outside"),
        (FactKind.PAIN, "11", "{score}", "outside"),
        (FactKind.GCS, "2", "{score}", "outside"),
        (FactKind.GCS_MOTOR, "4.5", "{score}", "whole"),
        (GLUCOSE, "120", "mmol/L", None),
        (GLUCOSE, "250", "mmol/L", "outside-other-unit"),
    ],
)
def test_what_cannot_be_is_refused(kind, typed, unit, key):
    found = read_number(kind, typed, unit)
    assert (found.key if isinstance(found, Objection) else None) == key
    if key is not None:
        assert not found.asks


def test_a_limit_is_said_in_the_unit_that_is_typed_in():
    refused = read_number(TEMPERATURE, "150", "[degF]")
    assert refused.values["low"] == "50"
    assert refused.values["high"] == "116.6"


def test_a_comma_is_a_decimal_point():
    assert read_number(TEMPERATURE, "38,5", "Cel") == measured("38.5", "Cel")


@pytest.mark.parametrize(
    ("kind", "typed", "unit", "years", "key"),
    [
        (HR, "80", "/min", 40, None),
        (HR, "25", "/min", 40, "unusual-low"),
        (HR, "230", "/min", 40, "unusual-high"),
        (GLUCOSE, "5.5", "mg/dL", 40, "unusual-other-unit"),
        (GLUCOSE, "5.5", "mmol/L", 40, None),
        (WEIGHT, "80", "kg", 40, None),
        (WEIGHT, "40", "kg", 4, None),
        (WEIGHT, "45", "kg", 4, "unusual-other-unit"),
        (WEIGHT, "16", "kg", 40, "unusual-low"),
        (WEIGHT, "3.4", "kg", 0, None),
        (WEIGHT, "16", "kg", None, None),
    ],
)
def test_what_is_unusual_is_asked(kind, typed, unit, years, key):
    found = unusual(kind, measured(typed, unit), None if years is None else Decimal(years))
    assert (None if found is None else found.key) == key
    assert found is None or found.asks


@given(st.sampled_from(sorted(UNITS)), st.text(max_size=9), st.integers(0, 1))
def test_no_text_becomes_a_number_that_no_patient_has(kind, typed, place):
    unit = UNITS[kind][min(place, len(UNITS[kind]) - 1)]
    found = read_number(kind, typed, unit)
    if isinstance(found, Measured):
        assert implausible(kind, to_canonical(kind, found.value, unit)) is None


@given(st.sampled_from(sorted(UNITS)), st.decimals(0, 99999, places=1))
def test_every_number_is_taken_or_refused_with_a_reason(kind, value):
    for unit in UNITS[kind]:
        found = read_number(kind, str(value), unit)
        assert isinstance(found, Measured | Objection)
        if isinstance(found, Measured):
            unusual(kind, found, Decimal(30))


def test_a_unit_of_another_kind_is_a_defect():
    with pytest.raises(ValueError, match="not entered"):
        read_number(HR, "80", "Cel")


def test_pressures_and_coma_scale_must_fit_together():
    assert check_pressures(measured("90"), measured("95")).key == "pressures"
    assert check_pressures(measured("90"), None) is None
    parts = (measured("4"), measured("5"), measured("6"))
    assert check_gcs(measured("15"), parts) is None
    assert check_gcs(measured("14"), parts).values["sum"] == 15
    assert check_gcs(measured("14"), (measured("4"), None, measured("6"))) is None


@pytest.mark.parametrize(
    ("breathes", "flow", "key"),
    [
        ("oxygen", None, "flow-needed"),
        ("oxygen", "0", "flow-needed"),
        ("oxygen", "2", None),
        ("air", "2", "flow-on-air"),
        ("air", None, None),
        (None, "2", None),
    ],
)
def test_oxygen_and_its_flow(breathes, flow, key):
    found = check_oxygen(breathes, None if flow is None else measured(flow, "L/min"))
    assert (None if found is None else found.key) == key


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", None),
        ("1985-03-07", date(1985, 3, 7)),
        ("19850307", date(1985, 3, 7)),
        ("1985.03.07", date(1985, 3, 7)),
        ("07/03/1985", "not-a-date"),
        ("1985-02-30", "not-a-date"),
        ("2026-03-05", "born-later"),
        ("1900-01-01", "too-old"),
        ("1906-02-04", "too-old"),
        ("1906-03-04", date(1906, 3, 4)),
    ],
)
def test_a_date_of_birth(typed, found):
    read = read_birth_date(typed, TODAY)
    assert (read.key if isinstance(read, Objection) else read) == found


@pytest.mark.parametrize(
    ("typed", "unit", "born", "found"),
    [
        ("", "a", None, None),
        ("41", "a", None, Age(value=41, unit="a")),
        ("0", "a", None, "age-zero"),
        ("0", "d", None, Age(value=0, unit="d")),
        ("4.5", "a", None, "age-not-whole"),
        ("121", "a", None, "too-old"),
        ("41", "a", date(1985, 1, 1), Age(value=41, unit="a")),
        ("14", "a", date(1985, 1, 1), "age-and-birth-date"),
        ("41", "mo", date(1985, 1, 1), "age-and-birth-date"),
    ],
)
def test_an_age(typed, unit, born, found):
    read = read_age(typed, unit, born, TODAY)
    assert (read.key if isinstance(read, Objection) else read) == found
