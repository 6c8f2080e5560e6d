"""Impossible values are named; alarming ones pass."""

from decimal import Decimal

import pytest

from data_schemas.intake import CANONICAL_UNITS, FactKind
from triage.plausibility import LIMITS, contradictory_pressures, implausible, implausible_age


def test_every_measured_kind_has_limits() -> None:
    assert set(LIMITS) == set(CANONICAL_UNITS)


@pytest.mark.parametrize("kind", list(LIMITS))
def test_limits_are_closed(kind: FactKind) -> None:
    low, high = LIMITS[kind]
    assert implausible(kind, low) is None
    assert implausible(kind, high) is None
    assert implausible(kind, low - Decimal("0.1")) is not None
    assert implausible(kind, high + Decimal("0.1")) is not None
    assert implausible(kind, Decimal("NaN")) is not None
    assert implausible(kind, Decimal("Infinity")) is not None


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (FactKind.HEART_RATE, "0"),
        (FactKind.HEART_RATE, "280"),
        (FactKind.OXYGEN_SATURATION, "20"),
        (FactKind.TEMPERATURE, "24"),
        (FactKind.SYSTOLIC_BP, "300"),
    ],
)
def test_alarming_is_not_impossible(kind: FactKind, value: str) -> None:
    assert implausible(kind, Decimal(value)) is None


def test_the_message_names_kind_limits_and_remedy() -> None:
    assert implausible(FactKind.TEMPERATURE, Decimal("98.6")) == (
        "temperature of 98.6 Cel is outside 10 to 47; measure again"
    )


def test_ages() -> None:
    assert implausible_age(Decimal(0)) is None
    assert implausible_age(Decimal(122)) is None
    assert implausible_age(Decimal(-1)) is not None
    assert implausible_age(Decimal(150)) is not None


@pytest.mark.parametrize(
    ("systolic", "diastolic", "contradict"),
    [(120, 80, False), (80, 120, True), (90, 90, True), (0, 0, False), (60, 0, False)],
)
def test_pressures(systolic: int, diastolic: int, contradict: bool) -> None:
    assert (contradictory_pressures(Decimal(systolic), Decimal(diastolic)) is not None) is contradict
