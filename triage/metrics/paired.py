"""Two rows of predictions on the same cases, and many comparisons at once."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from triage.metrics.exact import clopper_pearson_interval
from triage.metrics.intervals import Interval
from triage.metrics.levels import Predicted, Truth, checked

FEW_DISCORDANT = 25
"""With fewer discordant cases than this a bootstrap interval of their difference is too narrow."""


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
    """Of the second share minus the first, from the discordant cases alone: exact, given how many those are.

    Where m of n cases are discordant the difference is (m / n) (2 s - 1), s being the share of them that count only in
    the second row, with its Clopper-Pearson interval. It agrees with McNemar's exact test, and holds where only a
    handful of cases differ. Where none is, the difference is at most what 0 of n allows.

    Raises:
        ValueError: no cases.
    """
    n = len(first)
    if n == 0:
        raise ValueError("no cases: a share of nothing has no difference")
    found = mcnemar_of(first, second)
    discordant = found.only_first + found.only_second
    if discordant == 0:
        most = clopper_pearson_interval(0, n, confidence=confidence).high
        return Interval(-most, most)
    low, high = clopper_pearson_interval(found.only_second, discordant, confidence=confidence)
    return Interval(discordant / n * (2 * low - 1), discordant / n * (2 * high - 1))


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
