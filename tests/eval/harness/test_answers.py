"""A prediction survives the way through Inspect and the journal, failures most of all."""

import pytest

from data_schemas import LevelProbabilities
from eval.harness.answers import as_json, as_output, from_json, from_output
from eval.predictions import Prediction

CASES = [
    Prediction(case_id="a", predicted=2),
    Prediction(case_id="b", predicted=None, error="failed: TimeoutError"),
    Prediction(case_id="c", predicted=3, rules_only=True, most_urgent=2, least_urgent=4),
    Prediction(case_id="d", predicted=1, probabilities=LevelProbabilities(p=(0.6, 0.1, 0.1, 0.1, 0.1))),
]


@pytest.mark.parametrize("given", CASES, ids=lambda item: item.case_id)
def test_there_and_back(given):
    assert from_json(as_json(given)) == given
    assert from_output(as_output("triage/x", given)) == given


@pytest.mark.parametrize("content", [None, 3, "3", {}, {"case_id": "a", "predicted": 7}])
def test_what_is_no_prediction_is_none(content):
    assert from_json(content) is None
