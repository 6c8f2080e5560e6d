"""A whole file: every case once, in order; a crash costs no finished row; the record says how to get it again."""

import json

import pytest

from data_schemas import EsiVersion
from eval.predictions import Prediction, read_predictions
from eval.predictors import (
    CaseFile,
    InputError,
    InputTask,
    ModelName,
    Output,
    RunRecord,
    command_line,
    open_predictor,
    predict_file,
)
from eval.predictors.protocol import Provenance


class Stopping:
    """The rules, stopping like a killed process after ``after`` chunks; ``refused`` cases get no answer."""

    name = "rules"
    chunk = 2

    def __init__(self, rules, after: int = 99, refused: frozenset[str] = frozenset()) -> None:
        self.rules, self.after, self.refused, self.asked = rules, after, refused, []

    @property
    def provenance(self) -> Provenance:
        return self.rules.provenance

    def predict(self, cases):
        if self.after == 0:
            raise KeyboardInterrupt
        self.after -= 1
        self.asked += [case.case_id for case in cases]
        return [
            Prediction(case_id=item.case_id, predicted=None, error="AnswerError")
            if item.case_id in self.refused
            else item
            for item in self.rules.predict(cases)
        ]

    def close(self) -> None: ...


@pytest.fixture
def rules(settings):
    return open_predictor(ModelName.RULES, InputTask.KTAS, settings)


@pytest.fixture
def file(write, rows) -> CaseFile:
    return CaseFile(write(rows(InputTask.KTAS), "ktas.csv"), InputTask.KTAS)


def test_every_case_stands_once_in_the_order_of_the_file(file, rules, tmp_path):
    shown = []
    record = predict_file(
        file,
        Stopping(rules),
        Output(tmp_path / "out.csv"),
        progress=lambda done, record: shown.append((done, record.predicted)),
    )
    assert [item.case_id for item in read_predictions(tmp_path / "out.csv")] == list(file.ids)
    assert shown == [(2, 2), (4, 4), (5, 5)]
    assert (record.finished, record.predicted, record.failed) == (True, 5, 0)


def test_a_case_without_an_answer_is_a_row_without_a_level_and_counted(file, rules, tmp_path):
    record = predict_file(file, Stopping(rules, refused=frozenset({"k-3"})), Output(tmp_path / "out.csv"))
    levels = {item.case_id: item.predicted for item in read_predictions(tmp_path / "out.csv")}
    assert levels["k-3"] is None
    assert (record.predicted, record.failed, record.failures) == (4, 1, {"AnswerError": 1})


def test_an_unreadable_case_keeps_its_place(write, rows, settings, tmp_path):
    cases = rows(InputTask.ESI)
    cases = [cases[2], *cases[:2]]
    file = CaseFile(write(cases, "e.jsonl"), InputTask.ESI)
    record = predict_file(
        file, open_predictor(ModelName.MAJORITY, InputTask.ESI, settings), Output(tmp_path / "out.csv")
    )
    found = read_predictions(tmp_path / "out.csv")
    assert [item.predicted for item in found] == [None, 3, 3]
    assert record.failed == 1


def test_a_stopped_run_is_gone_on_with_and_is_the_same_file(file, rules, tmp_path):
    whole, broken = tmp_path / "whole.csv", tmp_path / "broken.csv"
    predict_file(file, Stopping(rules, refused=frozenset({"k-2"})), Output(whole))
    with pytest.raises(KeyboardInterrupt):
        predict_file(file, Stopping(rules, after=1, refused=frozenset({"k-2"})), Output(broken))
    assert not RunRecord.load(tmp_path / "broken.json").finished
    with broken.open("ab") as tail:
        tail.write(b"k-3,1,0.2")  # half a row, as a power cut leaves it
    again = Stopping(rules)
    record = predict_file(file, again, Output(broken, resume=True))
    assert broken.read_bytes() == whole.read_bytes()
    assert again.asked == ["k-3", "k-4", "k-5"]
    assert (record.finished, record.parts, record.failures) == (True, 2, {"AnswerError": 1})


def test_a_row_taken_out_by_hand_is_asked_again_and_comes_to_its_place(file, rules, tmp_path):
    out = tmp_path / "out.csv"
    predict_file(file, rules, Output(out))
    content = out.read_text()
    out.write_text("".join(line for line in content.splitlines(keepends=True) if not line.startswith("k-2")))
    again = Stopping(rules)
    predict_file(file, again, Output(out, resume=True))
    assert again.asked == ["k-2"]
    assert out.read_text() == content


def test_nothing_is_asked_again_of_a_finished_file(file, rules, tmp_path):
    predict_file(file, rules, Output(tmp_path / "out.csv"))
    again = Stopping(rules)
    predict_file(file, again, Output(tmp_path / "out.csv", resume=True))
    assert again.asked == []


def test_a_finished_file_is_replaced(file, rules, tmp_path):
    for _ in range(2):
        predict_file(file, rules, Output(tmp_path / "out.csv"))
    assert len(read_predictions(tmp_path / "out.csv")) == 5


def test_an_unfinished_file_is_not_replaced_by_mistake(file, rules, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        predict_file(file, Stopping(rules, after=1), Output(tmp_path / "out.csv"))
    with pytest.raises(InputError, match="--resume"):
        Output(tmp_path / "out.csv")


@pytest.mark.parametrize("content", ["# notes\n", "case_id,acuity\nk-1,2\n", "\x00\x01"])
def test_another_file_is_not_written_over(content, tmp_path):
    (tmp_path / "out.csv").write_text(content)
    for resume in (False, True):
        with pytest.raises(InputError, match="holds no predictions"):
            Output(tmp_path / "out.csv", resume=resume)
    assert (tmp_path / "out.csv").read_text() == content


def test_predictions_need_a_csv_name_and_a_folder(tmp_path):
    with pytest.raises(InputError, match=r"ends in \.csv"):
        Output(tmp_path / "out.json")
    with pytest.raises(InputError, match="no folder nowhere"):
        Output(tmp_path / "nowhere" / "out.csv")


def test_rows_of_two_models_or_two_files_are_not_mixed(file, rules, settings, write, rows, tmp_path):
    out = tmp_path / "out.csv"
    predict_file(file, rules, Output(out))
    before = out.read_bytes()
    majority = open_predictor(ModelName.MAJORITY, InputTask.KTAS, settings)
    with pytest.raises(InputError, match="another model, provenance"):
        predict_file(file, majority, Output(out, resume=True))
    other = CaseFile(write(rows(InputTask.KTAS)[:3], "other.csv"), InputTask.KTAS)
    with pytest.raises(InputError, match="another data"):
        predict_file(other, rules, Output(out, resume=True))
    with pytest.raises(InputError, match="another esi_version"):
        predict_file(file, rules, Output(out, resume=True), version=EsiVersion.V4)
    assert out.read_bytes() == before


def test_a_row_of_no_case_of_the_file_is_refused(file, rules, tmp_path):
    out = tmp_path / "out.csv"
    predict_file(file, rules, Output(out))
    with out.open("a") as more:
        more.write("k-9,2,,,,,,,\n")
    with pytest.raises(InputError, match=r"1 cases that ktas\.csv has not"):
        predict_file(file, rules, Output(out, resume=True))


def test_the_record_says_what_is_needed_to_do_it_again_and_no_folder(file, rules, tmp_path):
    words = command_line(
        {"--data": file.path, "--train": [tmp_path / "a.csv"], "--full": True, "--fitted": None}
    )
    predict_file(file, rules, Output(tmp_path / "out.csv"), command=words)
    text = (tmp_path / "out.json").read_text()
    record = json.loads(text)
    assert record["command"] == "triage predict --data ktas.csv --train a.csv --full"
    assert record["setup"]["data"] == {"name": "ktas.csv", "sha256": file.sha256, "cases": 5}
    assert record["setup"]["input_columns"] == list(file.columns)
    assert record["notice"] is None
    assert record["seconds"] > 0
    assert str(tmp_path) not in text
    assert "chest pain" not in text


def test_a_run_with_the_diagnosis_says_so(write, rows, rules, tmp_path):
    file = CaseFile(write(rows(InputTask.KTAS), "k.csv"), InputTask.KTAS, with_diagnosis=True)
    record = predict_file(file, rules, Output(tmp_path / "out.csv"))
    assert record.setup.with_diagnosis
    assert "post_diagnosis" in record.setup.input_columns
    assert record.notice is not None
    assert record.notice.startswith("WITH THE DIAGNOSIS")
    assert record.input_counts["diagnoses"] == 5
