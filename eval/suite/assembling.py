"""From answers to a task's result: what beside the comparison's scores the report draws."""

from collections.abc import Mapping, Sequence

import numpy as np

from eval.comparison.answers import Answers
from eval.comparison.labels import Labels
from eval.comparison.result import Estimate
from eval.predictions import Prediction
from eval.suite.result import Confusion, Curve, SetScores
from triage.metrics import clopper_pearson_interval, reliability_table, risk_coverage_curve
from triage.metrics.confusions import confusions_by_unit
from triage.metrics.curves import RecallCurve
from triage.metrics.levels import UNREADABLE, IntArray

POINTS = 101
"""Points of a curve at the most: fewer than the cases, so that no case can be read from it."""

BINS = 10


def confusion(row: str, truth: IntArray, given: IntArray) -> Confusion:
    """Cases by true and answered level."""
    table = confusions_by_unit(truth, given, np.zeros(len(truth), dtype=np.int64), 1)[0]
    return Confusion(row=row, counts=tuple(tuple(int(cell) for cell in line) for line in table))


def given_levels(predictions: Sequence[Prediction]) -> IntArray:
    """Answered levels, ``UNREADABLE`` where there is none."""
    return np.asarray([item.predicted or UNREADABLE for item in predictions], dtype=np.int64)


def curves_of(
    labels: Labels, rows: Mapping[str, Sequence[Prediction]], recall: Mapping[str, RecallCurve]
) -> list[Curve]:
    """Recall over over-triage, reliability of p(1-2), and risk over coverage, of every row with probabilities."""
    found = []
    for row, curve in recall.items():
        x, y = _thin(curve.over_triage, curve.recall_high)
        found.append(Curve(row=row, kind="recall", x=x, y=y))
    for row, predictions in rows.items():
        has = [place for place, item in enumerate(predictions) if item.probabilities is not None]
        if len(has) < BINS:
            continue
        p = np.asarray([item.probabilities.p for item in predictions if item.probabilities is not None])
        truth = labels.truth[has]
        table = reliability_table(truth <= 2, np.minimum(p[:, :2].sum(axis=1), 1.0), bins=BINS)
        found.append(
            Curve(
                row=row,
                kind="reliability",
                x=tuple(item.claimed for item in table),
                y=tuple(item.observed for item in table),
                weights=tuple(float(item.cases) for item in table),
            )
        )
        answered = [predictions[place].predicted for place in has]
        risk = risk_coverage_curve(truth.tolist(), answered, p.max(axis=1))
        x, y = _thin(risk.coverage, risk.risk)
        found.append(Curve(row=row, kind="risk_coverage", x=x, y=y))
    return found


def set_scores(row: str, labels: Labels, predictions: Sequence[Prediction]) -> SetScores | None:
    """How the prediction sets of a row did; None where it gives none. Intervals take the cases as independent."""
    sets = [
        (int(true), item.most_urgent, item.least_urgent)
        for true, item in zip(labels.truth, predictions, strict=True)
        if item.most_urgent is not None and item.least_urgent is not None
    ]
    if not sets:
        return None
    inside = sum(first <= true <= last for true, first, last in sets)
    below = sum(true < first for true, first, _ in sets)
    sizes = [last - first + 1 for _, first, last in sets]
    one, two, three, four, five = (sizes.count(size) for size in range(1, 6))
    return SetScores(
        row=row,
        coverage=Estimate.of(inside / len(sets), clopper_pearson_interval(inside, len(sets))),
        mean_size=sum(sizes) / len(sizes),
        sizes=(one, two, three, four, five),
        below_the_set=Estimate.of(below / len(sets), clopper_pearson_interval(below, len(sets))),
    )


def confusions_of(
    truth: IntArray, rows: Mapping[str, Sequence[Prediction]], others: Sequence[Answers]
) -> list[Confusion]:
    """Of every row asked, and of the recorded ones and the nurse."""
    own = [confusion(name, truth, given_levels(items)) for name, items in rows.items()]
    return [*own, *(confusion(item.name, truth, item.given) for item in others)]


def _thin(x: np.ndarray, y: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """At most ``POINTS`` of the curve, both ends among them."""
    keep = np.unique(np.linspace(0, len(x) - 1, min(POINTS, len(x))).round().astype(int))
    return tuple(float(v) for v in np.asarray(x)[keep]), tuple(float(v) for v in np.asarray(y)[keep])
