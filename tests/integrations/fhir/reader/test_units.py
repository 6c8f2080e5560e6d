import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas import CANONICAL_UNITS, FactKind
from integrations.fhir.units import EXACT, UnknownUnitError, _registry, to_canonical

K = FactKind


@pytest.mark.parametrize(
    ("kind", "value", "unit", "expected"),
    [
        (K.TEMPERATURE, "98.6", "[degF]", "37"),
        (K.TEMPERATURE, "100.4", "[degF]", "38"),
        (K.TEMPERATURE, "102.2", "[degF]", "39"),
        (K.TEMPERATURE, "311.15", "K", "38"),
        (K.TEMPERATURE, "36.60", "Cel", "36.60"),
        (K.SYSTOLIC_BP, "16", "kPa", "120.0"),
        (K.SYSTOLIC_BP, "12", "cm[Hg]", "120.0"),
        (K.WEIGHT, "150", "[lb_av]", "68.039"),
        (K.WEIGHT, "3250", "g", "3.25"),
        (K.WEIGHT, "160", "[oz_av]", "4.536"),
        (K.GLUCOSE, "5.5", "mmol/L", "99.1"),
        (K.GLUCOSE, "0.9", "g/L", "90"),
        (K.OXYGEN_SATURATION, "0.97", "1", "97"),
        (K.HEART_RATE, "88", "{beats}/min", "88"),
        (K.HEART_RATE, "1.5", "/s", "90"),
        (K.HEART_RATE, "4800", "/h", "80"),
        (K.OXYGEN_FLOW, "2500", "mL/min", "2.5"),
        (K.GCS, "15", "{score}", "15"),
        (K.PAIN, "7", "{points}", "7"),
        (K.GCS, "15", "1", "15"),
    ],
)
def test_known_conversions(kind, value, unit, expected):
    assert to_canonical(kind, Decimal(value), unit) == Decimal(expected)


@pytest.mark.parametrize(
    ("kind", "unit"),
    [
        (K.TEMPERATURE, "degF"),
        (K.TEMPERATURE, "mm[Hg]"),
        (K.TEMPERATURE, "%"),
        (K.HEART_RATE, "bpm"),
        (K.HEART_RATE, "Hz2"),
        (K.HEART_RATE, "min"),
        (K.SYSTOLIC_BP, "mmHg"),
        (K.WEIGHT, "lbs"),
        (K.WEIGHT, "stone"),
        (K.GLUCOSE, "mmol"),
        (K.GLUCOSE, "mmol/kg"),
        (K.OXYGEN_SATURATION, "{percent}{x}"),
        (K.OXYGEN_SATURATION, ""),
        (K.OXYGEN_SATURATION, "x" * 1000),
        (K.GCS, "%"),
        (K.GCS, "kg"),
    ],
)
def test_a_unit_that_does_not_measure_it_is_refused(kind, unit):
    with pytest.raises(UnknownUnitError):
        to_canonical(kind, Decimal(5), unit)


@pytest.mark.parametrize("value", ["1e10", "-1e300", "NaN", "Infinity", "1E+999999"])
def test_a_number_beyond_measurement_is_refused(value):
    with pytest.raises(OverflowError):
        to_canonical(K.TEMPERATURE, Decimal(value), "[degF]")


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (target, code)
        for target, codes in EXACT.items()
        for code in codes
        if target != "{score}" and not code.startswith("mmol")  # UCUM alone cannot turn amount into mass
    ],
)
def test_the_exact_table_agrees_with_the_library(target, code):
    registry = _registry()
    kind = next(kind for kind, unit in CANONICAL_UNITS.items() if unit == target)
    for value in (1, 40, 101.5):
        there = registry.Quantity(value, registry.from_ucum(code).units)
        wanted = there.to(registry.from_ucum(target).units).magnitude
        got = to_canonical(kind, Decimal(str(value)), code)
        assert float(got) == pytest.approx(wanted, abs=0.051)


def test_the_molar_mass_of_glucose():
    carbon, hydrogen, oxygen = 12.011, 1.008, 15.999
    molar = 6 * carbon + 12 * hydrogen + 6 * oxygen
    assert float(to_canonical(K.GLUCOSE, Decimal(1000), "mmol/L")) == pytest.approx(molar * 100, rel=1e-4)


plain = st.decimals(min_value="-50", max_value="400", places=2)


@given(plain)
def test_a_canonical_value_is_kept_as_received(value):
    for kind, unit in CANONICAL_UNITS.items():
        assert str(to_canonical(kind, value, unit)) == str(value)


@given(st.decimals(min_value="20", max_value="46", places=1))
def test_celsius_to_fahrenheit_and_back(celsius):
    assert to_canonical(K.TEMPERATURE, celsius * 9 / 5 + 32, "[degF]") == celsius


@given(st.decimals(min_value="0.2", max_value="300", places=3))
def test_kilograms_to_grams_and_back(kilograms):
    assert to_canonical(K.WEIGHT, kilograms * 1000, "g") == kilograms


@given(plain, plain)
def test_conversion_keeps_order(one, other):
    low, high = sorted((one, other))
    for kind, unit in ((K.TEMPERATURE, "[degF]"), (K.SYSTOLIC_BP, "kPa"), (K.GLUCOSE, "mmol/L")):
        assert to_canonical(kind, low, unit) <= to_canonical(kind, high, unit)


@given(st.text(max_size=12))
def test_any_text_as_unit_converts_or_is_refused(unit):
    with contextlib.suppress(UnknownUnitError):
        assert to_canonical(K.WEIGHT, Decimal(70), unit).is_finite()
