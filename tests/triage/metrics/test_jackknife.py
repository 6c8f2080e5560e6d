"""Student's t and what is made of leaving one unit out: against scipy, by hand, and where there is no value."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, t, ttest_1samp

from triage.metrics.intervals import wilson_interval, wilson_of_share
from triage.metrics.jackknife import jackknife_interval, jackknife_p, resampled_share_interval
from triage.metrics.student import student_p, student_quantile


def left_out_means(values):
    return np.array([np.delete(values, i).mean() for i in range(len(values))])


@given(st.floats(0, 60), st.integers(1, 1200))
def test_student_is_scipys(value, df):
    assert student_p(value, df) == pytest.approx(2 * t.sf(value, df), abs=1e-9)
    assert student_p(-value, df) == student_p(value, df)


@pytest.mark.parametrize("df", [1, 2, 3, 19, 46, 277, 999, 1999])
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
def test_the_quantile_is_scipys(df, confidence):
    assert student_quantile(confidence, df) == pytest.approx(t.ppf(0.5 + confidence / 2, df), rel=1e-7)


def test_many_degrees_of_freedom_are_normal():
    assert student_quantile(0.95, 100_000) == pytest.approx(norm.ppf(0.975))
    assert student_p(1.96, 5000) == pytest.approx(2 * t.sf(1.96, 5000), abs=2e-4)
    assert student_p(math.inf, 3) == 0.0


@given(st.lists(st.floats(-10, 10), min_size=3, max_size=30).filter(lambda v: np.std(v) > 0.01))
def test_of_a_mean_it_is_the_t_test(values):
    sample = np.array(values)
    expected = ttest_1samp(sample, 0.0)
    bounds = expected.confidence_interval()
    found = jackknife_interval(float(sample.mean()), left_out_means(sample))
    assert found == pytest.approx((bounds.low, bounds.high), abs=1e-6)
    assert jackknife_p(float(sample.mean()), left_out_means(sample)) == pytest.approx(
        expected.pvalue, abs=1e-6
    )


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=30))
def test_p_is_below_5_percent_where_the_interval_does_not_hold_0(values):
    sample = np.array(values)
    low, high = jackknife_interval(float(sample.mean()), left_out_means(sample))
    p = jackknife_p(float(sample.mean()), left_out_means(sample))
    if abs(p - 0.05) > 1e-6 and np.std(sample) > 1e-6:
        assert (p < 0.05) == (low > 0 or high < 0)


def test_kappa_stays_below_1():
    left_out = np.array([0.95, 0.96, 0.99, 0.97])
    low, high = jackknife_interval(0.97, left_out, kappa=True)
    assert low < 0.97 < high < 1
    assert jackknife_interval(0.97, left_out).high > high
    assert jackknife_interval(1.0, left_out, kappa=True) == (1.0, 1.0)


def test_what_has_no_value_has_no_interval():
    assert all(math.isnan(bound) for bound in jackknife_interval(math.nan, np.array([1.0, 2.0])))
    assert all(math.isnan(bound) for bound in jackknife_interval(1.0, np.array([1.0])))
    assert math.isnan(jackknife_p(math.nan, np.array([1.0, 2.0])))
    assert jackknife_p(0.0, np.zeros(5)) == 1.0
    assert jackknife_p(0.5, np.full(5, 0.5)) == 0.0


def shares(hits, sizes):
    hits, sizes = np.asarray(hits, float), np.asarray(sizes, float)
    return hits.sum() / sizes.sum(), (hits.sum() - hits) / (sizes.sum() - sizes), int(sizes.sum())


def test_clusters_are_worth_fewer_cases():
    share, left_out, n = shares([10, 0] * 10, [10] * 20)  # all or nothing: a hospital is worth one case
    found = resampled_share_interval(share, left_out, n)
    few = norm.ppf(0.975) / t.ppf(0.975, 19)
    assert found == pytest.approx(wilson_of_share(0.5, 19 * few**2), abs=1e-9)
    assert found.high - found.low > 3 * np.diff(wilson_interval(100, 200))[0]


def test_evenly_spread_cases_are_worth_no_more_than_there_are():
    share, left_out, n = shares([5] * 19 + [6], [10] * 20)
    few = norm.ppf(0.975) / t.ppf(0.975, 19)
    assert resampled_share_interval(share, left_out, n) == pytest.approx(wilson_of_share(share, 200 * few**2))


def test_none_of_clustered_cases_is_not_never():
    share, left_out, n = shares([0] * 20, [15] * 20)
    assert resampled_share_interval(share, left_out, n) == wilson_interval(0, 300)
    share, left_out, n = shares([15] * 20, [15] * 20)
    assert resampled_share_interval(share, left_out, n) == wilson_interval(300, 300)


def test_one_cluster_alone_tells_nothing_of_clusters():
    # units without a case of the subgroup change nothing when they are left out
    found = resampled_share_interval(0.25, np.array([math.nan, 0.25, 0.25]), 8)
    assert found == pytest.approx(wilson_interval(2, 8))
    assert all(math.isnan(bound) for bound in resampled_share_interval(math.nan, np.zeros(3), 0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: student_p(math.nan, 3), "has no p"),
        (lambda: student_p(1.0, 0), "has no p"),
        (lambda: student_quantile(1.0, 3), "confidence"),
        (lambda: student_quantile(0.95, 0), "below 1"),
        (lambda: wilson_of_share(1.2, 10), "no proportion"),
        (lambda: wilson_of_share(0.2, 0), "no proportion"),
        (lambda: wilson_of_share(0.2, 10, confidence=0), "confidence"),
        (lambda: jackknife_interval(0.5, np.array([0.4, 0.6]), confidence=1.0), "confidence"),
    ],
)
def test_what_cannot_be_asked_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
