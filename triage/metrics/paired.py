"""Two rows of predictions on the same cases, and many comparisons at once."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from triage.metrics.levels import Predicted, Truth, checked


class McNemar(NamedTuple):
    """Cases that only the first row has right, only the second, and both two-sided p values."""

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
    right, also = true == given, true == other
    only_first, only_second = int((right & ~also).sum()), int((also & ~right).sum())
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
