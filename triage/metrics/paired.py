"""Two rows of predictions on the same cases, and many comparisons at once."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from triage.metrics.intervals import Interval, wilson_interval
from triage.metrics.levels import Predicted, Truth, checked


class McNemar(NamedTuple):
    """Cases that only the first row has right (or counts), only the second, and both two-sided p values."""

    only_first: int
    only_second: int
    exact: float
    mid_p: float


def mcnemar(truth: Truth, first: Predicted, second: Predicted) -> McNemar:
    """McNemar's test of equal accuracy (Psychometrika 1947;12:153-157), for independent cases.

    ``exact`` is the two-sided binomial p of the cases on which one row is right and the other wrong; ``mid_p`` takes
    off half the probability of the outcome itself, which brings the test to its nominal size (Fagerland et al., BMC
    Med Res Methodol 2013;13:91). Where cases cluster in hospitals both are too small: use the clustered bootstrap.

    Raises:
        ValueError: no cases, lengths differ, or a level is outside 1-5.
    """
    true, given = checked(truth, first)
    _, other = checked(truth, second)
    return mcnemar_of(true == given, true == other)


def mcnemar_of(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    """The same test of any two paired shares: whether a case counts in either row, shape (n,) each."""
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    discordant = only_first + only_second
    if discordant == 0:
        return McNemar(0, 0, 1.0, 1.0)
    fewer = min(only_first, only_second)
    tail = math.fsum(_binomial(count, discordant) for count in range(fewer + 1))
    if 2 * fewer == discordant:
        return McNemar(only_first, only_second, 1.0, 1.0 - _binomial(fewer, discordant))
    return McNemar(
        only_first, only_second, min(1.0, 2 * tail), min(1.0, 2 * tail - _binomial(fewer, discordant))
    )


def difference_interval(
    first: NDArray[np.bool_], second: NDArray[np.bool_], *, confidence: float = 0.95
) -> Interval:
    """Of the second share minus the first, for independent cases (Newcombe, Stat Med 1998;17:2635-2650, method 10).

    Made of the Wilson intervals of both shares and their correlation: it holds where only a handful of cases differ,
    where a bootstrap of these few is too narrow.

    Raises:
        ValueError: no cases, or a confidence outside (0, 1).
    """
    n = len(first)
    if n == 0:
        raise ValueError("no cases: a share of nothing has no difference")
    one, two = int(first.sum()), int(second.sum())
    low_one, high_one = wilson_interval(one, n, confidence=confidence)
    low_two, high_two = wilson_interval(two, n, confidence=confidence)
    p_one, p_two = one / n, two / n
    phi = _correlation(int((first & second).sum()), one, two, n)
    down = _side(p_two - low_two, high_one - p_one, phi)
    up = _side(high_two - p_two, p_one - low_one, phi)
    return Interval(p_two - p_one - down, p_two - p_one + up)


def _side(mine: float, others: float, phi: float) -> float:
    return math.sqrt(max(0.0, mine * mine - 2 * phi * mine * others + others * others))


def _correlation(both: int, one: int, two: int, n: int) -> float:
    """Newcombe's continuity-corrected phi of two shares; 0 where one of them is none or all of the cases."""
    spread = one * (n - one) * two * (n - two)
    if spread == 0:
        return 0.0
    product = both * (n - one - two + both) - (one - both) * (two - both)
    return (max(0.0, product - n / 2) if product > 0 else product) / math.sqrt(spread)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values in the given order (Holm, Scand J Stat 1979;6:65-70).

    A NaN is no test: it stays NaN and does not count.

    Raises:
        ValueError: a p value outside [0, 1].
    """
    if any(p < 0 or p > 1 for p in p_values):
        raise ValueError("a p value lies between 0 and 1")
    order = sorted((p, index) for index, p in enumerate(p_values) if not math.isnan(p))
    adjusted = [math.nan] * len(p_values)
    largest = 0.0
    for rank, (p, index) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p))
        adjusted[index] = largest
    return adjusted


def _binomial(successes: int, total: int) -> float:
    """The probability of ``successes`` of ``total`` fair coins; in logarithms, so that thousands do not overflow."""
    log = math.lgamma(total + 1) - math.lgamma(successes + 1) - math.lgamma(total - successes + 1)
    return math.exp(log - total * math.log(2))
