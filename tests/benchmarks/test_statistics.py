"""The simulation and the recomputation, small: on few data sets with a wide tolerance, and on made-up answers."""

import csv
import importlib.util
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

REPOSITORY = Path(__file__).parents[2]


def script(name):
    spec = importlib.util.spec_from_file_location(
        f"benchmark_{name}", REPOSITORY / "benchmarks" / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def coverage():
    return script("interval_coverage")


@pytest.mark.parametrize(("part", "least", "most"), [("shares", 0.90, 1.0), ("differences", 0.91, 1.0)])
def test_intervals_hold_the_truth(coverage, part, least, most):
    for found in getattr(coverage, part)(400, np.random.default_rng(1)):
        assert least <= found.value <= most, found.what


def test_wilson_holds_what_can_be_held_near_one_percent(coverage):
    found = {item.what: item for item in coverage.shares(10, np.random.default_rng(1))}
    for n in (47, 278, 1000):
        for rate in ("1%", "5%", "30%"):
            assert 0.93 <= found[f"Wilson, {rate} of {n}"].more["near"] <= 0.97
    assert found["Wilson, 1% of 1000"].more["exact"] == pytest.approx(0.9635, abs=1e-4)
    assert found["Clopper-Pearson, 1% of 1000"].more["exact"] > 0.97


def test_tests_hold_their_level(coverage):
    for found in coverage.tests(400, np.random.default_rng(1)):
        assert found.value <= 0.085, found.what


def test_clustered_intervals_hold_the_truth(coverage, monkeypatch):
    monkeypatch.setattr(coverage, "CLUSTERS", ((20, 30),))
    monkeypatch.setattr(coverage, "RESAMPLES", 200)
    for found in coverage.clusters(150, np.random.default_rng(1)):
        if found.measure == "coverage":
            assert found.value >= 0.87, found.what
        else:
            assert found.value <= 0.12, found.what


def write(path, header, rows):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


@pytest.fixture
def recorded_answers(tmp_path):
    """Forty KTAS cases with two runs of answers, some of them words, and none at level 5."""
    from triage.training.corpus import ktas

    dice = random.Random(4)
    levels = [dice.choice([1, 2, 2, 3, 3, 4]) for _ in range(40)]
    header = [*ktas.TRIAGE_COLUMNS, "site", "acuity", "nurse_acuity"]
    rows = [
        [
            {"case_id": f"c{i}", "acuity": level, "age_years": 50, "chief_complaint": "cough"}.get(name, "")
            for name in header
        ]
        for i, level in enumerate(levels)
    ]
    data = write(tmp_path / "labels.csv", header, rows)
    answers = [
        [f"c{i}", "m", "Vanilla", 0, "natural", run, dice.choice(["1", "2", "3.0", "4", "5", "urgent", ""])]
        for run in ("a", "b")
        for i in range(40)
    ]
    columns = ["case_id", "model", "prompting", "shots", "format", "run", "predicted"]
    return data, write(tmp_path / "answers.csv", columns, answers)


def recompute(data, answers, *more):
    command = [
        sys.executable,
        "benchmarks/recompute_recorded.py",
        "--task",
        "ktas",
        "--data",
        data,
        "--recorded",
        answers,
    ]
    return subprocess.run(
        [*map(str, command), *more], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_recorded_answers_score_the_same_reckoned_apart(recorded_answers):
    done = recompute(*recorded_answers)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 rows, 12 scores each" in done.stdout
    assert "m Vanilla 0-shot natural [b]" in done.stdout


def test_the_recomputation_can_fail(recorded_answers, monkeypatch, capsys):
    module = script("recompute_recorded")
    right = module.ours
    monkeypatch.setattr(
        module,
        "ours",
        lambda *a: {name: {**s, "macro_f1": s["macro_f1"] + 0.002} for name, s in right(*a).items()},
    )
    data, answers = map(str, recorded_answers)
    monkeypatch.setattr(sys, "argv", ["x", "--task", "ktas", "--data", data, "--recorded", answers])
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 1
    assert "macro_f1) TOO MUCH" in capsys.readouterr().out
