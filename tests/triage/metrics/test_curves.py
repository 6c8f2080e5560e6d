import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from triage import metrics
from triage.metrics.bootstrap import Units
from triage.metrics.curves import decide, recall_curve, replicate_area

TRUTH = np.array([2, 3, 1, 4])
PROBABILITIES = np.array(
    [
        [0.1, 0.8, 0.1, 0.0, 0.0],
        [0.1, 0.5, 0.4, 0.0, 0.0],
        [0.0, 0.3, 0.6, 0.1, 0.0],
        [0.0, 0.1, 0.8, 0.1, 0.0],
    ]
)


def row():
    weights = st.lists(st.integers(0, 6), min_size=5, max_size=5).filter(any)
    return st.tuples(st.integers(1, 5), weights, st.integers(0, 3))


def arrays(rows):
    p = np.array([weights for _, weights, _ in rows], dtype=np.float64)
    return (
        np.array([t for t, _, _ in rows]),
        p / p.sum(axis=1, keepdims=True),
        np.array([u for *_, u in rows]),
    )


def test_a_curve_by_hand():
    # nobody level 2: everyone is 3, and the true 4 is over-triaged. Then the cases become level 2 in the order given.
    curve = recall_curve(TRUTH, PROBABILITIES)
    assert curve.threshold == pytest.approx([math.inf, 0.9, 0.6, 0.3, 0.1])
    assert curve.over_triage == pytest.approx([0.25, 0.25, 0.5, 0.5, 0.5])
    assert curve.recall_high == pytest.approx([0, 0.5, 0.5, 1, 1])
    # from 0.25 to 0.5 recall is 0.5; below 0.25 the rule cannot go; above 0.5 everybody urgent is found
    assert curve.area(0.25, 0.5) == pytest.approx(0.5)
    assert curve.area(0.0, 0.5) == pytest.approx(0.25)
    assert curve.area(0.25, 0.75) == pytest.approx(0.75)
    assert curve.recall_at(0.1) == 0
    assert curve.recall_at(0.3) == pytest.approx(0.5)
    assert curve.recall_at(0.9) == 1


@given(st.lists(row(), min_size=1, max_size=30))
def test_every_point_is_the_decision_rule_at_its_threshold(rows):
    truth, probabilities, _ = arrays(rows)
    assume((truth <= 2).any())
    curve = recall_curve(truth, probabilities)
    assert (np.diff(curve.over_triage) >= -1e-12).all()
    assert (np.diff(curve.recall_high) >= 0).all()
    points = zip(curve.threshold, curve.over_triage, curve.recall_high, strict=True)
    for threshold, over, recall in points:
        predicted = decide(probabilities, threshold).tolist()
        assert over == pytest.approx(metrics.over_triage(truth.tolist(), predicted))
        assert recall == pytest.approx(metrics.recall_high(truth.tolist(), predicted))
    assert curve.recall_high[-1] == 1


@settings(max_examples=40)
@given(st.lists(row(), min_size=1, max_size=20), st.integers(0, 2**31))
def test_every_draw_is_the_area_of_the_drawn_cases(rows, seed):
    truth, probabilities, of_case = arrays(rows)
    assume((truth <= 2).any())
    units = Units(of_case, 4, True, 100, seed)
    found = replicate_area(truth, probabilities, units)
    assert found.estimate[0] == pytest.approx(recall_curve(truth, probabilities).area())
    for weights, value in zip(np.concatenate(list(units.draws()))[:5], found.drawn[:5, 0], strict=True):
        times = weights[of_case].astype(int)
        drawn = np.repeat(truth, times)
        if (drawn <= 2).any():
            expected = recall_curve(drawn, np.repeat(probabilities, times, axis=0)).area()
            assert value == pytest.approx(expected, abs=1e-9)
        else:
            assert math.isnan(value)


@given(st.lists(row(), min_size=1, max_size=30), st.floats(0, 0.8), st.floats(0.01, 0.2))
def test_an_area_is_a_mean_recall(rows, low, width):
    truth, probabilities, _ = arrays(rows)
    assume((truth <= 2).any())
    assert -1e-12 <= recall_curve(truth, probabilities).area(low, low + width) <= 1 + 1e-12


def test_what_has_no_curve_is_refused():
    with pytest.raises(ValueError, match="no recall"):
        recall_curve(np.array([3, 4]), PROBABILITIES[:2])
    with pytest.raises(ValueError, match="shape"):
        recall_curve(TRUTH, PROBABILITIES[:2])
    with pytest.raises(ValueError, match="no range"):
        recall_curve(TRUTH, PROBABILITIES).area(0.3, 0.2)
