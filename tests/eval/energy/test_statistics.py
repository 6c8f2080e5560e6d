"""Intervals over blocks, against values worked by hand."""

import math

import pytest

from eval.energy import EnergyError, mean_interval, ratio_interval


def test_mean_interval_by_hand() -> None:
    """Mean 4, standard deviation 2, t(0.975, 2) = 4.302653: 4 -+ 4.302653 * 2 / sqrt(3)."""
    found = mean_interval([2, 4, 6])
    half = 4.302653 * 2 / math.sqrt(3)
    assert found.value == pytest.approx(4)
    assert found.low == 0  # 4 - 4.968 is below 0, which no energy is
    assert found.high == pytest.approx(4 + half, rel=1e-6)


def test_a_ratio_is_taken_inside_each_round() -> None:
    """The machine slowed down tenfold over the rounds, the ratio stayed."""
    found = ratio_interval([1, 3, 10], [100, 300, 1000])
    assert (found.value, found.low, found.high) == pytest.approx((0.01, 0.01, 0.01))


def test_ratio_interval_by_hand() -> None:
    """Logarithms -1, 0, 1: mean 0, standard deviation 1."""
    found = ratio_interval([math.exp(-1), 1, math.e], [1, 1, 1])
    assert found.value == pytest.approx(1)
    assert found.high == pytest.approx(math.exp(4.302653 / math.sqrt(3)), rel=1e-5)
    assert found.low == pytest.approx(1 / found.high)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0]])
def test_two_blocks_have_no_interval(values: list[float]) -> None:
    with pytest.raises(EnergyError, match="3 or more"):
        mean_interval(values)


def test_a_block_without_energy_has_no_ratio() -> None:
    with pytest.raises(EnergyError, match="more seconds a block"):
        ratio_interval([0, 1, 1], [1, 1, 1])


def test_a_ratio_needs_both_sides() -> None:
    with pytest.raises(EnergyError, match="same number"):
        ratio_interval([1, 1, 1], [1, 1, 1, 1])
