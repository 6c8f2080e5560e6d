"""Data and answers that do not go together are refused with the file and the remedy, before anything is scored."""

import csv

import pytest

from eval import Task
from eval.comparison import ComparisonError, Request, compare
from eval.comparison.labels import read_labels
from triage.training.corpus import CorpusError


def rewritten(path, change):
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    changed = [change(dict(row), number) for number, row in enumerate(rows)]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(changed[0]))
        writer.writeheader()
        writer.writerows(changed)
    return path


@pytest.mark.parametrize("level", ["0", "6", "7", "-9", "2.5", "urgent"])
def test_a_level_of_another_scale_is_refused(ktas_data, level):
    path = rewritten(ktas_data(30).path, lambda row, i: {**row, "acuity": level if i < 3 else row["acuity"]})
    with pytest.raises(
        ComparisonError, match=r"data\.csv: 3 cases have an acuity that is not 1-5; bring them"
    ):
        read_labels(Task.KTAS, [path])


def test_a_case_without_a_label_is_left_out(ktas_data):
    path = rewritten(ktas_data(30).path, lambda row, i: {**row, "acuity": "" if i < 3 else row["acuity"]})
    assert len(read_labels(Task.KTAS, [path])) == 27


@pytest.mark.parametrize("column", ["case_id", "chief_complaint", "acuity"])
def test_a_missing_column_is_named(ktas_data, column):
    path = rewritten(ktas_data(30).path, lambda row, i: {k: v for k, v in row.items() if k != column})
    with pytest.raises((CorpusError, ComparisonError), match=rf"data\.csv.*({column}|no labelled case)"):
        read_labels(Task.KTAS, [path])


def test_a_file_of_another_scale_is_refused(ktas_data):
    with pytest.raises(CorpusError, match=r"data\.csv: missing column"):
        read_labels(Task.NHAMCS, [ktas_data(30).path])


def test_a_case_that_stands_twice_is_refused(ktas_data):
    path = rewritten(
        ktas_data(30).path, lambda row, i: {**row, "case_id": "k-0" if i < 2 else row["case_id"]}
    )
    with pytest.raises(ComparisonError, match="stands twice"):
        read_labels(Task.KTAS, [path])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda row, i: {**row, "predicted": "6"}, "predicted"),
        (lambda row, i: {**row, "case_id": "k-0"}, "twice"),
        (lambda row, i: {**row, "case_id": f"other-{i}"}, "30 of the 30 labelled cases have no row"),
        (lambda row, i: {k: v for k, v in row.items() if k != "predicted"}, "missing column predicted"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(ktas_data, change, message):
    data = ktas_data(30)
    path = rewritten(data.answer("m", probabilities=False), change)
    with pytest.raises(ComparisonError, match=rf"m\.csv.*{message}"):
        compare(Request(task=Task.KTAS, data=(data.path,), predictions={"m": path}, resamples=100))
