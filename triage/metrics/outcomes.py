"""How well an urgency ranks what became of the patients: area under the ROC curve, of many bootstrap draws at once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from triage.metrics.bootstrap import Replicates, Units, replicate
from triage.metrics.confusions import FloatArray


def auc(urgency: Sequence[float] | FloatArray, outcome: Sequence[bool] | NDArray[np.bool_]) -> float:
    """Probability that a patient with the outcome was given more urgency than one without, ties counting half.

    Args:
        urgency: shape (n,), larger is more urgent. Of a level, its negative.
        outcome: shape (n,).

    Raises:
        ValueError: lengths differ or a value is not finite. NaN is returned where all or none have the outcome.
    """
    values, happened = _checked(urgency, outcome)
    units = np.zeros(len(values), dtype=np.int64)
    return float(_auc_of(np.ones((1, 1)), *_concordance(values, happened, units, 1))[0, 0])


def replicate_auc(
    urgency: FloatArray, outcome: NDArray[np.bool_], cases: NDArray[np.int64], units: Units
) -> Replicates:
    """``auc`` of all cases, of every draw and with each unit left out; one value.

    The difference of two of them is a paired one, with clusters where the units are clusters (which DeLong's test
    does not know).

    Args:
        urgency: shape (m,).
        outcome: shape (m,).
        cases: which case of ``units`` each of them is, shape (m,): an outcome that was not recorded is left out.
        units: what is drawn.

    Raises:
        ValueError: lengths differ or a value is not finite.
    """
    values, happened = _checked(urgency, outcome)
    concordant, with_it, without = _concordance(values, happened, units.of_case[cases], units.count)
    return replicate(lambda weights: _auc_of(weights, concordant, with_it, without), units)


def _checked(
    urgency: Sequence[float] | FloatArray, outcome: Sequence[bool] | NDArray[np.bool_]
) -> tuple[FloatArray, NDArray[np.bool_]]:
    values, happened = np.asarray(urgency, dtype=np.float64), np.asarray(outcome, dtype=np.bool_)
    if values.shape != happened.shape or values.ndim != 1:
        raise ValueError(f"{values.shape} urgencies but {happened.shape} outcomes")
    if not np.isfinite(values).all():
        raise ValueError("an urgency is not a finite number")
    return values, happened


def _concordance(
    urgency: FloatArray, outcome: NDArray[np.bool_], units: NDArray[np.int64], count: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rightly ordered pairs by unit with the outcome and unit without (count, count); cases of each (count,)."""
    _, rank = np.unique(urgency, return_inverse=True)
    below = np.zeros((int(rank.max(initial=-1)) + 2, count))
    np.add.at(below, (rank[~outcome] + 1, units[~outcome]), 1.0)
    below = np.cumsum(below, axis=0)  # row r: those without the outcome, by unit, ranked lower than r
    concordant = np.zeros((count, count))
    ranks = rank[outcome]
    np.add.at(concordant, units[outcome], (below[ranks] + below[ranks + 1]) / 2)
    with_it = np.bincount(units[outcome], minlength=count).astype(np.float64)
    without = np.bincount(units[~outcome], minlength=count).astype(np.float64)
    return concordant, with_it, without


def _auc_of(
    weights: FloatArray, concordant: FloatArray, with_it: FloatArray, without: FloatArray
) -> FloatArray:
    pairs = (weights @ with_it) * (weights @ without)
    right = np.einsum("bi,bi->b", weights @ concordant, weights)
    safe = np.where(pairs == 0, 1.0, pairs)
    return np.asarray(np.where(pairs == 0, np.nan, right / safe)[:, None], dtype=np.float64)
