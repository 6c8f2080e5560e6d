"""The exact interval and tail of a proportion, without scipy: the plain install has only numpy."""

import math
from collections.abc import Callable

from triage.metrics.intervals import Interval

_STEPS = 60
"""Halvings of [0, 1]: below the precision of a float."""


def clopper_pearson_interval(successes: int, total: int, *, confidence: float = 0.95) -> Interval:
    """The exact interval (Clopper and Pearson, Biometrika 1934;26:404-413): holds the true share at least so often.

    0 of 301 gives 0 to 1.22 %. Either bound alone holds with (1 + confidence) / 2: for a one-sided 95 % bound ask for
    0.90.

    Raises:
        ValueError: not 0 <= successes <= total, total 0, or a confidence outside (0, 1).
    """
    if total <= 0 or not 0 <= successes <= total:
        raise ValueError(f"{successes} of {total} is no proportion")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
    tail = (1 - confidence) / 2
    # P(X >= successes) grows with the share, P(X <= successes) falls.
    low = (
        0.0
        if successes == 0
        else _crossing(lambda share: 1 - binomial_at_most(successes - 1, total, share), tail)
    )
    high = (
        1.0
        if successes == total
        else _crossing(lambda share: -binomial_at_most(successes, total, share), -tail)
    )
    return Interval(low, high)


def binomial_at_most(successes: int, total: int, share: float) -> float:
    """P(X <= successes), X the successes among ``total`` where each has the probability ``share``.

    By its terms' logarithms: powers alone would underflow.
    """
    if share <= 0.0:
        return 1.0
    if share >= 1.0:
        return 1.0 if successes >= total else 0.0
    log_share, log_rest, whole = math.log(share), math.log1p(-share), math.lgamma(total + 1)
    return math.fsum(
        math.exp(
            whole - math.lgamma(k + 1) - math.lgamma(total - k + 1) + k * log_share + (total - k) * log_rest
        )
        for k in range(successes + 1)
    )


def _crossing(rising: Callable[[float], float], value: float) -> float:
    """Where a rising function on [0, 1] reaches ``value``, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < value else (low, middle)
    return (low + high) / 2
