"""The answers that are compared: predictions files, recorded answers of other models, and the nurse's level."""

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from eval.comparison.errors import ComparisonError
from eval.comparison.labels import Labels
from eval.predictions import PredictionsError, read_predictions
from triage.metrics.confusions import FloatArray
from triage.metrics.levels import UNREADABLE, IntArray

RUN_COLUMNS = ("prompting", "shots", "format")
"""What tells the rows of a recorded file apart, beside ``model``; ``run`` tells runs of the same row apart."""


@dataclass(frozen=True)
class Answers:
    """One row's answers to the n labelled cases, in their order.

    ``given`` holds levels or ``UNREADABLE``, shape (n,); ``probabilities`` is of shape (n, 5), a row of NaN where the
    model gave none, or None. ``sha256`` is the file's.
    """

    name: str
    kind: str
    given: IntArray
    probabilities: FloatArray | None = None
    sha256: str | None = None

    @property
    def with_probabilities(self) -> FloatArray:
        """Probabilities of every case: of one without an answer, all on level 5, so that nobody is found by it.

        Raises:
            ValueError: the row has none.
        """
        if self.probabilities is None:
            raise ValueError(f"{self.name} gave no probabilities")
        filled = self.probabilities.copy()
        filled[np.isnan(filled[:, 0])] = (0.0, 0.0, 0.0, 0.0, 1.0)
        return filled


def predictions(name: str, path: Path, labels: Labels) -> Answers:
    """The row of a predictions file (``eval.predictions``).

    Raises:
        ComparisonError: the file cannot be read, or its cases are not those of the data.
        FileNotFoundError: there is no such file.
    """
    try:
        items = {item.case_id: item for item in read_predictions(path)}
    except PredictionsError as error:
        raise ComparisonError(str(error)) from None
    _same_cases(path.name, items, labels)
    chosen = [items[case_id] for case_id in labels.case_ids]
    given = np.asarray([item.predicted or UNREADABLE for item in chosen], dtype=np.int64)
    probabilities = np.asarray(
        [item.probabilities.p if item.probabilities else (np.nan,) * 5 for item in chosen], dtype=np.float64
    )
    has_any = bool(np.isfinite(probabilities).any())
    return Answers(name, "predictions", given, probabilities if has_any else None, _sha256(path))


def recorded(path: Path, labels: Labels) -> list[Answers]:
    """The rows of a file of recorded answers: ``case_id, model, predicted``, and what of ``RUN_COLUMNS`` it has.

    An answer that is not 1-5 is unreadable: wrong. Rows that differ only in ``run`` have the same name but for it.

    Raises:
        ComparisonError: a column is missing, a case stands twice in a row, or the cases are not those of the data.
        FileNotFoundError: there is no such file.
    """
    rows = read_recorded(path)
    digest = _sha256(path)
    found = []
    for (name, run), answers in rows.items():
        full = f"{name} [{run}]" if run else name
        _same_cases(f"{path.name}, {full}", answers, labels)
        given = np.asarray([answers[case_id] for case_id in labels.case_ids], dtype=np.int64)
        found.append(Answers(full, "recorded", given, None, digest))
    return found


def read_recorded(path: Path) -> dict[tuple[str, str], dict[str, int]]:
    """The levels of a file of recorded answers by (row name, run) and case; ``UNREADABLE`` where it is none.

    Raises:
        ComparisonError: a column is missing, a case stands twice in a row, or the file is no CSV.
        FileNotFoundError: there is no such file.
    """
    rows: dict[tuple[str, str], dict[str, int]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [c for c in ("case_id", "model", "predicted") if c not in (reader.fieldnames or ())]
            if missing:
                raise ComparisonError(
                    f"{path.name}: missing column {missing[0]}; recorded answers have case_id, model, predicted"
                )
            for row in reader:
                if None in row or None in row.values():
                    raise ComparisonError(
                        f"{path.name}, line {reader.line_num}: not as many cells as the header has columns"
                    )
                answers = rows.setdefault((_name(row), (row.get("run") or "").strip()), {})
                if row["case_id"] in answers:
                    raise ComparisonError(
                        f"{path.name}, line {reader.line_num}: the case stands twice in one model's answers; "
                        "tell its runs apart in a column run"
                    )
                answers[row["case_id"]] = _level(row["predicted"])
    except (UnicodeDecodeError, csv.Error):
        raise ComparisonError(f"{path.name}: not UTF-8 CSV; save it as that") from None
    if not rows:
        raise ComparisonError(f"{path.name}: no answers")
    return rows


def nurse(labels: Labels) -> Answers | None:
    """The triage nurse's row, where the nurse's level is not itself the label."""
    return Answers("triage nurse", "nurse", labels.nurse) if labels.nurse_differs else None


def decided(answers: Answers, threshold: float | None) -> Answers:
    """The row that one decision rule makes of the probabilities, the same for every model.

    The most likely level, or 2 where p(1) + p(2) reaches the threshold and the most likely level is less urgent.
    A case without probabilities stays unanswered.
    """
    p = answers.with_probabilities
    level = p.argmax(axis=1) + 1
    if threshold is not None:
        level = np.where((p[:, :2].sum(axis=1) >= threshold) & (level > 2), 2, level)
    assert answers.probabilities is not None
    level = np.where(np.isnan(answers.probabilities[:, 0]), UNREADABLE, level).astype(np.int64)
    rule = "most likely" if threshold is None else f"p(1-2) >= {threshold:g}"
    return replace(
        answers, name=f"{answers.name}, {rule}", kind="decision rule", given=level, probabilities=None
    )


def _name(row: Mapping[str, str]) -> str:
    parts = {column: (row.get(column) or "").strip() for column in RUN_COLUMNS}
    words = [row["model"].strip(), parts["prompting"], f"{parts['shots']}-shot" if parts["shots"] else ""]
    return " ".join(word for word in (*words, parts["format"]) if word)


def _level(text: str) -> int:
    level = text.strip().removesuffix(".0")
    return int(level) if level in {"1", "2", "3", "4", "5"} else UNREADABLE


def _same_cases(what: str, answered: Mapping[str, object], labels: Labels) -> None:
    wanted = set(labels.case_ids)
    missing, foreign = len(wanted - answered.keys()), len(answered.keys() - labels.in_files)
    if missing:
        raise ComparisonError(
            f"{what}: {missing} of the {len(wanted)} labelled cases have no row; predict them too, with an empty "
            "level where there is no answer"
        )
    if foreign:
        raise ComparisonError(
            f"{what}: {foreign} rows are of no case of the data; give the file they were predicted from"
        )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
