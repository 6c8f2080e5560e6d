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


def test_the_interval_of_a_difference_by_hand():
    # of 100 cases 3 count only in the second row: its share of these is 1, from 0.2924 (Clopper-Pearson of 3 of 3)
    first, second = np.zeros(100, dtype=bool), np.arange(100) < 3
    low, high = difference_interval(first, second)
    assert low == pytest.approx(0.03 * (2 * 0.2924 - 1), abs=1e-5)
    assert high == pytest.approx(0.03)
    turned = difference_interval(second, first)
    assert turned == pytest.approx((-high, -low))


def test_rows_that_differ_nowhere_may_differ_by_what_0_of_n_allows():
    same = np.ones(301, dtype=bool)
    assert difference_interval(same, same) == pytest.approx((-0.01218, 0.01218), abs=1e-5)
    with pytest.raises(ValueError, match="no cases"):
        difference_interval(same[:0], same[:0])


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_the_interval_holds_the_difference_and_agrees_with_the_exact_test(pairs):
    first, second = (np.array(column) for column in zip(*pairs, strict=True))
    low, high = difference_interval(first, second)
    assert low - 1e-9 <= second.mean() - first.mean() <= high + 1e-9
    exact = mcnemar_of(first, second).exact
    if abs(exact - 0.05) > 1e-6:
        assert (low > 0 or high < 0) == (exact < 0.05)
