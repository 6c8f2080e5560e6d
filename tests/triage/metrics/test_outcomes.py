import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from triage.metrics.bootstrap import Units
from triage.metrics.outcomes import auc, replicate_auc

ROWS = st.lists(st.tuples(st.integers(-5, -1), st.booleans(), st.integers(0, 3)), min_size=4, max_size=60)


def test_auc_by_hand():
    # with the outcome: 3 and 1; without: 2 and 1. Pairs: 3>2, 3>1 right, 1<2 wrong, 1=1 half
    assert auc([3, 1, 2, 1], [True, True, False, False]) == pytest.approx(2.5 / 4)


def test_without_both_kinds_there_is_no_auc():
    assert math.isnan(auc([1, 2], [True, True]))
    assert math.isnan(auc([1, 2], [False, False]))


@given(ROWS)
def test_auc_is_that_of_scikit_learn(rows):
    urgency, outcome = [float(a) for a, _, _ in rows], [b for _, b, _ in rows]
    assume(any(outcome) and not all(outcome))
    assert auc(urgency, outcome) == pytest.approx(roc_auc_score(outcome, urgency))
    assert auc([-a for a in urgency], outcome) == pytest.approx(1 - auc(urgency, outcome))


@given(ROWS, st.integers(0, 2**31))
def test_every_draw_is_the_auc_of_the_drawn_cases(rows, seed):
    urgency = np.array([float(a) for a, _, _ in rows])
    outcome = np.array([b for _, b, _ in rows])
    of_case = np.array([u for _, _, u in rows])
    units = Units(of_case, 4, True, 100, seed)
    found = replicate_auc(urgency, outcome, np.arange(len(rows)), units)
    for weights, value in zip(np.concatenate(list(units.draws()))[:5], found.drawn[:5, 0], strict=True):
        times = weights[of_case].astype(int)
        expected = auc(np.repeat(urgency, times), np.repeat(outcome, times)) if times.sum() else math.nan
        assert value == pytest.approx(expected, nan_ok=True)
    for unit, value in enumerate(found.left_out[:, 0]):
        kept = of_case != unit
        expected = auc(urgency[kept], outcome[kept]) if kept.any() else math.nan
        assert value == pytest.approx(expected, nan_ok=True)


def test_a_better_ranking_has_a_paired_difference_above_zero():
    rng = np.random.default_rng(4)
    outcome = rng.random(400) < 0.2
    good, poor = outcome + rng.normal(size=400), outcome * 0.2 + rng.normal(size=400)
    units = Units.of([f"h{i % 40}" for i in range(400)], resamples=500)
    every = np.arange(400)
    found = replicate_auc(good, outcome, every, units).minus(replicate_auc(poor, outcome, every, units))
    assert found.interval(0).low > 0
    assert found.p_value(0) < 0.05


def test_what_is_no_urgency_is_refused():
    with pytest.raises(ValueError, match="finite"):
        auc([math.nan, 1], [True, False])
    with pytest.raises(ValueError, match="outcomes"):
        auc([1.0], [True, False])
