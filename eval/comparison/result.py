"""What a comparison found: values to write as JSON. A number that has no value is null, never 0."""

import math
from collections.abc import Mapping

from pydantic import Field

from data_schemas._base import Frozen
from triage.metrics.intervals import Interval


def number(value: float) -> float | None:
    """NaN and infinity as None."""
    return float(value) if math.isfinite(value) else None


class Estimate(Frozen):
    """A value with its 95 % interval; None where it has no value."""

    value: float | None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, value: float, interval: Interval) -> "Estimate":
        """From numbers that may be NaN."""
        return cls(value=number(value), low=number(interval.low), high=number(interval.high))


class Difference(Estimate):
    """This row minus the reference on the same cases; ``p_holm`` is corrected over all rows compared."""

    p: float | None
    p_holm: float | None = None
    test: str


class RowResult(Frozen):
    """One row. ``counts`` are cases, of all n (the mean where there are several ``runs``)."""

    name: str
    kind: str
    runs: int = 1
    cases: int
    scores: Mapping[str, Estimate]
    counts: Mapping[str, float] = Field(default_factory=dict)
    differences: Mapping[str, Difference] = Field(default_factory=dict)
    calibration: Mapping[str, float] = Field(default_factory=dict)


class Stratum(Frozen):
    """The rows on a part of the cases."""

    name: str
    cases: int
    rows: tuple[RowResult, ...]


class SubgroupRate(Frozen):
    """One score in one subgroup."""

    row: str
    attribute: str
    subgroup: str
    cases: int
    score: str
    estimate: Estimate


class Gap(Frozen):
    """The widest difference of a score between two subgroups of at least ``subgroups.FEWEST`` cases.

    The two were chosen because they differ most: the interval is of their difference, and not corrected for the choice.
    """

    row: str
    attribute: str
    score: str
    highest: str
    lowest: str
    difference: Estimate


class Ranking(Frozen):
    """AUC of an outcome by a row's urgency, and its paired difference to the nurse's level."""

    row: str
    urgency: str
    outcome: str
    cases: int
    events: int
    auc: Estimate
    against_nurse: Difference | None


class CurveResult(Frozen):
    """Mean recall of levels 1-2 between two rates of over-triage, and its difference to the reference row's."""

    row: str
    low: float
    high: float
    area: Estimate
    difference: Difference | None


class SiteLabels(Frozen):
    """A score on the cases left after ``labels`` random ones were used for calibration: mean and range over draws."""

    row: str
    labels: int
    draws: int
    score: str
    without: Estimate
    with_labels: Estimate
    gain: Estimate


class BarResult(Frozen):
    """A row against a bar; ``reached`` a score, None where it cannot be told."""

    bar: str
    source: str
    row: str
    comparable: bool
    values: Mapping[str, float | None]
    wanted: Mapping[str, float]
    reached: Mapping[str, bool | None]


class Comparison(Frozen):
    """The whole result, with what is needed to get it again."""

    task: str
    data: Mapping[str, str]
    """File name to SHA-256."""
    predictions: Mapping[str, str]
    """Row name to SHA-256 of its file."""
    commit: str | None
    seed: int
    resamples: int
    cases: int
    levels: tuple[int, int, int, int, int]
    units: int
    clustered: bool
    reference: str
    rows: tuple[RowResult, ...]
    strata: tuple[Stratum, ...] = ()
    subgroups: tuple[SubgroupRate, ...] = ()
    gaps: tuple[Gap, ...] = ()
    rankings: tuple[Ranking, ...] = ()
    curves: tuple[CurveResult, ...] = ()
    site_labels: tuple[SiteLabels, ...] = ()
    bars: tuple[BarResult, ...] = ()
