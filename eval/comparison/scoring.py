"""Scores of the rows with intervals, and their paired differences to the reference."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.comparison.answers import Answers
from eval.comparison.result import Difference, Estimate, RowResult, number
from triage.metrics import (
    brier_score,
    expected_calibration_error,
    high_calibration_error,
    log_loss,
    wilson_interval,
)
from triage.metrics.bootstrap import Replicates, Units, mean_of, replicate_scores
from triage.metrics.confusions import SCORES, hits
from triage.metrics.jackknife import jackknife_interval, resampled_share_interval
from triage.metrics.levels import IntArray
from triage.metrics.paired import difference_interval, holm, mcnemar_of

_KAPPA = "quadratic_weighted_kappa"
_NO_PROPORTION = {_KAPPA, "macro_f1"}
_FEW_UNITS = 200
"""With fewer, BCa intervals of kappa hold it less than 93 % of the time (docs/decisions/0014-intervals.md)."""
_COUNTED = (
    "significant_under_triage",
    "significant_under_triage_high",
    "strict_under_triage",
    "unreadable",
)
MCNEMAR = "McNemar mid-p"
JACKKNIFE = "paired jackknife t"


@dataclass(frozen=True)
class Row:
    """A row of the table: one set of answers, or the mean of several runs of the same model."""

    name: str
    kind: str
    members: tuple[Answers, ...]


def rows_of(answers: Sequence[Answers]) -> list[Row]:
    """A row for each, and after the recorded ones the mean of those that differ only in their run."""
    rows = [Row(item.name, item.kind, (item,)) for item in answers]
    runs: dict[str, list[Answers]] = {}
    for item in answers:
        if item.kind == "recorded" and item.name.endswith("]"):
            runs.setdefault(item.name.rsplit(" [", 1)[0], []).append(item)
    means = [
        Row(f"{name}, mean of {len(items)} runs", "mean of runs", tuple(items))
        for name, items in runs.items()
        if len(items) > 1
    ]
    last = max((i for i, row in enumerate(rows) if row.kind == "recorded"), default=len(rows) - 1)
    return [*rows[: last + 1], *means, *rows[last + 1 :]]


def score_rows(rows: Sequence[Row], truth: IntArray, units: Units) -> list[RowResult]:
    """Every row's scores and, against the first row, its paired differences with Holm's correction a score.

    Args:
        rows: the first is the reference.
        truth: levels 1-5, shape (n,).
        units: what the bootstrap draws; the same for all rows, so that they are paired.
    """
    found = [mean_of([replicate_scores(truth, item.given, units) for item in row.members]) for row in rows]
    differences = [
        _differences(rows[0], row, found[0], own, truth, units) for row, own in zip(rows, found, strict=True)
    ]
    for score in SCORES:
        adjusted = holm([_or_nan(item[score].p) for item in differences[1:]])
        for item, p in zip(differences[1:], adjusted, strict=True):
            item[score] = item[score].model_copy(update={"p_holm": number(p)})
    return [
        RowResult(
            name=row.name,
            kind=row.kind,
            runs=len(row.members),
            cases=len(truth),
            scores={score: _estimate(row, own, i, truth, units) for i, score in enumerate(SCORES)},
            counts={score: float(own.estimate[SCORES.index(score)] * len(truth)) for score in _COUNTED},
            differences=differences[index] if index else {},
            calibration=_calibration(row.members[0], truth) if len(row.members) == 1 else {},
        )
        for index, (row, own) in enumerate(zip(rows, found, strict=True))
    ]


def estimate_of(
    replicates: Replicates, score: str, among: int, *, clustered: bool, runs: int = 1
) -> Estimate:
    """A score with its 95 % interval.

    Wilson's for a share: of the cases where they are independent, else of as many as the clusters are worth. BCa for
    kappa and F1; for kappa of few units the jackknife's on Fisher's scale. 0 of n is not [0, 0] with any of them.

    Args:
        replicates: of all ``SCORES``.
        score: one of them.
        among: the cases that it is a share of.
        clustered: the units are no single cases, or the value is the mean of ``runs`` runs.
        runs: how many.
    """
    index = SCORES.index(score)
    value, left_out = float(replicates.estimate[index]), replicates.left_out[:, index]
    if score not in _NO_PROPORTION and np.isfinite(value) and among > 0:
        if clustered:
            bounds = resampled_share_interval(value, left_out, among, most=float(among * runs))
            return Estimate.of(value, bounds)
        return Estimate.of(value, wilson_interval(round(value * among), among))
    if score == _KAPPA and len(left_out) < _FEW_UNITS and abs(value) < 1:
        return Estimate.of(value, jackknife_interval(value, left_out, kappa=True))
    return Estimate.of(value, replicates.interval(index))


def _estimate(row: Row, own: Replicates, index: int, truth: IntArray, units: Units) -> Estimate:
    score = SCORES[index]
    among = int((truth <= 2).sum()) if score == "recall_high" else len(truth)
    resampled = units.clustered or len(row.members) > 1  # the mean of runs is no count of cases
    return estimate_of(own, score, among, clustered=resampled, runs=len(row.members))


def _differences(
    first: Row, row: Row, reference: Replicates, own: Replicates, truth: IntArray, units: Units
) -> dict[str, Difference]:
    apart = own.minus(reference)
    found = {}
    for index, score in enumerate(SCORES):
        value, interval = float(apart.estimate[index]), apart.interval(index)
        p, test = apart.p_value(index), JACKKNIFE
        pair = None if units.clustered else _paired_hits(score, first, row, truth)
        if pair is not None:
            p, test, interval = mcnemar_of(*pair).mid_p, MCNEMAR, difference_interval(*pair)
        plain = Estimate.of(value, interval)
        found[score] = Difference(value=plain.value, low=plain.low, high=plain.high, p=number(p), test=test)
    return found


def _paired_hits(
    score: str, first: Row, row: Row, truth: IntArray
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Which cases either row counts; None where that is no count of cases (kappa, F1, a mean of runs)."""
    if len(first.members) > 1 or len(row.members) > 1:
        return None
    one, other = (hits(score, truth, item.members[0].given) for item in (first, row))
    if one is None or other is None or not one[1].any():
        return None
    return one[0][one[1]], other[0][other[1]]


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _calibration(answers: Answers, truth: IntArray) -> dict[str, float]:
    """Calibration over the cases that have probabilities."""
    if answers.probabilities is None:
        return {}
    has: NDArray[np.bool_] = np.isfinite(answers.probabilities[:, 0])
    levels, p = truth[has].tolist(), answers.probabilities[has]
    return {
        "cases": float(has.sum()),
        "expected_calibration_error": expected_calibration_error(levels, p),
        "high_calibration_error": high_calibration_error(levels, p),
        "brier_score": brier_score(levels, p),
        "log_loss": log_loss(levels, p),
    }
