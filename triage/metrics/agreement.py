"""How far predicted levels agree with the true ones."""

import numpy as np

from data_schemas.acuity import LEVELS
from triage.metrics.levels import UNREADABLE, IntArray, Predicted, Truth, checked, furthest


def accuracy(truth: Truth, predicted: Predicted) -> float:
    """Share of cases whose level is exactly the true one. Unreadable answers are wrong."""
    true, given = checked(truth, predicted)
    return float(np.mean(true == given))


def within_one(truth: Truth, predicted: Predicted) -> float:
    """Share of cases at most one level from the true one. Unreadable answers are not."""
    true, given = checked(truth, predicted)
    return float(np.mean((np.abs(true - given) <= 1) & (given != UNREADABLE)))


def confusion_matrix(truth: Truth, predicted: Predicted) -> IntArray:
    """Counts of shape (5, 6): rows are true levels 1-5, columns predicted levels 1-5, then unreadable answers."""
    true, given = checked(truth, predicted)
    counts = np.zeros((len(LEVELS), len(LEVELS) + 1), dtype=np.int64)
    columns = np.where(given == UNREADABLE, len(LEVELS), given - 1)
    np.add.at(counts, (true - 1, columns), 1)
    return counts


def quadratic_weighted_kappa(truth: Truth, predicted: Predicted) -> float:
    """Cohen's kappa with weights (i - j)^2 over levels 1-5 (Cohen, Psychol Bull 1968;70:213-220).

    1 is perfect, 0 is chance. An unreadable answer counts as the level furthest from the truth. Where chance alone
    would never disagree (one and the same level everywhere) kappa is undefined: 1 is returned where all answers are
    right, else 0.
    """
    true, given = checked(truth, predicted)
    given = np.where(given == UNREADABLE, furthest(true), given)
    size = len(LEVELS)
    observed = np.zeros((size, size))
    np.add.at(observed, (true - 1, given - 1), 1.0)
    steps = np.arange(size)
    weights = (steps[:, None] - steps[None, :]) ** 2
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / observed.sum()
    by_chance = float((weights * expected).sum())
    if by_chance == 0:
        return 1.0 if bool((true == given).all()) else 0.0
    return 1.0 - float((weights * observed).sum()) / by_chance


def macro_f1(truth: Truth, predicted: Predicted) -> float:
    """Mean F1 over the levels that occur among the true or the readable predicted ones, all weighing the same.

    F1 of a level is 2 TP / (2 TP + FP + FN). An unreadable answer is a miss of its true level, a false alarm of none.
    """
    true, given = checked(truth, predicted)
    scores = []
    for level in LEVELS:
        hit = np.sum((true == level) & (given == level))
        involved = np.sum(true == level) + np.sum(given == level)
        if involved:
            scores.append(2.0 * float(hit) / float(involved))
    return float(np.mean(scores))
