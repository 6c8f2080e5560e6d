"""Calibration metrics against hand-worked cases and scikit-learn."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss

from triage.metrics import (
    binomial_at_most,
    brier_score,
    clopper_pearson_interval,
    expected_calibration_error,
    high_calibration_error,
    log_loss,
    reliability_table,
    risk_coverage_curve,
)

TRUTH = [1, 3, 3, 5]
CLAIMED = [
    [0.6, 0.4, 0.0, 0.0, 0.0],
    [0.0, 0.0, 0.8, 0.2, 0.0],
    [0.0, 0.7, 0.3, 0.0, 0.0],
    [0.0, 0.0, 0.0, 0.1, 0.9],
]


def many(cases: int = 400, seed: int = 0) -> tuple[list[int], np.ndarray]:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(5), cases)
    return [int(rng.choice(5, p=row)) + 1 for row in p], p


def test_hand_worked_scores() -> None:
    # 0.16+0.16, 0.04+0.04, 0.49+0.49, 0.01+0.01
    assert brier_score(TRUTH, CLAIMED) == pytest.approx((0.32 + 0.08 + 0.98 + 0.02) / 4)
    assert log_loss(TRUTH, CLAIMED) == pytest.approx(-math.log(0.6 * 0.8 * 0.3 * 0.9) / 4)


def test_hand_worked_calibration_errors() -> None:
    # One case a bin: said 0.6, 0.7, 0.8, 0.9; right, wrong, right, right.
    assert expected_calibration_error(TRUTH, CLAIMED, bins=4) == pytest.approx((0.4 + 0.7 + 0.2 + 0.1) / 4)
    # Two bins: 0.65 against 1/2, 0.85 against 1.
    assert expected_calibration_error(TRUTH, CLAIMED, bins=2) == pytest.approx((0.15 + 0.15) / 2)
    # p(1)+p(2) is 1, 0, 0.7, 0; two bins: 0, 0 (neither is high) and 0.7, 1 (one of two is).
    assert high_calibration_error(TRUTH, CLAIMED, bins=2) == pytest.approx((0 + 0.35) / 2)


def test_the_table_has_bins_of_equal_mass_with_their_interval() -> None:
    table = reliability_table([False, True] * 15, np.linspace(0, 1, 30), bins=15)
    assert [item.cases for item in table] == [2] * 15
    assert all(item.observed == 0.5 and item.interval.low < 0.5 < item.interval.high for item in table)
    assert table[0].low == 0.0
    assert table[-1].high == 1.0


def test_equal_claims_share_a_bin_whatever_their_order() -> None:
    (only,) = reliability_table([True, True, False, False], [0.25] * 4, bins=2)
    assert (only.cases, only.claimed, only.observed) == (4, 0.25, 0.5)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80), st.integers(1, 20))
def test_the_bins_hold_every_case_once(rows: list[tuple[float, bool]], bins: int) -> None:
    table = reliability_table([hit for _, hit in rows], [claim for claim, _ in rows], bins=bins)
    assert sum(item.cases for item in table) == len(rows)
    assert len(table) <= bins
    assert all(a.high < b.low for a, b in pairwise(table))


def test_scores_are_those_of_scikit_learn() -> None:
    truth, p = many()
    assert brier_score(truth, p) == pytest.approx(
        brier_score_loss(truth, p, labels=[1, 2, 3, 4, 5], scale_by_half=False)
    )
    assert log_loss(truth, p) == pytest.approx(sklearn_log_loss(truth, p, labels=[1, 2, 3, 4, 5]))


def test_honest_probabilities_have_a_small_error_and_boasting_ones_a_great_one() -> None:
    truth, p = many(20_000)
    boast = p**4 / (p**4).sum(axis=1, keepdims=True)
    assert expected_calibration_error(truth, p) < 0.015
    assert high_calibration_error(truth, p) < 0.015
    assert expected_calibration_error(truth, boast) > 0.2


def test_hand_worked_risk_coverage() -> None:
    curve = risk_coverage_curve([1, 2, 3, 4], [1, 2, 2, None], [0.9, 0.8, 0.8, 0.1])
    assert curve.coverage.tolist() == [0.25, 0.75, 1.0]
    assert curve.risk.tolist() == pytest.approx([0, 1 / 3, 1 / 2])
    assert curve.area == pytest.approx(0.5 / 3 + 0.25 / 2)


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.99))
def test_the_exact_interval_is_scipys(counts: tuple[int, int], confidence: float) -> None:
    found = clopper_pearson_interval(*counts, confidence=confidence)
    expected = binomtest(*counts).proportion_ci(confidence, method="exact")
    assert tuple(found) == pytest.approx((expected.low, expected.high), abs=1e-8)


@given(
    st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.001, 0.999)
)
def test_the_binomial_tail_is_scipys(counts: tuple[int, int], share: float) -> None:
    assert binomial_at_most(*counts, share) == pytest.approx(binom.cdf(*counts, share), abs=1e-9)


def test_none_of_301_is_not_never() -> None:
    assert clopper_pearson_interval(0, 301).high == pytest.approx(0.01218, abs=1e-5)
    assert clopper_pearson_interval(4_000, 20_000).low == pytest.approx(0.19447, abs=1e-4)


@pytest.mark.parametrize(("successes", "total", "confidence"), [(1, 0, 0.95), (3, 2, 0.95), (1, 2, 1.0)])
def test_what_is_no_proportion_is_an_error(successes: int, total: int, confidence: float) -> None:
    with pytest.raises(ValueError, match=r"proportion|confidence"):
        clopper_pearson_interval(successes, total, confidence=confidence)


@pytest.mark.parametrize(
    "p", [[[0.5, 0.5]], [[0.5] * 5], [[1.2, -0.2, 0, 0, 0]], [[math.nan] * 5], [[1, 0, 0, 0, 0]] * 2]
)
def test_what_is_no_distribution_is_an_error(p: list[list[float]]) -> None:
    for metric in (brier_score, log_loss, expected_calibration_error, high_calibration_error):
        with pytest.raises(ValueError, match=r"shape|sum to 1"):
            metric([1], p)


def test_bad_claims_are_errors() -> None:
    with pytest.raises(ValueError, match="one claimed"):
        reliability_table([], [])
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        reliability_table([True], [1.5])
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        reliability_table([True], [math.nan])
    with pytest.raises(ValueError, match="at least one bin"):
        reliability_table([True], [0.5], bins=0)
    with pytest.raises(ValueError, match="confidence"):
        risk_coverage_curve([1], [1], [math.nan])
