"""Answers fit the labelled cases, or the error says what does not."""

import numpy as np
import pytest

from eval import Task
from eval.comparison import ComparisonError
from eval.comparison.answers import decided, nurse, predictions, recorded
from eval.comparison.labels import read_labels


def labels_of(data, task=Task.KTAS):
    return read_labels(task, [data.path])


def test_answers_are_joined_by_case_not_by_place(ktas_data):
    data = ktas_data(30)
    path = data.answer("m", skill=1.0)
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *reversed(rows)]) + "\n")
    answers = predictions("m", path, labels_of(data))
    assert answers.given.tolist() == data.truth.tolist()
    assert answers.probabilities.shape == (30, 5)


def test_an_empty_answer_is_unreadable_and_finds_nobody(ktas_data):
    data = ktas_data(30)
    answers = predictions("m", data.answer("m", empty={3}), labels_of(data))
    assert answers.given[3] == 0
    assert answers.with_probabilities[3].tolist() == [0, 0, 0, 0, 1]
    assert decided(answers, 0.1).given[3] == 0


def test_missing_and_foreign_cases_are_counted_and_never_named(ktas_data):
    data = ktas_data(30)
    missing = data.answer("missing", ids=data.case_ids[:-2])
    with pytest.raises(ComparisonError, match="2 of the 30 labelled cases have no row") as error:
        predictions("m", missing, labels_of(data))
    assert "k-2" not in str(error.value)
    with pytest.raises(ComparisonError, match="1 rows are of no case") as error:
        predictions("m", data.answer("foreign", extra=["stranger"]), labels_of(data))
    assert "stranger" not in str(error.value)


def test_a_case_without_label_may_be_predicted(nhamcs_data):
    labels = labels_of(nhamcs_data, Task.NHAMCS)
    assert len(labels) == 599
    assert len(predictions("m", nhamcs_data.answer("m"), labels).given) == 599


def test_a_broken_file_is_named(ktas_data, tmp_path):
    path = tmp_path / "broken.csv"
    path.write_text("case_id,level\nk-0,3\n")
    with pytest.raises(ComparisonError, match=r"broken\.csv: missing column predicted"):
        predictions("m", path, labels_of(ktas_data(30)))


def test_recorded_rows_are_named_from_their_columns(ktas_data, tmp_path):
    data = ktas_data(30)
    path = tmp_path / "gpt.csv"
    lines = ["case_id,model,prompting,shots,format,run,predicted"]
    for run in ("a", "b"):
        lines += [f"{case_id},gpt-4o,Vanilla,0,natural,{run},3" for case_id in data.case_ids]
    lines += [f"{case_id},gpt-4o,KATE,5,natural,c,level 3" for case_id in data.case_ids]
    path.write_text("\n".join(lines))
    rows = recorded(path, labels_of(data))
    assert [row.name for row in rows] == [
        "gpt-4o Vanilla 0-shot natural [a]",
        "gpt-4o Vanilla 0-shot natural [b]",
        "gpt-4o KATE 5-shot natural [c]",
    ]
    assert set(rows[0].given) == {3}
    assert set(rows[2].given) == {0}


def test_recorded_answers_need_only_three_columns(ktas_data, tmp_path):
    data = ktas_data(30)
    path = tmp_path / "gpt.csv"
    body = [f"{case_id},m,4.0" for case_id in data.case_ids]
    path.write_text("\n".join(["case_id,model,predicted", *body]))
    (row,) = recorded(path, labels_of(data))
    assert row.name == "m"
    assert set(row.given) == {4}
    path.write_text("\n".join(["case_id,model,predicted", *body, body[0]]))
    with pytest.raises(ComparisonError, match="line 32: the case stands twice"):
        recorded(path, labels_of(data))
    path.write_text("\n".join(["case_id,model,predicted", *body[1:]]))
    with pytest.raises(ComparisonError, match="1 of the 30"):
        recorded(path, labels_of(data))
    path.write_text("case_id,predicted\n")
    with pytest.raises(ComparisonError, match="missing column model"):
        recorded(path, labels_of(data))
    path.write_text("case_id,model,predicted\n")
    with pytest.raises(ComparisonError, match="no answers"):
        recorded(path, labels_of(data))


def test_the_nurse_is_a_row_only_beside_another_label(ktas_data, nhamcs_data):
    assert nurse(labels_of(ktas_data(30))) is not None
    assert nurse(labels_of(nhamcs_data, Task.NHAMCS)) is None


def test_one_decision_rule_for_every_model(ktas_data):
    data = ktas_data(30)
    answers = predictions("m", data.answer("m"), labels_of(data))
    assert decided(answers, None).given.tolist() == answers.given.tolist()
    eager = decided(answers, 0.2)
    assert eager.name == "m, p(1-2) >= 0.2"
    assert eager.given.tolist() == np.minimum(answers.given, 2).tolist()


def test_labels_that_cannot_be_used(ktas_data):
    data = ktas_data(30)
    with pytest.raises(ComparisonError, match="stands twice"):
        read_labels(Task.KTAS, [data.path, data.path])
    with pytest.raises(ComparisonError, match="begins with '2020-'"):
        read_labels(Task.KTAS, [data.path], group_prefix="2020-")
    with pytest.raises(ComparisonError, match="takes no data file"):
        read_labels(Task.SAMPLES, [data.path])
