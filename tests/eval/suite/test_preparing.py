"""What a run refuses before it asks anything, and what it lists as not run."""

import pytest

from eval.cases import Task
from eval.harness.errors import HarnessError
from eval.suite.estimate import estimates
from eval.suite.options import RunOptions, command_line, spec_of
from eval.suite.preparing import prepare
from eval.suite.spec import load_suite
from eval.suite.watching import Silent

VIGNETTES = [
    {"case_id": "e-1", "vignette": "A 34-year-old man twisted his ankle. HR 78, RR 16.", "acuity": "4"},
    {"case_id": "e-2", "vignette": "A 66-year-old woman is gasping, cyanotic. HR 140.", "acuity": "1"},
]


@pytest.fixture
def vignettes(write):
    return write(VIGNETTES, "esi.csv")


@pytest.fixture
def prepared(vignettes, tmp_path):
    def build(*models, **more):
        options = RunOptions(task=Task.ESI, models=models, data=more.pop("data", vignettes), **more)
        return prepare(spec_of(options), None, tmp_path / "out", Silent())

    return build


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "give --suite NAME, or --task"),
        ({"task": Task.ESI}, "give --model"),
        ({"suite": "nothing-so"}, "no suite is called nothing-so"),
        ({"task": Task.ESI, "suite": "development"}, "not both"),
        ({"suite": "development", "sample": 5}, "a suite says this itself"),
    ],
)
def test_options_that_do_not_go_together(options, words):
    with pytest.raises(HarnessError, match=words):
        spec_of(RunOptions(**options))


@pytest.mark.parametrize(
    ("model", "words"),
    [("no-such-row", "no row is called no-such-row"), ("missing.py", "there is no such file")],
)
def test_a_row_that_there_is_not(prepared, model, words):
    with pytest.raises(HarnessError, match=words):
        prepared(model)


def test_recorded_answers_of_other_cases_are_refused(prepared, write):
    recorded = write([{"case_id": "of-others", "model": "gpt", "predicted": "3"}], "gpt.csv")
    with pytest.raises(HarnessError, match="2 of the 2 labelled cases have no row"):
        prepared("rules", recorded=(recorded,))


def test_training_on_the_cases_under_test_is_refused(prepared, vignettes):
    with pytest.raises(HarnessError, match="2 of the cases under test are among the training cases"):
        prepared("boosting", train=(vignettes,))


def test_a_missing_data_file_is_named(prepared, tmp_path):
    with pytest.raises(HarnessError, match=r"gone\.csv"):
        prepared("rules", data=tmp_path / "gone.csv")


def test_what_cannot_be_had_is_listed_with_why(prepared, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    found = prepared("rules", "nurse", "boosting", "recorded", "openai/gpt-4o")
    assert found.tasks[0].rows == ("rules",)
    said = "\n".join(found.not_run)
    for words in ("no nurse's level", "--train", "--recorded", "OPENAI_API_KEY"):
        assert words in said


def test_recorded_answers_alone_are_compared_with_the_rules(prepared, write):
    rows = [{"case_id": row["case_id"], "model": "gpt", "predicted": "3"} for row in VIGNETTES]
    found = prepared("recorded", recorded=(write(rows, "gpt.csv"),))
    assert found.tasks[0].rows == ("rules",)
    assert [item.name for item in found.tasks[0].others] == ["gpt"]


def test_an_api_is_priced_before_it_is_asked(prepared, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "of-a-test")
    (task,) = prepared("rules", "openai/gpt-4o").tasks
    by_row = {one.row: one for one in estimates(task)}
    assert by_row["rules"].usd is None
    assert by_row["openai/gpt-4o zero-shot"].usd > 0


def test_a_suite_without_any_of_its_files_is_refused(tmp_path):
    with pytest.raises(HarnessError, match="nothing can be run"):
        prepare(load_suite("development"), tmp_path, tmp_path / "out", Silent())


def test_the_development_suite_has_every_row():
    suite = load_suite("development")
    assert [task.name for task in suite.tasks] == ["nhamcs-2020", "ktas-regional", "esi-dev", "semigran"]
    rows = {"rules", "majority", "boosting", "encoder", "base", "slm", "agent", "agent-prior", "hybrid"}
    assert all(rows <= set(task.rows) for task in suite.tasks)
    assert suite.tasks[0].sample == 1000
    assert suite.full().tasks[0].sample is None


def test_a_command_is_told_without_folders(tmp_path):
    file = tmp_path / "esi.csv"
    file.touch()
    assert command_line(["eval", "run", "--data", str(file)]) == "triage eval run --data esi.csv"
