"""Means and ratios over repeated blocks, with Student's t intervals.

A block is the same work done again. Blocks of several models take turns, so that what drifts on a shared machine meets
all of them; a ratio is taken inside a round and never across rounds.
"""

import math
from collections.abc import Sequence

from data_schemas._base import Frozen
from eval.energy.meter import EnergyError
from triage.metrics.student import student_quantile

FEWEST_BLOCKS = 3
INTERVAL = "95 % Student's t interval over {blocks} blocks"


class Interval(Frozen):
    """A mean with its 95 % interval."""

    value: float
    low: float
    high: float


def mean_interval(values: Sequence[float]) -> Interval:
    """The mean of the blocks and its t interval; an energy is never below 0.

    Raises:
        EnergyError: fewer than three blocks.
    """
    mean, half = _mean_and_half(values)
    return Interval(value=mean, low=max(0.0, mean - half), high=mean + half)


def ratio_interval(values: Sequence[float], against: Sequence[float]) -> Interval:
    """The geometric mean of the rounds' ratios, its t interval taken on the logarithm.

    Raises:
        EnergyError: fewer than three rounds, another number on one side, or a block without energy.
    """
    if len(values) != len(against):
        raise EnergyError("a ratio needs the same number of blocks on both sides")
    if min(*values, *against) <= 0:
        raise EnergyError("a block took no energy that the meter could see: give more seconds a block")
    mean, half = _mean_and_half([math.log(a / b) for a, b in zip(values, against, strict=True)])
    return Interval(value=math.exp(mean), low=math.exp(mean - half), high=math.exp(mean + half))


def _mean_and_half(values: Sequence[float]) -> tuple[float, float]:
    count = len(values)
    if count < FEWEST_BLOCKS:
        raise EnergyError(f"{count} blocks give no interval: give {FEWEST_BLOCKS} or more")
    mean = math.fsum(values) / count
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    return mean, student_quantile(0.95, count - 1) * math.sqrt(variance / count)
