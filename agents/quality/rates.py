"""Numbers that never stand alone: a rate with its cases and interval, a spread with its cases."""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from triage.metrics import Interval, wilson_interval


@dataclass(frozen=True, slots=True)
class Rate:
    """``hits`` of ``n``; ``value`` and ``interval`` (95 %, Wilson) are None where there is no case."""

    hits: int
    n: int

    @property
    def value(self) -> float | None:
        """The share, from 0 to 1."""
        return self.hits / self.n if self.n else None

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval of the share."""
        return wilson_interval(self.hits, self.n) if self.n else None

    @classmethod
    def of(cls, marks: Iterable[bool]) -> "Rate":
        """The share of the true ones."""
        found = list(marks)
        return cls(sum(found), len(found))


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and 90th percentile (linear between two values) of ``n`` values; NaN where there is none."""

    n: int
    median: float
    p90: float

    @classmethod
    def of(cls, values: Collection[float]) -> "Spread":
        """Of values in any unit."""
        if not values:
            return cls(0, math.nan, math.nan)
        median, p90 = np.percentile(np.asarray(list(values), dtype=np.float64), [50, 90])
        return cls(len(values), float(median), float(p90))
