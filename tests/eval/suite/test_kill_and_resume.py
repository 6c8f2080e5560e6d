"""A real run, killed in the middle: the same command asks only what is left."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eval.predictions import read_predictions
from triage.training.corpus import ktas

TRIAGE = Path(sys.executable).with_name("triage")
COUNT = 40

MODEL = """
import pathlib, time
from eval.predictions import Prediction

class Slow:
    name, chunk = "slow", 4

    def predict(self, cases):
        time.sleep(0.3)
        with pathlib.Path("asked.txt").open("a") as file:
            file.writelines(case.case_id + "\\n" for case in cases)
        return [Prediction(case_id=case.case_id, predicted=3) for case in cases]

def open_model(scale):
    return Slow()
"""


@pytest.fixture
def folder(tmp_path, write):
    (tmp_path / "slow.py").write_text(MODEL)
    rows = [
        dict.fromkeys(ktas.TRIAGE_COLUMNS, "")
        | {
            "case_id": f"k-{n}",
            "site": "north",
            "age_years": "50",
            "chief_complaint": "cough",
            "acuity": str(1 + n % 5),
        }
        for n in range(COUNT)
    ]
    write(rows, "ktas.csv")
    return tmp_path


def start(folder):
    command = [str(TRIAGE), "eval", "run", "--task", "ktas", "--data", "ktas.csv", "--model", "slow.py"]
    return subprocess.Popen(
        [*command, "--out", "out"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finished(folder):
    process = start(folder)
    _, said = process.communicate(timeout=280)
    assert process.returncode == 0, said
    return json.loads((folder / "out" / "results.json").read_text())["tasks"][0]["models"][0]


@pytest.mark.slow
def test_a_killed_run_goes_on_and_a_finished_one_asks_nothing(folder):
    process = start(folder)
    answers = folder / "out" / "answers" / "ktas" / "slow.jsonl"
    until = time.monotonic() + 200
    while not (answers.exists() and len(answers.read_text().splitlines()) >= 8):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    kept = len(answers.read_text().splitlines())
    assert 8 <= kept < COUNT
    with answers.open("a") as file:
        file.write('{"case_id": "k-')  # a crash may leave half a line

    row = finished(folder)
    asked = (folder / "asked.txt").read_text().splitlines()
    assert kept <= row["cached"] <= kept + 4
    assert len(asked) <= COUNT + 4  # at most the batch that was under way
    found = read_predictions(folder / "out" / "predictions" / "ktas" / "slow.csv")
    assert [item.case_id for item in found] == [f"k-{n}" for n in range(COUNT)]
    assert {item.predicted for item in found} == {3}

    row = finished(folder)
    assert row["cached"] == COUNT
    assert (folder / "asked.txt").read_text().splitlines() == asked

    (folder / "slow.py").write_text(MODEL + "# another model\n")
    assert finished(folder)["cached"] == 0
    assert len((folder / "asked.txt").read_text().splitlines()) == len(asked) + COUNT
