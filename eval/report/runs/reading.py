"""A run from its folder: the result, and the answers and true levels of each case where they lie beside it.

Layout: ``results.json``; ``predictions/<task>/<row>.csv`` (``eval.predictions``); ``predictions/<task>/truth.csv`` with
``case_id,truth`` and, where cases cluster, ``group``. Without ``truth.csv`` the true levels are those of the listed
errors, where a row's list is complete.
"""

import csv
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from eval.comparison.labels import Labels
from eval.predictions import Prediction, PredictionsError, read_predictions
from eval.report.errors import ReportError
from eval.report.write import RESULTS, read_result
from eval.suite.result import SuiteResult, TaskResult

TRUTH = "truth.csv"


@dataclass(frozen=True)
class Labelled:
    """True levels by case, and the group of each where it is known."""

    truth: Mapping[str, int]
    groups: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Run:
    """``folder`` holds ``results.json``."""

    result: SuiteResult
    folder: Path

    def answers(self, task: str, row: str) -> Mapping[str, Prediction] | None:
        """The row's answers by case; None where the file is not there.

        Raises:
            ReportError: the file is there and cannot be read.
        """
        path = self.folder / "predictions" / task / f"{_file_name(row)}.csv"
        if not path.is_file():
            return None
        try:
            return {item.case_id: item for item in read_predictions(path)}
        except PredictionsError as error:
            raise ReportError(str(error)) from None

    def labelled(self, task: TaskResult) -> Labelled | None:
        """True levels of the task's cases; None where they cannot be told.

        Raises:
            ReportError: ``truth.csv`` cannot be read.
        """
        path = self.folder / "predictions" / task.name / TRUTH
        if path.is_file():
            return _truth(path)
        for model in task.models:
            answers = self.answers(task.name, model.name)
            wrong = {case.case_id: case.truth for case in task.errors if case.row == model.name}
            if (
                answers is not None
                and len(wrong) == _wrong(task, model.name)
                and wrong.keys() <= answers.keys()
            ):
                found = {key: wrong.get(key, item.predicted) for key, item in answers.items()}
                return Labelled({key: level for key, level in found.items() if level is not None})
        return None


def read_run(path: Path) -> Run:
    """A run from its folder or its ``results.json``.

    Raises:
        ReportError: there is none, or it is not of this form.
    """
    folder = path if path.is_dir() else path.parent
    return Run(read_result(folder / RESULTS if path.is_dir() else path), folder)


def write_truth(folder: Path, labels: Labels) -> Path:
    """Write ``truth.csv`` beside a task's answers, so that a later run can be compared with this one in pairs.

    Groups are left out where every case is its own.
    """
    path = folder / TRUTH
    grouped = len(set(labels.groups)) < len(labels)
    partial = path.with_name(f".{TRUTH}.partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("case_id", "truth", *(("group",) if grouped else ())))
        for case_id, truth, group in zip(labels.case_ids, labels.truth.tolist(), labels.groups, strict=True):
            writer.writerow((case_id, truth, *((group,) if grouped else ())))
    os.replace(partial, path)
    return path


def same_ids(what: str, first: Iterable[str], second: Iterable[str]) -> None:
    """Refuse other cases.

    Raises:
        ReportError: the two are not the same set; says how many differ, and no id.
    """
    one, other = set(first), set(second)
    if one != other:
        raise ReportError(
            f"{what}: the cases are others ({len(one - other)} only in the first run, {len(other - one)} only in the "
            "second); run both on the same data with the same sample and seed"
        )


def _file_name(row: str) -> str:
    """As ``triage eval run`` names the file of a row."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", Path(row).stem if row.endswith(".py") else row)


def _wrong(task: TaskResult, row: str) -> int | None:
    counts = next((item.counts for item in task.confusions if item.row == row), None)
    if counts is None:
        return None
    return sum(map(sum, counts)) - sum(line[index] for index, line in enumerate(counts))


def _truth(path: Path) -> Labelled:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, strict=True))
        truth = {row["case_id"]: int(row["truth"]) for row in rows}
        groups = {row["case_id"]: row["group"] for row in rows if row.get("group")}
    except (KeyError, TypeError, ValueError, csv.Error):
        raise ReportError(f"{path.name}: needs the columns case_id and truth, a level 1-5 each") from None
    if len(truth) != len(rows) or not set(truth.values()) <= {1, 2, 3, 4, 5}:
        raise ReportError(f"{path.name}: a case stands twice, or a level is not 1-5")
    return Labelled(truth, groups if len(groups) == len(truth) else None)
