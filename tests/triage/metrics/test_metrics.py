"""Metrics against hand-worked cases and scikit-learn."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score
from sklearn.metrics import confusion_matrix as sklearn_confusion

from triage import metrics
from triage.metrics import (
    accuracy,
    confusion_matrix,
    macro_f1,
    over_triage,
    quadratic_weighted_kappa,
    recall_high,
    significant_over_triage,
    significant_under_triage,
    significant_under_triage_high,
    strict_under_triage,
    under_triage,
    unreadable,
    wilson_interval,
    within_one,
)

LEVEL = st.integers(1, 5)
PAIRS = st.lists(st.tuples(LEVEL, LEVEL), min_size=1, max_size=60)
PAIRS_WITH_NONE = st.lists(st.tuples(LEVEL, st.none() | LEVEL), min_size=1, max_size=60)

TRUTH = [1, 2, 2, 2, 3, 3, 4, 5, 5, 1]
PREDICTED = [1, 2, 3, 4, 2, 3, 5, 5, 1, None]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (accuracy, 4 / 10),
        (within_one, 7 / 10),
        (under_triage, 4 / 10),
        (over_triage, 2 / 10),
        (recall_high, 2 / 5),
        (significant_under_triage, 2 / 10),
        (significant_under_triage_high, 3 / 10),
        (significant_over_triage, 2 / 10),
        (strict_under_triage, 2 / 10),
        (unreadable, 1 / 10),
    ],
)
def test_hand_worked(metric: Callable[..., float], expected: float) -> None:
    assert metric(TRUTH, PREDICTED) == pytest.approx(expected)


def test_confusion_matrix_keeps_the_unreadable_apart() -> None:
    counts = confusion_matrix(TRUTH, PREDICTED)
    assert counts.shape == (5, 6)
    assert counts.sum() == 10
    assert counts[0].tolist() == [1, 0, 0, 0, 0, 1]
    assert counts[1].tolist() == [0, 1, 1, 1, 0, 0]


@given(PAIRS)
def test_as_scikit_learn_has_it(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = [a for a, _ in pairs], [b for _, b in pairs]
    assert accuracy(truth, predicted) == pytest.approx(accuracy_score(truth, predicted))
    assert macro_f1(truth, predicted) == pytest.approx(f1_score(truth, predicted, average="macro"))
    expected = sklearn_confusion(truth, predicted, labels=[1, 2, 3, 4, 5])
    assert np.array_equal(confusion_matrix(truth, predicted)[:, :5], expected)
    if len(set(truth) | set(predicted)) > 1:
        kappa = cohen_kappa_score(truth, predicted, weights="quadratic", labels=[1, 2, 3, 4, 5])
        assert quadratic_weighted_kappa(truth, predicted) == pytest.approx(kappa)


def test_kappa_of_one_level_everywhere() -> None:
    assert quadratic_weighted_kappa([3, 3], [3, 3]) == 1.0
    assert quadratic_weighted_kappa([3, 3], [4, 4]) == 0.0


def test_kappa_by_hand() -> None:
    # weights (i-j)^2: observed 1; expected counts 2 x 2 / 4 = 1 in each of four cells, of which two weigh 1: 2
    assert quadratic_weighted_kappa([1, 1, 2, 2], [1, 1, 2, 1]) == pytest.approx(1 - 1 / 2)


@given(PAIRS_WITH_NONE)
def test_every_case_is_right_over_or_under_or_unreadable(pairs: list[tuple[int, int | None]]) -> None:
    truth, predicted = [a for a, _ in pairs], [b for _, b in pairs]
    unread_fives = sum(a == 5 and b is None for a, b in pairs) / len(pairs)
    total = accuracy(truth, predicted) + under_triage(truth, predicted) + over_triage(truth, predicted)
    assert total + unread_fives == pytest.approx(1)
    assert strict_under_triage(truth, predicted) <= significant_under_triage_high(truth, predicted)
    assert significant_under_triage(truth, predicted) <= significant_under_triage_high(truth, predicted)
    assert significant_under_triage_high(truth, predicted) <= under_triage(truth, predicted) + 1e-12
    assert significant_over_triage(truth, predicted) <= over_triage(truth, predicted)
    high = sum(level <= 2 for level in truth) / len(pairs)
    if high:
        missed = 1 - recall_high(truth, predicted)
        assert missed * high == pytest.approx(significant_under_triage_high(truth, predicted))


@given(PAIRS_WITH_NONE, st.data())
def test_an_unreadable_answer_never_helps(pairs: list[tuple[int, int | None]], data: st.DataObject) -> None:
    truth, predicted = [a for a, _ in pairs], [b for _, b in pairs]
    spoilt = list(predicted)
    spoilt[data.draw(st.integers(0, len(pairs) - 1))] = None
    assert accuracy(truth, spoilt) <= accuracy(truth, predicted)
    assert within_one(truth, spoilt) <= within_one(truth, predicted)
    assert strict_under_triage(truth, spoilt) >= strict_under_triage(truth, predicted)
    if any(level <= 2 for level in truth):
        assert recall_high(truth, spoilt) <= recall_high(truth, predicted)


def test_unreadable_counts_as_furthest_in_kappa() -> None:
    assert quadratic_weighted_kappa([1, 2, 4, 5], [1, 2, 4, None]) == quadratic_weighted_kappa(
        [1, 2, 4, 5], [1, 2, 4, 1]
    )
    assert quadratic_weighted_kappa([1, 2, 4, 5], [1, None, 4, 5]) == quadratic_weighted_kappa(
        [1, 2, 4, 5], [1, 5, 4, 5]
    )


def test_no_case_of_high_urgency_has_no_recall() -> None:
    assert math.isnan(recall_high([3, 4], [3, 4]))


OF_LEVELS = {"triage.metrics.agreement", "triage.metrics.safety"}
METRICS = [
    metric
    for metric in (getattr(metrics, name) for name in metrics.__all__)
    if getattr(metric, "__module__", None) in OF_LEVELS
]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("truth", "predicted", "message"),
    [
        ([], [], "no cases"),
        ([1], [1, 2], "1 true levels but 2"),
        ([0], [1], "not 1-5"),
        ([1], [6], "not 1-5"),
        ([1], [0], "not 1-5"),
    ],
)
def test_what_is_no_level_is_refused(
    metric: Callable[..., float], truth: list[int], predicted: list[int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        metric(truth, predicted)


@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    [(0, 301, 0.0, 0.0126), (301, 301, 0.9874, 1.0), (5, 10, 0.2366, 0.7634)],
)
def test_wilson(successes: int, total: int, low: float, high: float) -> None:
    interval = wilson_interval(successes, total)
    assert interval.low == pytest.approx(low, abs=5e-5)
    assert interval.high == pytest.approx(high, abs=5e-5)


@given(st.integers(1, 5000), st.data(), st.floats(0.5, 0.999))
def test_wilson_holds_the_share(total: int, data: st.DataObject, confidence: float) -> None:
    successes = data.draw(st.integers(0, total))
    low, high = wilson_interval(successes, total, confidence=confidence)
    assert 0 <= low <= successes / total <= high <= 1
    reference = binomtest(successes, total).proportion_ci(confidence, method="wilson")
    assert (low, high) == pytest.approx((reference.low, reference.high), abs=1e-9)


@pytest.mark.parametrize("bad", [(-1, 3), (4, 3), (0, 0)])
def test_wilson_of_no_proportion(bad: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="is no proportion"):
        wilson_interval(*bad)
    with pytest.raises(ValueError, match="confidence"):
        wilson_interval(1, 2, confidence=1.0)
