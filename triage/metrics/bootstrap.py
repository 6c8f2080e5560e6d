"""Resampled intervals: cases, or whole hospitals where visits cluster in them, drawn with replacement or left out.

One ``Units`` draws the same units for every statistic that is asked of it, so that the difference of two rows is a
paired one. A score's interval is bias-corrected and accelerated (BCa; Efron, J Am Stat Assoc 1987;82:171-185), with
the acceleration from leaving out one unit at a time; drawing whole clusters after Davison and Hinkley, Bootstrap
Methods and Their Application, 1997, section 3.8. Its tails are widened for few units as Student's t is (Hesterberg, Am
Stat 2015;69:371-386). A difference's interval and p are ``jackknife``'s: BCa is too narrow where two rows answer most
cases alike. ``scipy.stats.bootstrap`` has no clusters; the tests hold the interval equal to its.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from triage.metrics.confusions import FloatArray, confusions_by_unit, scores_of
from triage.metrics.intervals import Interval
from triage.metrics.jackknife import jackknife_interval, jackknife_p
from triage.metrics.levels import IntArray
from triage.metrics.student import student_quantile

MOST_UNITS = 1000
"""More independent cases than this are drawn in random blocks: the spread is the same, the work is bounded."""

FEWEST_CLUSTERS = 20
"""Fewer clusters than this cannot be resampled: the interval would be far too narrow."""

_CHUNK = 2_000_000  # cells of a weight matrix at a time
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Units:
    """What is drawn. ``of_case``: the unit of each case (n,), 0 to ``count`` - 1; ``clustered``: units are groups."""

    of_case: IntArray
    count: int
    clustered: bool
    resamples: int
    seed: int

    @classmethod
    def of(cls, groups: Sequence[str], *, resamples: int = 5000, seed: int = 20261122) -> "Units":
        """Whole groups where there are at least ``FEWEST_CLUSTERS`` and some hold several cases, else cases.

        Raises:
            ValueError: no cases, or fewer than 100 resamples.
        """
        if not groups:
            raise ValueError("no cases: there is nothing to draw")
        if resamples < 100:
            raise ValueError(f"{resamples} resamples are too few for an interval: give 100 or more")
        names, codes = np.unique(np.asarray(groups), return_inverse=True)
        if FEWEST_CLUSTERS <= len(names) < len(groups):
            return cls(codes.astype(np.int64), len(names), True, resamples, seed)
        n = len(groups)
        count = min(n, MOST_UNITS)
        shuffled = np.random.default_rng(seed).permutation(n) if n > count else np.arange(n)
        return cls((shuffled % count).astype(np.int64), count, False, resamples, seed)

    def draws(self) -> Iterator[FloatArray]:
        """How often each unit is drawn, in pieces of shape (b, count); always the same draws."""
        rng = np.random.default_rng(self.seed)
        size = max(1, min(self.resamples, _CHUNK // max(self.count, len(self.of_case))))
        for start in range(0, self.resamples, size):
            b = min(size, self.resamples - start)
            drawn = rng.integers(self.count, size=(b, self.count)) + np.arange(b)[:, None] * self.count
            counts = np.bincount(drawn.ravel(), minlength=b * self.count)
            yield counts.reshape(b, self.count).astype(np.float64)

    def left_out(self) -> Iterator[FloatArray]:
        """The weights with one unit left out, in pieces of shape (b, count)."""
        size = max(1, _CHUNK // max(self.count, len(self.of_case)))
        for start in range(0, self.count, size):
            rows = np.arange(start, min(start + size, self.count))
            weights = np.ones((len(rows), self.count))
            weights[np.arange(len(rows)), rows] = 0.0
            yield weights


@dataclass(frozen=True)
class Replicates:
    """K values: of all cases (K,), of the draws (resamples, K), and with each unit left out in turn (count, K).

    ``difference``: they are paired differences of two rows.
    """

    estimate: FloatArray
    drawn: FloatArray
    left_out: FloatArray
    difference: bool = False

    def minus(self, other: "Replicates") -> "Replicates":
        """The paired difference: both must come from the same ``Units``."""
        return Replicates(
            self.estimate - other.estimate,
            self.drawn - other.drawn,
            self.left_out - other.left_out,
            difference=True,
        )

    def interval(self, index: int, *, confidence: float = 0.95) -> Interval:
        """Of value ``index``: BCa with widened tails, or the jackknife's where it is a difference."""
        estimate, left_out = float(self.estimate[index]), self.left_out[:, index]
        if self.difference:
            return jackknife_interval(estimate, left_out, confidence=confidence)
        units = int(np.isfinite(left_out).sum())
        return bca_interval(estimate, self.drawn[:, index], left_out, confidence=_widened(confidence, units))

    def p_value(self, index: int) -> float:
        """Two-sided p of value ``index`` being 0, which a difference is where two rows are alike."""
        return jackknife_p(float(self.estimate[index]), self.left_out[:, index])


def replicate(statistic: Callable[[FloatArray], FloatArray], units: Units) -> Replicates:
    """``statistic`` of all cases, of every draw, and with each unit left out.

    Args:
        statistic: takes weights of units, shape (b, count), and returns its values, shape (b, K).
        units: what is drawn.
    """
    estimate = statistic(np.ones((1, units.count)))[0]
    drawn = np.concatenate([statistic(weights) for weights in units.draws()])
    left_out = np.concatenate([statistic(weights) for weights in units.left_out()])
    return Replicates(estimate, drawn, left_out)


def replicate_scores(true: IntArray, given: IntArray, units: Units) -> Replicates:
    """All ``confusions.SCORES`` of one row of predictions; arrays of shape (n,) as ``levels.checked`` returns them."""
    cells = confusions_by_unit(true, given, units.of_case, units.count).reshape(units.count, -1)
    return replicate(lambda weights: scores_of((weights @ cells).reshape(-1, 5, 6)), units)


def mean_of(rows: Sequence[Replicates]) -> Replicates:
    """The mean of several rows, such as runs of one model, from the same ``Units``."""
    if len(rows) == 1:
        return rows[0]
    return Replicates(
        np.mean([row.estimate for row in rows], axis=0),
        np.mean([row.drawn for row in rows], axis=0),
        np.mean([row.left_out for row in rows], axis=0),
        difference=rows[0].difference,
    )


def bca_interval(
    estimate: float,
    drawn: NDArray[np.float64],
    left_out: NDArray[np.float64],
    *,
    confidence: float = 0.95,
) -> Interval:
    """Bias-corrected and accelerated bootstrap interval.

    Draws on which the statistic has no value (NaN) are left out. Where all draws lie on one side of the estimate the
    correction is infinite, and the plain percentile interval is returned; where they are all the same, that value.

    Raises:
        ValueError: a confidence outside (0, 1).
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
    drawn = drawn[np.isfinite(drawn)]
    if not math.isfinite(estimate) or drawn.size == 0:
        return Interval(math.nan, math.nan)
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    below = float(np.mean(drawn < estimate) + np.mean(drawn <= estimate)) / 2
    if 0 < below < 1:
        z0, a = _NORMAL.inv_cdf(below), _acceleration(left_out[np.isfinite(left_out)])
        tails = (_corrected(tails[0], z0, a), _corrected(tails[1], z0, a))
    low, high = np.percentile(drawn, [100 * tails[0], 100 * tails[1]])
    return Interval(float(low), float(high))


def _acceleration(left_out: NDArray[np.float64]) -> float:
    if left_out.size == 0:
        return 0.0
    away = left_out.mean() - left_out
    spread = float((away**2).sum())
    return 0.0 if spread < 1e-24 else float((away**3).sum()) / (6.0 * spread**1.5)


def _widened(confidence: float, units: int) -> float:
    """The confidence to ask of a bootstrap of so few units; that of many units is the same."""
    if units < 2:
        return confidence
    z = student_quantile(confidence, units - 1) * math.sqrt(units / (units - 1))
    return min(2 * _NORMAL.cdf(z) - 1, 1 - 1e-9)


def _corrected(tail: float, z0: float, a: float) -> float:
    z = z0 + _NORMAL.inv_cdf(tail)
    return _NORMAL.cdf(z0 + z / (1 - a * z)) if a * z < 1 else (0.0 if z < 0 else 1.0)
