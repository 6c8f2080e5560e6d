"""Predictions: what every model under test gives for a case, and the file they are kept in.

The file is CSV with the columns ``case_id, predicted, p1..p5, most_urgent, least_urgent``; any file with at least
``case_id`` and ``predicted`` can be scored.
"""

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field

from data_schemas import AcuityLevel, LevelProbabilities
from data_schemas._base import Frozen

_P = ("p1", "p2", "p3", "p4", "p5")
_SET = ("most_urgent", "least_urgent")
COLUMNS = ("case_id", "predicted", *_P, *_SET)
_ROUNDING = 1e-3  # files of others are rounded, too: p is made to sum to 1 again


class PredictionsError(ValueError):
    """A predictions file cannot be read; names the file, the line, the column and the remedy."""


class Prediction(Frozen):
    """One case's answer.

    ``predicted`` is None where the model could not answer: counted as wrong, with ``error`` saying why (no patient
    data in it). ``probabilities`` are the model's calibrated ones, before any floor of the rules. The prediction set
    runs from ``most_urgent`` to ``least_urgent``. ``rules_only``: the agent went on without its model. The last two
    are not in the file.
    """

    case_id: str
    predicted: AcuityLevel | None
    probabilities: LevelProbabilities | None = None
    most_urgent: AcuityLevel | None = None
    least_urgent: AcuityLevel | None = None
    error: str | None = Field(default=None, exclude=True)
    rules_only: bool = Field(default=False, exclude=True)


def write_predictions(path: Path, predictions: Iterable[Prediction]) -> None:
    """Write the CSV, or replace it as a whole; a failed case has an empty level, never a missing row."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        file.write(_lines([COLUMNS]))
        file.writelines(_lines([_row(item)]) for item in predictions)
    os.replace(partial, path)


def append_predictions(path: Path, predictions: Iterable[Prediction]) -> None:
    """Add rows, the header first where there is no file, and see them to the disk before returning."""
    new = not path.exists() or path.stat().st_size == 0
    with path.open("a", newline="", encoding="utf-8") as file:
        file.write((_lines([COLUMNS]) if new else "") + _lines(map(_row, predictions)))
        file.flush()
        os.fsync(file.fileno())


def read_predictions(path: Path) -> list[Prediction]:
    """The rows of a predictions file, in its order; columns beside ``COLUMNS`` are not read.

    Raises:
        PredictionsError: a column is missing, a level or probability is none, or a case stands twice.
        FileNotFoundError: there is no such file.
    """
    try:
        return parse_predictions(path.read_text(encoding="utf-8-sig"), path.name)
    except UnicodeDecodeError:
        raise PredictionsError(f"{path.name}: not UTF-8 text; save it as UTF-8 CSV") from None


def parse_predictions(text: str, name: str) -> list[Prediction]:
    """The rows of a predictions file's ``text``; ``name`` is for messages.

    Raises:
        PredictionsError: as ``read_predictions``.
    """
    found: dict[str, Prediction] = {}
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        header = reader.fieldnames or ()
        missing = [column for column in ("case_id", "predicted") if column not in header]
        if missing:
            raise PredictionsError(
                f"{name}: missing column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; "
                "a predictions file has case_id and predicted (empty where there is no answer)"
            )
        for row in reader:
            where = f"{name}, line {reader.line_num}"
            if None in row or None in row.values():
                raise PredictionsError(f"{where}: not as many cells as the header has columns")
            item = _read(row, where)
            if item.case_id in found:
                raise PredictionsError(f"{where}: this case_id stands twice; keep one row a case")
            found[item.case_id] = item
    except csv.Error as error:
        raise PredictionsError(f"{name}: not CSV ({error})") from None
    return list(found.values())


def _row(item: Prediction) -> list[object]:
    p = [f"{value:.6f}" for value in item.probabilities.p] if item.probabilities else [""] * 5
    row = (item.case_id, item.predicted, *p, item.most_urgent, item.least_urgent)
    return ["" if value is None else value for value in row]


def _lines(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _read(row: dict[str, str], where: str) -> Prediction:
    case_id = row["case_id"].strip()
    if not case_id:
        raise PredictionsError(f"{where}: case_id is empty; every row needs one")
    first, last = (_level(row, column, where) for column in _SET)
    if (first is None) != (last is None) or (first is not None and last is not None and first > last):
        raise PredictionsError(
            f"{where}: most_urgent and least_urgent are both empty, or most_urgent is the smaller"
        )
    return Prediction(
        case_id=case_id,
        predicted=_level(row, "predicted", where),
        probabilities=_probabilities(row, where),
        most_urgent=first,
        least_urgent=last,
    )


def _level(row: dict[str, str], column: str, where: str) -> int | None:
    text = row.get(column, "").strip().removesuffix(".0")
    if not text:
        return None
    if text not in {"1", "2", "3", "4", "5"}:
        raise PredictionsError(f"{where}: {column} is not a level 1-5; leave it empty where there is none")
    return int(text)


def _probabilities(row: dict[str, str], where: str) -> LevelProbabilities | None:
    cells = [row.get(column, "").strip() for column in _P]
    if not any(cells):
        return None
    remedy = "give five probabilities that sum to 1, or leave all five empty"
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        raise PredictionsError(f"{where}: p1 to p5 are not all numbers; {remedy}") from None
    total = sum(values)
    if not all(0.0 <= value <= 1.0 for value in values) or not abs(total - 1.0) <= _ROUNDING:
        raise PredictionsError(f"{where}: p1 to p5 are not probabilities; {remedy}")
    one, two, three, four, five = (value / total for value in values)
    return LevelProbabilities(p=(one, two, three, four, five))
