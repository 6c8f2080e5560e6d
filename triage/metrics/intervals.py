"""The interval of a proportion. ``exact`` has the exact one, ``jackknife`` and ``bootstrap`` those of anything else."""

import math
from statistics import NormalDist
from typing import NamedTuple


class Interval(NamedTuple):
    """Lower and upper bound, both in [0, 1] for a proportion."""

    low: float
    high: float


def wilson_interval(successes: int, total: int, *, confidence: float = 0.95) -> Interval:
    """Wilson score interval, without continuity correction (Wilson, J Am Stat Assoc 1927;22:209-212).

    0 of 301 gives 0 to 1.26 %, not 0 to 0.

    Raises:
        ValueError: not 0 <= successes <= total, total 0, or a confidence outside (0, 1).
    """
    if total <= 0 or not 0 <= successes <= total:
        raise ValueError(f"{successes} of {total} is no proportion")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
    interval = wilson_of_share(successes / total, total, confidence=confidence)
    return Interval(
        0.0 if successes == 0 else interval.low,
        1.0 if successes == total else interval.high,
    )


def wilson_of_share(share: float, total: float, *, confidence: float = 0.95) -> Interval:
    """The same interval of a share of a number of cases that need not be whole, such as an effective sample size.

    Raises:
        ValueError: a share outside [0, 1], a total of 0 or less, or a confidence outside (0, 1).
    """
    if not 0 <= share <= 1 or not total > 0:
        raise ValueError(f"a share of {share} among {total} is no proportion")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    scale = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / scale
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / scale
    return Interval(max(0.0, centre - half), min(1.0, centre + half))
