"""Curves of recall against over-triage: the comparison that no choice of threshold can flatter."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eval.comparison.answers import Answers
from eval.comparison.ranking import difference
from eval.comparison.result import CurveResult, Estimate
from triage.metrics.bootstrap import Units
from triage.metrics.curves import OVER_TRIAGE_RANGE, RecallCurve, recall_curve, replicate_area
from triage.metrics.levels import IntArray
from triage.metrics.paired import holm

POINTS = 201
"""Points of a written curve: fewer than the cases, so that no case can be read from it."""


def curves(answers: Sequence[Answers], truth: IntArray) -> dict[str, RecallCurve]:
    """The curve of every row with probabilities."""
    if not (truth <= 2).any():
        return {}
    return {
        item.name: recall_curve(truth, item.with_probabilities)
        for item in answers
        if item.probabilities is not None
    }


def areas(answers: Sequence[Answers], truth: IntArray, units: Units) -> list[CurveResult]:
    """Mean recall over the range of over-triage, and the paired difference to the first row with probabilities."""
    rows = [item for item in answers if item.probabilities is not None] if (truth <= 2).any() else []
    found = [replicate_area(truth, item.with_probabilities, units) for item in rows]
    p_values = holm([own.minus(found[0]).p_value(0) for own in found[1:]])
    low, high = OVER_TRIAGE_RANGE
    return [
        CurveResult(
            row=item.name,
            low=low,
            high=high,
            area=Estimate.of(float(own.estimate[0]), own.interval(0)),
            difference=difference(own, found[0], p_values[index - 1]) if index else None,
        )
        for index, (item, own) in enumerate(zip(rows, found, strict=True))
    ]


def write_points(path: Path, found: dict[str, RecallCurve]) -> None:
    """The curves at ``POINTS`` evenly spaced rates of over-triage, as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("row", "over_triage", "recall_high"))
        for name, curve in found.items():
            for over in np.linspace(curve.over_triage[0], curve.over_triage[-1], POINTS):
                writer.writerow((name, f"{over:.4f}", f"{curve.recall_at(float(over)):.4f}"))
