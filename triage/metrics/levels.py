"""Levels as the metrics see them: true levels 1-5 (1 the most urgent), predictions 1-5 or None.

None is an answer that could not be read. It is a wrong answer in every metric, and never an excuse: where a metric
needs a number, it counts as the level furthest from the truth.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_schemas.acuity import LEVELS

Truth = Sequence[int]
Predicted = Sequence[int | None]
IntArray = NDArray[np.int64]

UNREADABLE = 0
"""How ``checked`` writes None."""


def checked(truth: Truth, predicted: Predicted) -> tuple[IntArray, IntArray]:
    """Both as integer arrays of shape (n,), None as ``UNREADABLE``.

    Raises:
        ValueError: the lengths differ, there is nothing, or a level is not 1-5.
    """
    if len(truth) != len(predicted):
        raise ValueError(f"{len(truth)} true levels but {len(predicted)} predicted ones")
    if len(truth) == 0:
        raise ValueError("no cases: a metric of nothing has no value")
    true = np.asarray(truth, dtype=np.int64)
    given = np.asarray([UNREADABLE if level is None else level for level in predicted], dtype=np.int64)
    unread = np.asarray([level is None for level in predicted], dtype=np.bool_)
    if not np.isin(true, LEVELS).all() or not np.isin(given[~unread], LEVELS).all():
        raise ValueError("a level is not 1-5; an unreadable answer is None")
    return true, given


def furthest(true: IntArray) -> IntArray:
    """The level furthest from each true one; from 3 the less urgent, since that is the one that hurts."""
    return np.where(true <= 3, LEVELS[-1], LEVELS[0]).astype(np.int64)
