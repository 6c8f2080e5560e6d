"""What every baseline checks of its training cases, and what it raises."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from triage.training.corpus import LabelledCase

Probabilities = NDArray[np.float64]
"""Shape (n, 5): levels 1-5 in that order; rows sum to 1."""


class BaselineError(ValueError):
    """A saved baseline cannot be used; the message names the file and the remedy."""


def labels_of(cases: Sequence[LabelledCase]) -> NDArray[np.int64]:
    """The level of each case minus one, shape (n,).

    Raises:
        ValueError: no cases, a case without a level, or cases of several scales.
    """
    if not cases:
        raise ValueError("there is no case to fit on")
    scales = sorted({case.scale.value for case in cases})
    if len(scales) > 1:
        raise ValueError(f"cases of several scales are fitted apart: {', '.join(scales)}")
    levels = [case.acuity for case in cases if case.acuity is not None]
    if len(levels) < len(cases):
        raise ValueError(f"{len(cases) - len(levels)} of {len(cases)} cases have no level")
    return np.array(levels, dtype=np.int64) - 1
