"""Variance components against a value worked by hand, and against a simulation with a known truth."""

import numpy as np
import pytest

from eval.predictions import Prediction
from eval.robustness import repeatability, share_between_runs


def test_a_table_worked_by_hand():
    # Case means 2, 3, 4.5; grand mean 19/6. Squares within: 0 + 2 + 0.5 = 2.5 over 3 degrees: 5/6.
    # Between: 2 * (49/36 + 1/36 + 64/36) = 114/18, over 2 degrees: 19/6. Component: (19/6 - 5/6) / 2 = 7/6.
    assert share_between_runs([[2, 2], [2, 4], [4, 5]]) == pytest.approx((5 / 6) / (5 / 6 + 7 / 6))


@pytest.mark.parametrize(
    ("levels", "share"),
    [
        ([[2, 2], [4, 4]], 0.0),
        ([[2, 4], [4, 2]], 1.0),
        ([[3, 3], [3, 3]], None),
        ([[3, 3]], None),
        ([[3], [4]], None),
        ([], None),
    ],
)
def test_the_ends_of_the_scale(levels, share):
    assert share_between_runs(levels) == share


def test_a_known_share_is_found_again():
    rng = np.random.default_rng(1)
    levels = rng.normal(0, 2, (4000, 1)) + rng.normal(0, 1, (4000, 3))
    assert share_between_runs(levels.tolist()) == pytest.approx(0.2, abs=0.01)


def test_a_case_that_one_run_could_not_answer_is_not_the_same_in_all():
    runs = [[_answer(2), _answer(3), _answer(None)], [_answer(2), _answer(None), _answer(None)]]
    found = repeatability("row", runs)
    assert found.same_in_all.value == pytest.approx(2 / 3)
    assert found.share_model is None
    assert found.largest_p_change is None
    with pytest.raises(ValueError, match="every run"):
        repeatability("row", [runs[0], runs[1][:1]])


def _answer(level):
    return Prediction(case_id="1", predicted=level)
