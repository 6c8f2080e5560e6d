"""Predictions: what every model under test gives for a case, and the file they are kept in.

The file is CSV with the columns ``case_id, predicted, p1..p5, most_urgent, least_urgent``; any file with at least
``case_id`` and ``predicted`` can be scored.
"""

import csv
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field

from data_schemas import AcuityLevel, LevelProbabilities
from data_schemas._base import Frozen

COLUMNS = ("case_id", "predicted", "p1", "p2", "p3", "p4", "p5", "most_urgent", "least_urgent")


class Prediction(Frozen):
    """One case's answer.

    ``predicted`` is None where the model could not answer: counted as wrong, with ``error`` saying why (no patient
    data in it). ``probabilities`` are the model's calibrated ones, before any floor of the rules. The prediction set
    runs from ``most_urgent`` to ``least_urgent``.
    """

    case_id: str
    predicted: AcuityLevel | None
    probabilities: LevelProbabilities | None = None
    most_urgent: AcuityLevel | None = None
    least_urgent: AcuityLevel | None = None
    error: str | None = Field(default=None, exclude=True)


def write_predictions(path: Path, predictions: Iterable[Prediction]) -> None:
    """Write the CSV; a failed case has an empty level, never a missing row."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for item in predictions:
            p = [f"{value:.6f}" for value in item.probabilities.p] if item.probabilities else [""] * 5
            row = (item.case_id, item.predicted, *p, item.most_urgent, item.least_urgent)
            writer.writerow(["" if value is None else value for value in row])
