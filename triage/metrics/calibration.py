"""Whether probabilities mean what they say, and what abstaining would buy.

``probabilities`` are of shape [cases, 5], levels 1 to 5, rows summing to 1. Only numpy: the plain install has these.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_schemas.acuity import LEVELS
from triage.metrics.intervals import Interval, wilson_interval
from triage.metrics.levels import IntArray, Predicted, Truth, checked

FloatArray = NDArray[np.float64]

BINS = 15


class ReliabilityBin(NamedTuple):
    """Cases of like probability: what was claimed on average, what happened, and its 95 % Wilson interval."""

    low: float
    high: float
    cases: int
    claimed: float
    observed: float
    interval: Interval


class RiskCoverage(NamedTuple):
    """``risk[i]``: share of wrong answers among the surest ``coverage[i]`` of the cases. Both of one length."""

    coverage: FloatArray
    risk: FloatArray

    @property
    def area(self) -> float:
        """Mean risk over the coverages (AURC; Geifman and El-Yaniv 2017): 0 is perfect."""
        steps = np.diff(self.coverage, prepend=0.0)
        return float((self.risk * steps).sum())


def reliability_table(
    happened: Sequence[bool] | NDArray[np.bool_], claimed: ArrayLike, *, bins: int = BINS
) -> list[ReliabilityBin]:
    """Bins of equal mass over the claimed probability, least first; equal claims share a bin, so some may merge.

    Args:
        happened: whether it was so, a case each.
        claimed: the probability that was claimed for it, shape [cases].
        bins: the most bins.

    Raises:
        ValueError: no cases, lengths differ, no bin, or a claim outside [0, 1].
    """
    p = np.asarray(claimed, dtype=np.float64)
    hit = np.asarray(happened, dtype=np.bool_)
    if p.ndim != 1 or p.shape != hit.shape or len(p) == 0:
        raise ValueError("reliability needs one claimed probability for each of at least one case")
    if bins < 1 or not bool(((p >= 0.0) & (p <= 1.0)).all()):
        raise ValueError("reliability needs at least one bin, and claims in [0, 1]")
    ordered = np.sort(p)
    starts = np.unique(ordered[[round(index * len(p) / bins) for index in range(bins) if index < len(p)]])
    number = np.searchsorted(starts, p, side="right")
    table = []
    for index in np.unique(number):
        inside, hits = p[number == index], hit[number == index]
        table.append(
            ReliabilityBin(
                low=float(inside.min()),
                high=float(inside.max()),
                cases=len(inside),
                claimed=float(inside.mean()),
                observed=float(hits.mean()),
                interval=wilson_interval(int(hits.sum()), len(inside)),
            )
        )
    return table


def expected_calibration_error(truth: Truth, probabilities: ArrayLike, *, bins: int = BINS) -> float:
    """Of the most likely level: mean gap between claimed probability and accuracy, in bins of equal mass.

    Guo et al. 2017, with bins of equal mass instead of equal width (Nixon et al. 2019, "Measuring calibration in deep
    learning"): no bin is nearly empty. 0 is perfect; small samples bias it upwards, so compare at the same n.
    """
    true, p = checked_probabilities(truth, probabilities)
    return _gap(reliability_table(p.argmax(axis=1) + 1 == true, p.max(axis=1), bins=bins))


def high_calibration_error(truth: Truth, probabilities: ArrayLike, *, bins: int = BINS) -> float:
    """The same gap for the claim that matters most: p(1) + p(2) against the share of levels 1-2."""
    true, p = checked_probabilities(truth, probabilities)
    return _gap(reliability_table(true <= 2, np.minimum(p[:, :2].sum(axis=1), 1.0), bins=bins))


def brier_score(truth: Truth, probabilities: ArrayLike) -> float:
    """Mean over cases of the summed squared error over the five levels (Brier 1950): 0 is perfect, 2 the worst."""
    true, p = checked_probabilities(truth, probabilities)
    return float(((p - np.eye(len(LEVELS))[true - 1]) ** 2).sum(axis=1).mean())


def log_loss(truth: Truth, probabilities: ArrayLike) -> float:
    """Mean negative natural logarithm of the true level's probability, which counts as at least 1e-15."""
    true, p = checked_probabilities(truth, probabilities)
    return float(-np.log(np.clip(p[np.arange(len(true)), true - 1], 1e-15, 1.0)).mean())


def risk_coverage_curve(truth: Truth, predicted: Predicted, confidence: ArrayLike) -> RiskCoverage:
    """Error among the surest cases, for every share that could be answered; equally sure cases enter together.

    Unreadable answers are wrong.

    Raises:
        ValueError: lengths differ, no cases, or a confidence that is not a number.
    """
    true, given = checked(truth, predicted)
    sure = np.asarray(confidence, dtype=np.float64)
    if sure.shape != true.shape or bool(np.isnan(sure).any()):
        raise ValueError("the curve needs one confidence, a number, for each case")
    order = np.argsort(-sure, kind="stable")
    wrong = np.cumsum(true[order] != given[order])
    last = np.append(np.diff(sure[order]) != 0, True)
    counts = np.arange(1, len(true) + 1)
    return RiskCoverage(counts[last] / len(true), wrong[last] / counts[last])


def checked_probabilities(truth: Truth, probabilities: ArrayLike) -> tuple[IntArray, FloatArray]:
    """Both as arrays.

    Raises:
        ValueError: the shape is not [cases, 5], a row is no distribution (1e-4), or a level is not 1-5.
    """
    true, _ = checked(truth, truth)
    p = np.asarray(probabilities, dtype=np.float64)
    if p.shape != (len(true), len(LEVELS)):
        raise ValueError(f"{len(true)} cases need probabilities of shape [{len(true)}, 5], got {p.shape}")
    if not bool((p >= 0.0).all()) or not bool((np.abs(p.sum(axis=1) - 1.0) <= 1e-4).all()):
        raise ValueError("a row of probabilities is negative, not a number, or does not sum to 1")
    return true, p


def _gap(table: list[ReliabilityBin]) -> float:
    total = sum(item.cases for item in table)
    return sum(item.cases * abs(item.claimed - item.observed) for item in table) / total
