import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from triage.metrics.paired import difference_interval, holm, mcnemar, mcnemar_of

LEVEL = st.integers(1, 5)


def test_mcnemar_by_hand():
    # five cases: the first row alone is right on four of them, the second alone on one
    found = mcnemar([1, 2, 3, 4, 5], [1, 2, 3, 4, 4], [2, 3, 4, None, 5])
    assert (found.only_first, found.only_second) == (4, 1)
    assert found.exact == pytest.approx(2 * 6 / 32)
    assert found.mid_p == pytest.approx(2 * 6 / 32 - 5 / 32)


def test_rows_that_differ_on_nothing_do_not_differ():
    assert mcnemar([1, 2], [1, 2], [1, 2]) == (0, 0, 1.0, 1.0)
    even = mcnemar([1, 2], [1, 1], [2, 2])
    assert even.exact == 1.0
    assert even.mid_p == pytest.approx(0.5)


@given(st.lists(st.tuples(LEVEL, LEVEL, LEVEL), min_size=1, max_size=80))
def test_mcnemar_is_scipys_binomial_test(rows):
    truth, first, second = (list(column) for column in zip(*rows, strict=True))
    found = mcnemar(truth, first, second)
    n = found.only_first + found.only_second
    if n:
        assert found.exact == pytest.approx(binomtest(found.only_first, n).pvalue)
        k = min(found.only_first, found.only_second)
        if 2 * k != n:
            assert found.mid_p == pytest.approx(2 * binom.cdf(k, n, 0.5) - binom.pmf(k, n, 0.5))
    assert found.mid_p <= found.exact
    turned = mcnemar(truth, second, first)
    assert (turned.exact, turned.mid_p) == (found.exact, found.mid_p)


def test_mcnemar_of_thousands_does_not_overflow():
    n = 9000
    found = mcnemar([1] * n, [1] * 4400 + [2] * (n - 4400), [2] * 4400 + [1] * (n - 4400))
    assert found.exact == pytest.approx(binomtest(4400, n).pvalue, rel=1e-6)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
    assert holm([0.5]) == [0.5]
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_what_was_not_tested_does_not_count():
    found = holm([0.02, math.nan, 0.04])
    assert found[0] == pytest.approx(0.04)
    assert math.isnan(found[1])
    assert found[2] == pytest.approx(0.04)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_keeps_the_order_and_lies_between_the_raw_p_and_bonferroni(p_values):
    found = holm(p_values)
    ordered = [q for _, q in sorted(zip(p_values, found, strict=True))]
    assert ordered == sorted(ordered)
    for p, q in zip(p_values, found, strict=True):
        assert p <= q <= min(1.0, len(p_values) * p) + 1e-12
    assert min(found) == pytest.approx(min(1.0, len(p_values) * min(p_values)))


def test_a_p_value_is_between_0_and_1():
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([1.2])


def wilson(successes, n):
    found = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    return found.low, found.high


def test_the_interval_of_a_difference_by_hand():
    # of 50 cases 36 count in both rows, 12 only in the second, 2 only in the first, 0 in neither:
    # phi is (36 * 0 - 12 * 2) / sqrt(48 * 2 * 38 * 12) = -0.1147
    second = np.arange(50) < 48
    first = np.concatenate([np.arange(48) < 36, [True, True]])
    phi = -24 / math.sqrt(48 * 2 * 38 * 12)
    low_two, high_two = wilson(48, 50)
    low_one, high_one = wilson(38, 50)
    down = math.sqrt(
        (0.96 - low_two) ** 2 - 2 * phi * (0.96 - low_two) * (high_one - 0.76) + (high_one - 0.76) ** 2
    )
    up = math.sqrt(
        (high_two - 0.96) ** 2 - 2 * phi * (high_two - 0.96) * (0.76 - low_one) + (0.76 - low_one) ** 2
    )
    low, high = difference_interval(first, second)
    assert (low, high) == pytest.approx((0.2 - down, 0.2 + up))
    assert 0.05 < low < 0.06
    assert 0.33 < high < 0.35
    turned = difference_interval(second, first)
    assert turned == pytest.approx((-high, -low))


def test_three_cases_of_278_show_no_difference():
    first, second = np.arange(278) < 4, np.arange(278) < 1
    low, high = difference_interval(first, second)
    assert low < -3 / 278 < 0 < high
    assert mcnemar_of(first, second).exact == pytest.approx(0.25)


def test_the_interval_holds_the_true_difference_as_often_as_it_says():
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(800):  # shares 0.02 and 0.05 of 100 cases, 0.02 in both
        u = rng.random(100)
        low, high = difference_interval(u < 0.02, u < 0.05)
        inside += low <= 0.03 <= high
    assert inside / 800 > 0.93


def test_nothing_has_no_difference():
    with pytest.raises(ValueError, match="no cases"):
        difference_interval(np.ones(0, dtype=bool), np.ones(0, dtype=bool))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_the_interval_holds_the_difference(pairs):
    first, second = (np.array(column) for column in zip(*pairs, strict=True))
    low, high = difference_interval(first, second)
    assert low - 1e-9 <= second.mean() - first.mean() <= high + 1e-9
    assert low >= -1 - 1e-9
    assert high <= 1 + 1e-9
