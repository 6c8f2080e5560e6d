"""The tasks in Inspect itself: own models, recorded answers, logs that its tools read, and nothing leaked."""

import csv

import inspect_ai
import pytest
from inspect_ai._util.registry import registry_lookup
from inspect_ai.log import read_eval_log
from inspect_ai.model import get_model

from data_schemas import IntakeRecord
from eval import tasks
from eval.harness import registry
from eval.harness.answers import KEY
from eval.harness.dataset import RECORD
from eval.predictors import CaseFile, InputTask
from eval.predictors.rules import RulesPredictor

# Inspect's own: streams left to the garbage collector, and a parameter it still gives.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:The 'initial' parameter is deprecated:DeprecationWarning"),
]


def evaluate(task, model, folder, **args):
    (log,) = inspect_ai.eval(
        task,
        model=get_model(model, memoize=False, **args),
        log_dir=str(folder),
        display="none",
        ctl_server=False,
        fail_on_error=False,
    )
    return read_eval_log(log.location)


def levels(log):
    return {sample.id: sample.scores["triage"].metadata["level"] for sample in log.samples}


def test_the_rules_answer_in_inspect_as_they_do_alone(ktas_file, tmp_path):
    path = ktas_file(12)
    log = evaluate(tasks.ktas(str(path)), "triage/rules", tmp_path / "logs")
    assert log.status == "success"
    alone = RulesPredictor().predict(list(CaseFile(path, InputTask.KTAS).cases()))
    assert levels(log) == {item.case_id: item.predicted for item in alone}
    metrics = {name: found.value for name, found in log.results.scores[0].metrics.items()}
    right = sum(item.predicted == 1 + int(item.case_id[2:]) % 5 for item in alone)
    assert metrics["accuracy"] == pytest.approx(right / 12)
    assert metrics["unreadable"] == 0


def test_no_model_is_shown_a_label_an_outcome_or_the_nurse(ktas_file):
    path = ktas_file(6, acuity="5", nurse_acuity="1")
    for sample in tasks.ktas(str(path)).dataset:
        shown = sample.input + str(sample.metadata)
        for secret in ("Zebra", "narnia", "acuity", "nurse", "post_"):
            assert secret not in shown
        assert sample.target == "5"
        record = IntakeRecord.model_validate_json(sample.metadata[RECORD])
        assert {fact.source.path for fact in record.facts} <= set(CaseFile(path, InputTask.KTAS).columns)


def test_the_record_is_the_one_that_the_agent_reads(ktas_file):
    path = ktas_file(6)
    read = {case.case_id: case.record for case in CaseFile(path, InputTask.KTAS).cases()}
    for sample in tasks.ktas(str(path)).dataset:
        assert IntakeRecord.model_validate_json(sample.metadata[RECORD]) == read[sample.id]


def test_the_diagnosis_is_shown_only_where_it_was_asked_for(ktas_file):
    (sample, *_) = tasks.ktas(str(ktas_file(2)), with_diagnosis=True).dataset
    assert "Zebra" in sample.metadata[RECORD]


def test_the_real_language_model_answers_a_few(ktas_file, tmp_path):
    log = evaluate(tasks.ktas(str(ktas_file(3))), "triage/agent", tmp_path)
    for sample in log.samples:
        found = sample.scores["triage"].metadata[KEY]
        assert found["predicted"] in range(1, 6)
        assert sum(found["probabilities"]["p"]) == pytest.approx(1, abs=1e-6)


def test_recorded_answers_and_the_nurse_are_models_too(ktas_file, tmp_path):
    path = ktas_file(5)
    answers = tmp_path / "answers.csv"
    with answers.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("case_id", "model", "predicted"))
        writer.writerows((f"k-{number}", "other", "3" if number else "no idea") for number in range(4))
    log = evaluate(tasks.ktas(str(path)), "triage/recorded", tmp_path / "a", answers=str(answers))
    assert levels(log) == {"k-0": None, "k-1": 3, "k-2": 3, "k-3": 3, "k-4": None}
    errors = {sample.id: sample.scores["triage"].explanation for sample in log.samples}
    assert errors["k-0"] == "no level was recorded"
    assert errors["k-4"] == "no recorded answer"
    log = evaluate(tasks.ktas(str(path)), "triage/nurse", tmp_path / "b", data=str(path))
    assert levels(log)["k-2"] == 4


def test_an_unreadable_case_is_wrong_and_says_why(write, tmp_path):
    rows = [
        {"case_id": "e-1", "vignette": "A 30-year-old man twisted his ankle. HR 78.", "acuity": "4"},
        {"case_id": "e-2", "vignette": " ", "acuity": "2"},
    ]
    log = evaluate(tasks.esi(str(write(rows, "esi.csv"))), "triage/rules", tmp_path / "logs")
    broken = next(sample for sample in log.samples if sample.id == "e-2")
    assert broken.scores["triage"].value == 0
    assert broken.scores["triage"].explanation.startswith("unreadable")
    metrics = {name: found.value for name, found in log.results.scores[0].metrics.items()}
    assert metrics["unreadable"] == 0.5


def test_classes_are_scored_as_classes(write, tmp_path):
    rows = [
        {"urgency_level": "em", "case_description": "A man is gasping and cyanotic. HR 150, SpO2 75%."},
        {"urgency_level": "sc", "case_description": "A boy has had a runny nose since yesterday."},
    ]
    path = write([row | {"correct_diagnosis": "Zebra syndrome"} for row in rows], "semigran.jsonl")
    task = tasks.semigran(str(path))
    assert [sample.target for sample in task.dataset] == ["em", "sc"]
    assert all("Zebra" not in str(sample) for sample in task.dataset)
    log = evaluate(task, "triage/rules", tmp_path / "logs")
    assert {sample.scores["triage"].metadata["level"] for sample in log.samples} <= {2, 4, 5}


def test_a_licensed_copy_of_mimic_is_a_task(tmp_path):
    (tmp_path / "triage.csv").write_text(
        "subject_id,stay_id,temperature,heartrate,resprate,o2sat,sbp,dbp,pain,acuity,chiefcomplaint\n"
        "1,11,98.1,88,18,99,120,70,3,3,Abd pain\n2,12,101.0,120,24,92,90,50,8,2,Dyspnea\n"
    )
    log = evaluate(tasks.mimic(str(tmp_path)), "triage/rules", tmp_path / "logs")
    assert {sample.id: sample.target for sample in log.samples} == {"11": "3", "12": "2"}


def test_general_models_are_prompted(ktas_file, tmp_path):
    log = evaluate(tasks.ktas(str(ktas_file(2))), "mockllm/model", tmp_path)
    assert levels(log) == {"k-0": None, "k-1": None}  # the mock's fixed text names no level


@pytest.mark.parametrize("name", registry.TASKS)
def test_every_task_is_found_under_the_package_name(name):
    assert registry_lookup("task", f"triage/{name}") is not None
