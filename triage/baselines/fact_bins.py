"""Facts as zeros and ones for a linear model: numbers in bins, and "not known" a column of its own.

Nothing missing is filled in, and a level can be urgent at both ends of a vital sign, which one weight for a number
cannot say.
"""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from data_schemas import IntakeRecord
from data_schemas._base import Frozen
from triage.baselines.facts_table import FACT_NAMES, fact_table

SHARES = (0.01, 0.05, 0.1, 0.25, 0.4, 0.6, 0.75, 0.9, 0.95, 0.99)
"""Quantiles of the training values at which bins are cut: close together at the ends, where the urgent ones are."""


class FactBins(Frozen):
    """Where each column of ``fact_table`` is cut, fixed at fitting. A column without a cut is taken as it is."""

    facts: tuple[str, ...]
    cuts: tuple[tuple[float, ...], ...]

    @classmethod
    def fit(cls, records: Sequence[IntakeRecord]) -> Self:
        """Cut every column that has more than two values in ``records``."""
        table = fact_table(records)
        return cls(facts=FACT_NAMES, cuts=tuple(_cuts(column) for column in table.T))

    def transform(self, records: Sequence[IntakeRecord]) -> NDArray[np.float64]:
        """Shape (n, width): per column its bins, one of them 1, and a column for not known.

        Raises:
            ValueError: the bins were fitted by another version of the features.
        """
        if self.facts != FACT_NAMES:
            raise ValueError("the bins are of another version of the features: fit the model again")
        table = fact_table(records)
        blocks = []
        for column, cuts in zip(table.T, self.cuts, strict=True):
            unknown = np.isnan(column)
            if cuts:
                bins = np.searchsorted(cuts, column, side="right")  # NaN sorts last and is masked
                block = (bins[:, None] == np.arange(len(cuts) + 1)[None, :]) & ~unknown[:, None]
            else:
                block = np.where(unknown, 0.0, column)[:, None]
            blocks += [block.astype(np.float64), unknown[:, None].astype(np.float64)]
        return np.hstack(blocks)


def _cuts(column: NDArray[np.float64]) -> tuple[float, ...]:
    known = column[~np.isnan(column)]
    if len(np.unique(known)) <= 2:
        return ()
    cuts = np.unique(np.quantile(known, SHARES, method="nearest"))
    return tuple(float(cut) for cut in cuts if cut > known.min())
