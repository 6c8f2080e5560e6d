"""The same metrics of many confusion matrices at once, so that a bootstrap takes seconds.

Every metric of levels is a function of the confusion matrix alone; a bootstrap draw is a weighted sum of the matrices
of its units. The definitions are those of ``agreement`` and ``safety``, and the tests hold them equal.
"""

import numpy as np
from numpy.typing import NDArray

from data_schemas.acuity import LEVELS
from triage.metrics.levels import UNREADABLE, IntArray, furthest

FloatArray = NDArray[np.float64]

SCORES: tuple[str, ...] = (
    "accuracy",
    "within_one",
    "quadratic_weighted_kappa",
    "macro_f1",
    "recall_high",
    "over_triage",
    "under_triage",
    "significant_under_triage",
    "significant_under_triage_high",
    "significant_over_triage",
    "strict_under_triage",
    "unreadable",
)
"""The scores of ``scores_of``, in the order of its last axis."""

LOWER_IS_BETTER: frozenset[str] = frozenset(SCORES[5:])

_SIZE = len(LEVELS)
_CELLS = _SIZE * (_SIZE + 1)
_TRUE, _GIVEN = np.indices((_SIZE, _SIZE + 1)) + 1  # the column 6 is an unreadable answer
_READ = _GIVEN <= _SIZE
_UNDER = ((_GIVEN > _TRUE) & _READ) | (~_READ & (_TRUE < _SIZE))
_MASKS: dict[str, NDArray[np.bool_]] = {
    "accuracy": _TRUE == _GIVEN,
    "within_one": (np.abs(_TRUE - _GIVEN) <= 1) & _READ,
    "over_triage": _GIVEN < _TRUE,
    "under_triage": _UNDER,
    "significant_under_triage": (_TRUE == 2) & (_GIVEN >= 3),
    "significant_under_triage_high": (_TRUE <= 2) & (_GIVEN >= 3),
    "significant_over_triage": (_TRUE >= 3) & (_GIVEN <= 2),
    "strict_under_triage": (_TRUE <= 2) & (_GIVEN >= 4),
    "unreadable": ~_READ,
}
_FURTHEST = furthest(np.asarray(LEVELS, dtype=np.int64)) - 1
_WEIGHTS = (np.arange(_SIZE)[:, None] - np.arange(_SIZE)[None, :]) ** 2


def confusions_by_unit(true: IntArray, given: IntArray, units: IntArray, count: int) -> FloatArray:
    """The confusion matrix of each resampling unit, shape (count, 5, 6): true level, predicted level or unreadable.

    Args:
        true: levels 1-5, shape (n,).
        given: levels 1-5 or ``UNREADABLE``, shape (n,), as ``levels.checked`` returns them.
        units: the unit of each case, 0 to count - 1, shape (n,).
        count: how many units there are.
    """
    columns = np.where(given == UNREADABLE, _SIZE, given - 1)
    cells = units * _CELLS + (true - 1) * (_SIZE + 1) + columns
    counts = np.bincount(cells, minlength=count * _CELLS).astype(np.float64)
    return counts.reshape(count, _SIZE, _SIZE + 1)


def hits(score: str, true: IntArray, given: IntArray) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """The cases that a proportion counts, and those it is a share of, each of shape (n,); None of kappa and F1.

    Args:
        score: one of ``SCORES``.
        true: levels 1-5, shape (n,).
        given: levels 1-5 or ``UNREADABLE``, shape (n,).
    """
    columns = np.where(given == UNREADABLE, _SIZE, given - 1)
    if score == "recall_high":
        return (true <= 2) & (columns < 2), true <= 2
    if score not in _MASKS:
        return None
    return np.asarray(_MASKS[score][true - 1, columns]), np.ones(len(true), dtype=np.bool_)


def scores_of(confusions: FloatArray) -> FloatArray:
    """All ``SCORES`` of confusion matrices of shape (..., 5, 6); the result has shape (..., 12).

    A share of no case is NaN. Kappa where chance alone would never disagree is 1 where all answers are right, else 0.
    """
    total = confusions.sum(axis=(-1, -2))
    result = np.full((*total.shape, len(SCORES)), np.nan)
    for index, name in enumerate(SCORES):
        if name in _MASKS:
            result[..., index] = _divide((confusions * _MASKS[name]).sum(axis=(-1, -2)), total)
    high = confusions[..., :2, :]
    result[..., SCORES.index("recall_high")] = _divide(
        high[..., :2].sum(axis=(-1, -2)), high.sum(axis=(-1, -2))
    )
    result[..., SCORES.index("quadratic_weighted_kappa")] = _kappa(confusions, total)
    result[..., SCORES.index("macro_f1")] = _macro_f1(confusions)
    return result


def _kappa(confusions: FloatArray, total: FloatArray) -> FloatArray:
    square = confusions[..., :_SIZE].copy()
    for row, column in enumerate(_FURTHEST):
        square[..., row, column] += confusions[..., row, _SIZE]
    rows, columns = square.sum(axis=-1), square.sum(axis=-2)
    by_chance = np.einsum("...i,...j,ij->...", rows, columns, _WEIGHTS)
    observed = (square * _WEIGHTS).sum(axis=(-1, -2)) * total
    kappa = 1.0 - _divide(observed, by_chance)
    undefined = np.where(observed == 0, 1.0, 0.0)
    return np.where(total == 0, np.nan, np.where(by_chance == 0, undefined, kappa))


def _macro_f1(confusions: FloatArray) -> FloatArray:
    square = confusions[..., :_SIZE]
    hit = np.diagonal(square, axis1=-2, axis2=-1)
    involved = confusions.sum(axis=-1) + square.sum(axis=-2)
    occurs = involved > 0
    f1 = np.where(occurs, _divide(2.0 * hit, involved), 0.0)
    return _divide(f1.sum(axis=-1), occurs.sum(axis=-1).astype(np.float64))


def _divide(above: FloatArray, below: FloatArray) -> FloatArray:
    safe = np.where(below == 0, 1.0, below)
    return np.asarray(np.where(below == 0, np.nan, above / safe), dtype=np.float64)
