"""``triage eval report`` and ``triage eval compare`` on the command line."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

_PARTS = Path(__file__).parents[1] / "eval" / "report" / "conftest.py"


@pytest.fixture(scope="module")
def parts():
    spec = importlib.util.spec_from_file_location("report_parts", _PARTS)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def write(parts, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    made = parts.Made(folder)

    def run(name, answers):
        task = parts.task_of(made, {"slm": ("model", answers)})
        out = tmp_path / name
        (out / "predictions" / task.name).mkdir(parents=True)
        (out / "results.json").write_text(parts.suite_of(task).model_dump_json())
        parts.write_predictions(out / "predictions" / task.name / "slm.csv", answers)
        return out

    return made, run


def test_the_report_is_written_and_its_files_are_listed(triage, write, tmp_path):
    made, run = write
    folder = run("a", made.answers(0.7))
    done = triage(
        "eval", "report", str(folder), "--out", str(tmp_path / "out"), "--without-cases", records=False
    )
    assert done.code == 0
    assert {"report.html", "report.md", "results.json", "scores.csv"} <= {
        Path(line).name for line in done.out.split()
    }
    assert "k-000" not in (tmp_path / "out" / "report.html").read_text()


def test_what_is_no_result_ends_with_1(triage, tmp_path):
    (tmp_path / "results.json").write_text("{}")
    done = triage("eval", "report", str(tmp_path), "--out", str(tmp_path / "out"), records=False)
    assert done.code == 1
    assert "not a result" in done.err


def test_compare_ends_with_10_for_a_regression_and_0_for_none(triage, write):
    made, run = write
    good, bad = run("good", made.answers(0.9)), run("bad", made.answers(0.4))
    worse = triage("eval", "compare", str(good), str(bad), records=False)
    assert worse.code == 10
    assert "verdict: worse" in worse.out
    assert "right before, wrong now" in worse.out
    better = triage("eval", "compare", str(bad), str(good), "--json", records=False)
    assert better.code == 0
    assert json.loads(better.out)["verdict"] == "better"


def test_compare_refuses_a_score_that_there_is_not(triage, write):
    made, run = write
    folder = str(run("a", made.answers(0.7)))
    done = triage("eval", "compare", folder, folder, "--score", "luck", records=False)
    assert done.code == 2
    assert "luck" in done.err
