"""Bootstrap intervals against scipy, against theory, and where they have no value."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap, norm, t

from triage.metrics.bootstrap import (
    MOST_UNITS,
    Units,
    bca_interval,
    mean_of,
    replicate,
    replicate_scores,
)
from triage.metrics.confusions import SCORES
from triage.metrics.levels import checked

RNG = np.random.default_rng(5)


def cases(n, seed=3):
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, 6, n)
    predicted = np.clip(truth + rng.integers(-1, 2, n), 1, 5)
    return checked(truth.tolist(), predicted.tolist())


def test_the_interval_is_that_of_scipy():
    sample = RNG.exponential(size=60)
    found = bootstrap((sample,), np.mean, n_resamples=3000, method="BCa", rng=np.random.default_rng(1))
    left_out = np.array([np.delete(sample, i).mean() for i in range(60)])
    mine = bca_interval(float(sample.mean()), found.bootstrap_distribution, left_out)
    assert mine.low == pytest.approx(found.confidence_interval.low, rel=1e-9)
    assert mine.high == pytest.approx(found.confidence_interval.high, rel=1e-9)


def test_replicates_equal_the_statistic_of_the_drawn_cases():
    values = RNG.normal(size=12)
    units = Units.of([str(i) for i in range(12)], resamples=200)
    found = replicate(lambda w: (w @ values / w.sum(axis=1))[:, None], units)
    assert found.estimate[0] == pytest.approx(values.mean())
    assert found.left_out[:, 0] == pytest.approx([np.delete(values, i).mean() for i in range(12)])
    drawn = np.concatenate(list(units.draws()))
    assert (drawn.sum(axis=1) == 12).all()
    by_hand = [np.repeat(values, row.astype(int)).mean() for row in drawn]
    assert found.drawn[:, 0] == pytest.approx(by_hand)


def test_the_spread_of_accuracy_is_the_binomial_one():
    true, predicted = cases(400)
    found = replicate_scores(true, predicted, Units.of([str(i) for i in range(400)], resamples=4000))
    share = found.estimate[0]
    assert found.drawn[:, 0].std() == pytest.approx(math.sqrt(share * (1 - share) / 400), rel=0.06)
    low, high = found.interval(0)
    assert low < share < high
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(share * (1 - share) / 400), rel=0.12)


def test_cases_that_come_in_equal_groups_are_worth_one_each():
    rng = np.random.default_rng(8)
    values = np.repeat(rng.normal(size=50), 20)  # twenty times the same patient in each of 50 hospitals
    groups = [f"h{i // 20}" for i in range(1000)]
    clustered, naive = (
        Units.of(groups, resamples=2000),
        Units.of([str(i) for i in range(1000)], resamples=2000),
    )
    assert clustered.clustered
    assert clustered.count == 50
    assert not naive.clustered

    def spread(units):
        return replicate(
            lambda w: ((w[:, units.of_case] @ values) / w[:, units.of_case].sum(axis=1))[:, None], units
        ).drawn.std()

    assert spread(clustered) == pytest.approx(values.std() / math.sqrt(50), rel=0.08)
    assert spread(clustered) / spread(naive) == pytest.approx(math.sqrt(20), rel=0.1)


def test_few_groups_or_groups_of_one_are_not_resampled():
    assert not Units.of(["a"] * 30 + ["b"] * 30).clustered
    assert not Units.of([str(i) for i in range(60)]).clustered
    assert Units.of([str(i % 20) for i in range(60)]).clustered


def test_many_cases_are_drawn_in_blocks_with_the_same_spread():
    n = 5000
    values = np.random.default_rng(2).normal(size=n)
    units = Units.of([str(i) for i in range(n)], resamples=1500)
    assert units.count == MOST_UNITS
    assert np.bincount(units.of_case).tolist() == [5] * MOST_UNITS
    found = replicate(lambda w: (w[:, units.of_case] @ values / n)[:, None], units)
    assert found.drawn.std() == pytest.approx(values.std() / math.sqrt(n), rel=0.08)


def test_differences_are_paired_and_runs_can_be_averaged():
    true, predicted = cases(100)
    units = Units.of([str(i) for i in range(100)], resamples=300)
    one, other = replicate_scores(true, predicted, units), replicate_scores(true, true, units)
    none = one.minus(one)
    assert np.nanmax(np.abs(none.drawn)) == 0
    assert none.interval(0) == (0.0, 0.0)
    assert none.p_value(0) == 1.0
    better = other.minus(one)
    assert better.interval(0).low > 0
    assert better.p_value(0) < 1e-6
    both = mean_of([one, other])
    assert both.estimate[0] == pytest.approx((one.estimate[0] + 1) / 2)
    assert mean_of([one]) is one


def test_the_same_seed_gives_the_same_interval():
    true, predicted = cases(80)
    names = [str(i) for i in range(80)]
    kappa = SCORES.index("quadratic_weighted_kappa")
    a, b, c = (
        replicate_scores(true, predicted, Units.of(names, resamples=200, seed=seed)).interval(kappa)
        for seed in (1, 1, 2)
    )
    assert a == b != c


def test_a_score_without_a_value_has_no_interval():
    true, predicted = checked([3, 4, 5], [3, 4, 4])
    found = replicate_scores(true, predicted, Units.of(["a", "b", "c"], resamples=100))
    low, high = found.interval(SCORES.index("recall_high"))
    assert math.isnan(low)
    assert math.isnan(high)
    assert math.isnan(found.p_value(SCORES.index("recall_high")))


def test_the_tails_of_few_units_are_widened():
    true, predicted = cases(30)
    found = replicate_scores(true, predicted, Units.of([str(i) for i in range(30)], resamples=2000))
    i = SCORES.index("macro_f1")
    plain = bca_interval(float(found.estimate[i]), found.drawn[:, i], found.left_out[:, i])
    z = t.ppf(0.975, 29) * math.sqrt(30 / 29)
    wide = bca_interval(
        float(found.estimate[i]), found.drawn[:, i], found.left_out[:, i], confidence=2 * norm.cdf(z) - 1
    )
    assert found.interval(i) == pytest.approx(wide)
    assert found.interval(i).low < plain.low
    assert found.interval(i).high >= plain.high


@given(
    st.lists(st.floats(-5, 5), min_size=1, max_size=40),
    st.lists(st.floats(-5, 5), max_size=20),
    st.floats(-6, 6),
)
def test_an_interval_lies_among_the_draws(drawn, left_out, estimate):
    low, high = bca_interval(estimate, np.array(drawn), np.array(left_out))
    assert min(drawn) - 1e-9 <= low <= high + 1e-9
    assert high <= max(drawn) + 1e-9


def test_the_percentiles_of_a_symmetric_statistic():
    drawn = norm.ppf((np.arange(9999) + 0.5) / 9999)
    low, high = bca_interval(0.0, drawn, np.array([-1.0, 1.0]))
    assert (low, high) == pytest.approx((-1.96, 1.96), abs=0.01)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="no cases"):
        Units.of([])
    with pytest.raises(ValueError, match="too few"):
        Units.of(["a"], resamples=10)
    with pytest.raises(ValueError, match="confidence"):
        bca_interval(0.0, np.zeros(3), np.zeros(3), confidence=1.0)
