"""Two runs on hand-made answers: better, the same, worse, and other cases."""

import json

import numpy as np
import pytest

from eval.cases import Task
from eval.comparison.labels import read_labels
from eval.comparison.result import Estimate
from eval.report import ReportError, compare_runs, described
from eval.report.runs import write_truth
from eval.report.runs.comparing import unpaired


def changed(items, chosen, level):
    """The same answers, with another level for the chosen cases."""
    return [
        item.model_copy(update={"predicted": level(item), "probabilities": None})
        if item.case_id in chosen
        else item
        for item in items
    ]


@pytest.fixture(scope="module")
def base(made):
    return made.answers(0.7, probabilities=False)


@pytest.fixture(scope="module")
def known(made):
    return dict(zip(made.ids, made.truth.tolist(), strict=True))


def right(base, known):
    return [item.case_id for item in base if item.predicted == known[item.case_id]]


def test_the_same_run_shows_no_difference(run_folder, base):
    found = compare_runs(run_folder("a", {"slm": base}), run_folder("b", {"slm": base}))
    assert found.verdict == "no difference shown"
    assert not found.regression
    assert found.rows[0].paired
    assert not found.rows[0].now_wrong
    assert all(item.difference.value == 0 for item in found.rows[0].scores)


def test_a_fall_beyond_the_interval_is_worse_and_names_its_cases(run_folder, base, known):
    lost = set(right(base, known)[:20])
    after = changed(base, lost, lambda item: 5 if item.predicted <= 3 else 1)
    found = compare_runs(run_folder("a", {"slm": base}), run_folder("b", {"slm": after}))
    assert found.verdict == "worse"
    assert found.regression
    row = found.rows[0]
    assert set(row.now_wrong) == lost
    assert not row.now_right
    accuracy = next(item for item in row.scores if item.score == "accuracy")
    assert accuracy.difference.value == pytest.approx(-20 / 160)
    assert accuracy.difference.high < 0
    strict = {key for key in lost if known[key] <= 2}
    assert set(row.now_strict) == strict
    assert strict
    text = "\n".join(described(found))
    assert "right before, wrong now (20)" in text
    assert all(key in text for key in lost)


def test_a_rise_beyond_the_interval_is_better(run_folder, base, known):
    wrong = {item.case_id for item in base if item.predicted != known[item.case_id]}
    after = changed(base, wrong, lambda item: known[item.case_id])
    found = compare_runs(run_folder("a", {"slm": base}), run_folder("b", {"slm": after}))
    assert found.verdict == "better"
    assert set(found.rows[0].now_right) == wrong


def test_a_single_case_is_within_the_interval_and_still_named(run_folder, base, known):
    one = {right(base, known)[0]}
    after = changed(base, one, lambda item: 6 - item.predicted if item.predicted != 3 else 4)
    found = compare_runs(run_folder("a", {"slm": base}), run_folder("b", {"slm": after}))
    assert found.verdict == "no difference shown"
    assert set(found.rows[0].now_wrong) == one


def test_only_the_named_scores_make_the_verdict(run_folder, base, known):
    low = {item.case_id for item in base if item.predicted >= 3 and known[item.case_id] == item.predicted}
    after = changed(base, low, lambda item: 2)
    a, b = run_folder("a", {"slm": base}), run_folder("b", {"slm": after})
    assert compare_runs(a, b).regression
    assert not compare_runs(a, b, scores=["recall_high"]).regression
    with pytest.raises(ValueError, match="no score is called"):
        compare_runs(a, b, scores=["luck"])


def test_no_answer_is_worse(run_folder, base):
    silent = {item.case_id for item in base[:30]}
    after = changed(base, silent, lambda item: None)
    found = compare_runs(run_folder("a", {"slm": base}), run_folder("b", {"slm": after}))
    assert next(i for i in found.rows[0].scores if i.score == "unreadable").verdict == "worse"


def test_without_the_answers_intervals_are_compared_and_it_is_said(run_folder, base, known):
    lost = set(right(base, known)[:6])
    after = changed(base, lost, lambda item: min(5, item.predicted + 1) if item.predicted < 5 else 4)
    a = run_folder("a", {"slm": base}, keep=False)
    b = run_folder("b", {"slm": after}, keep=False)
    found = compare_runs(a / "results.json", b / "results.json")
    row = found.rows[0]
    assert not row.paired
    assert "no pairs" in row.how
    assert found.notes
    assert row.verdict == "no difference shown"
    paired = compare_runs(run_folder("c", {"slm": base}), run_folder("d", {"slm": after}))
    width = {
        run.rows[0].paired: next(
            i.difference.high - i.difference.low for i in run.rows[0].scores if i.score == "accuracy"
        )
        for run in (found, paired)
    }
    assert width[True] < width[False]


def test_without_true_levels_there_are_no_pairs_and_with_a_truth_file_there_are(run_folder, base, made):
    a, b = (run_folder(name, {"slm": base}, truth=False) for name in "ab")
    assert not compare_runs(a, b).rows[0].paired
    write_truth(b / "predictions" / "made up", read_labels(Task.KTAS, (made.data,)))
    assert compare_runs(a, b).rows[0].paired


def test_other_data_is_refused(run_folder, base, other):
    a = run_folder("a", {"slm": base})
    b = run_folder("b", {"slm": other.answers(0.7, probabilities=False)}, source=other)
    with pytest.raises(ReportError, match="the cases are others"):
        compare_runs(a, b)


def test_answers_to_other_cases_are_refused_without_naming_any(run_folder, base):
    a, b = run_folder("a", {"slm": base}), run_folder("b", {"slm": base})
    path = b / "predictions" / "made up" / "slm.csv"
    path.write_text(path.read_text().replace("k-000,", "k-999,"))
    with pytest.raises(ReportError, match="1 only in the first run, 1 only in the second") as caught:
        compare_runs(a, b)
    assert "k-" not in str(caught.value)


def test_another_sample_is_refused(run_folder, base):
    a, b = run_folder("a", {"slm": base}), run_folder("b", {"slm": base})
    kept = json.loads((b / "results.json").read_text())
    kept["tasks"][0]["sample"] = "Another 160 cases."
    (b / "results.json").write_text(json.dumps(kept))
    with pytest.raises(ReportError, match="chosen otherwise"):
        compare_runs(a, b)


def test_rows_of_one_run_only_are_listed_and_none_in_common_is_refused(run_folder, base):
    a = run_folder("a", {"slm": base, "old": base})
    b = run_folder("b", {"slm": base, "new": base})
    found = compare_runs(a, b)
    assert found.only_before == ("old on made up",)
    assert found.only_after == ("new on made up",)
    with pytest.raises(ReportError, match="in both runs"):
        compare_runs(run_folder("c", {"old": base}), b)


def test_the_unpaired_interval_equals_a_hand_worked_one():
    found = unpaired(Estimate(value=0.5, low=0.4, high=0.6), Estimate(value=0.8, low=0.7, high=0.85))
    assert found.value == pytest.approx(0.3)
    assert found.low == pytest.approx(0.3 - np.hypot(0.1, 0.1))
    assert found.high == pytest.approx(0.3 + np.hypot(0.05, 0.1))
    assert unpaired(Estimate(value=None), Estimate(value=0.5, low=0.4, high=0.6)).value is None
