"""Recall of levels 1-2 against over-triage as the threshold moves, one decision rule for every model.

Level 2 where p(1) + p(2) reaches the threshold, else the most likely of levels 3 to 5. A threshold alone moves recall,
over-triage and kappa of a model, so two models are compared by their curves, not by the point that each chose.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from triage.metrics.bootstrap import Replicates, Units, replicate
from triage.metrics.confusions import FloatArray
from triage.metrics.levels import IntArray

OVER_TRIAGE_RANGE = (0.18, 0.29)
"""Where curves are compared: about the over-triage that nurses and published models have."""


def decide(probabilities: FloatArray, threshold: float) -> IntArray:
    """The levels of the decision rule, shape (n,), for probabilities of shape (n, 5). Equal levels: the more urgent."""
    rest = probabilities[:, 2:].argmax(axis=1) + 3
    return np.where(probabilities[:, :2].sum(axis=1) >= threshold, 2, rest).astype(np.int64)


@dataclass(frozen=True)
class RecallCurve:
    """Points (points,) from the highest threshold, where nobody is level 2, to the lowest; both rates rise."""

    threshold: FloatArray
    over_triage: FloatArray
    recall_high: FloatArray

    def area(self, low: float = OVER_TRIAGE_RANGE[0], high: float = OVER_TRIAGE_RANGE[1]) -> float:
        """Mean recall between two rates of over-triage. Where the rule cannot over-triage so little, recall is 0."""
        return _mean_between(self.over_triage, self.recall_high, low, high)

    def recall_at(self, over_triage: float) -> float:
        """The recall at a rate of over-triage, between two points by a straight line; 0 below the first."""
        if over_triage < self.over_triage[0]:
            return 0.0
        if over_triage >= self.over_triage[-1]:
            return 1.0
        return _from_right(self.over_triage, self.recall_high, over_triage)


def recall_curve(truth: IntArray, probabilities: FloatArray) -> RecallCurve:
    """The curve of one model.

    Args:
        truth: levels 1-5, shape (n,).
        probabilities: of levels 1-5, shape (n, 5).

    Raises:
        ValueError: shapes differ, or no case is of levels 1-2.
    """
    order = _Order.of(truth, probabilities)
    over, recall = order.points(np.ones((1, len(truth))))
    return RecallCurve(order.thresholds, over[0], recall[0])


def replicate_area(
    truth: IntArray,
    probabilities: FloatArray,
    units: Units,
    *,
    low: float = OVER_TRIAGE_RANGE[0],
    high: float = OVER_TRIAGE_RANGE[1],
) -> Replicates:
    """``RecallCurve.area`` of all cases, of every draw and with each unit left out; one value.

    Raises:
        ValueError: shapes differ, or no case is of levels 1-2.
    """
    order = _Order.of(truth, probabilities)
    return replicate(_area_of(order, units, low, high), units)


def _area_of(order: "_Order", units: Units, low: float, high: float) -> Callable[[FloatArray], FloatArray]:
    def area(weights: FloatArray) -> FloatArray:
        over, recall = order.points(weights[:, units.of_case])
        return np.asarray(
            [[_mean_between(x, y, low, high)] for x, y in zip(over, recall, strict=True)], dtype=np.float64
        )

    return area


@dataclass(frozen=True)
class _Order:
    """The cases by falling p(1-2): what each adds to the curve when it becomes level 2."""

    order: IntArray
    ends: IntArray
    thresholds: FloatArray
    high: FloatArray
    over_as_two: FloatArray
    over_else: FloatArray

    @classmethod
    def of(cls, truth: IntArray, probabilities: FloatArray) -> "_Order":
        if probabilities.shape != (len(truth), 5):
            raise ValueError(f"{len(truth)} true levels but probabilities of shape {probabilities.shape}")
        if not (truth <= 2).any():
            raise ValueError("no case is of levels 1-2: there is no recall")
        urgent = probabilities[:, :2].sum(axis=1)
        order = np.argsort(-urgent, kind="stable")
        falling = urgent[order]
        ends = np.append(np.flatnonzero(np.diff(falling)), len(truth) - 1)
        rest = probabilities[:, 2:].argmax(axis=1) + 3
        return cls(
            order=order,
            ends=ends,
            thresholds=np.append(np.inf, falling[ends]),
            high=(truth <= 2)[order].astype(np.float64),
            over_as_two=(truth >= 3)[order].astype(np.float64),
            over_else=(rest < truth)[order].astype(np.float64),
        )

    def points(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Over-triage and recall, each of shape (b, points), for weights of cases of shape (b, n)."""
        w = weights[:, self.order]
        flagged = _sums(w * self.high, self.ends)
        gained = _sums(w * (self.over_as_two - self.over_else), self.ends)
        high = flagged[:, -1:]
        recall = np.where(high == 0, np.nan, flagged / np.where(high == 0, 1.0, high))
        start = (w * self.over_else).sum(axis=1, keepdims=True)
        total = w.sum(axis=1, keepdims=True)
        over = np.where(total == 0, np.nan, (start + gained) / np.where(total == 0, 1.0, total))
        return over, recall


def _sums(values: FloatArray, ends: IntArray) -> FloatArray:
    sums = np.cumsum(values, axis=1)[:, ends]
    return np.concatenate([np.zeros((len(values), 1)), sums], axis=1)


def _mean_between(x: FloatArray, y: FloatArray, low: float, high: float) -> float:
    if not low < high:
        raise ValueError(f"{low} to {high} is no range of over-triage")
    if np.isnan(x[0]) or np.isnan(y[0]):  # a draw without any case, or without one of levels 1-2
        return float("nan")
    first, last = max(low, float(x[0])), min(high, float(x[-1]))
    area = (
        high - max(low, float(x[-1])) if high > x[-1] else 0.0
    )  # past the last point everybody urgent is found
    if first < last:
        inside = (x > first) & (x < last)
        xs = np.concatenate([[first], x[inside], [last]])
        ys = np.concatenate([[_from_right(x, y, first)], y[inside], [_from_left(x, y, last)]])
        area += float(np.trapezoid(ys, xs))
    return area / (high - low)


def _from_right(x: FloatArray, y: FloatArray, at: float) -> float:
    """The height just right of ``at``, x[0] <= at < x[-1]: a curve may stand upright there."""
    i = int(np.searchsorted(x, at, side="right")) - 1
    return _between(x, y, i, at)


def _from_left(x: FloatArray, y: FloatArray, at: float) -> float:
    """The height just left of ``at``, x[0] < at <= x[-1]."""
    i = int(np.searchsorted(x, at, side="left")) - 1
    return _between(x, y, i, at)


def _between(x: FloatArray, y: FloatArray, i: int, at: float) -> float:
    return float(y[i] + (y[i + 1] - y[i]) * (at - x[i]) / (x[i + 1] - x[i]))
