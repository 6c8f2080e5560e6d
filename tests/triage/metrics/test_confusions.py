"""The vectorised scores are the plain metrics."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage import metrics
from triage.metrics.confusions import SCORES, confusions_by_unit, hits, scores_of
from triage.metrics.levels import checked

LEVEL = st.integers(1, 5)
PAIRS = st.lists(st.tuples(LEVEL, st.none() | LEVEL), min_size=1, max_size=60)


def of(truth, predicted):
    true, given_ = checked(truth, predicted)
    return scores_of(confusions_by_unit(true, given_, np.zeros(len(truth), dtype=np.int64), 1))[0]


@given(PAIRS)
def test_every_score_equals_its_plain_metric(pairs):
    truth, predicted = [a for a, _ in pairs], [b for _, b in pairs]
    for name, value in zip(SCORES, of(truth, predicted), strict=True):
        expected = getattr(metrics, name)(truth, predicted)
        if math.isnan(expected):
            assert math.isnan(value), name
        else:
            assert value == pytest.approx(expected, abs=1e-12), name


@given(PAIRS, st.data())
def test_units_add_up_to_the_whole(pairs, data):
    units = data.draw(st.lists(st.integers(0, 3), min_size=len(pairs), max_size=len(pairs)))
    true, given_ = checked([a for a, _ in pairs], [b for _, b in pairs])
    parts = confusions_by_unit(true, given_, np.asarray(units), 4)
    assert parts.shape == (4, 5, 6)
    whole = metrics.confusion_matrix([a for a, _ in pairs], [b for _, b in pairs])
    assert np.array_equal(parts.sum(axis=0), whole)


def test_nothing_has_no_score():
    assert np.isnan(scores_of(np.zeros((2, 5, 6)))).all()


@given(PAIRS)
def test_a_share_is_its_hits(pairs):
    true, given_ = checked([a for a, _ in pairs], [b for _, b in pairs])
    for name, value in zip(SCORES, of([a for a, _ in pairs], [b for _, b in pairs]), strict=True):
        found = hits(name, true, given_)
        if found is None:
            assert name in {"quadratic_weighted_kappa", "macro_f1"}
        elif found[1].any():
            assert found[0][found[1]].mean() == pytest.approx(value)
            assert not (found[0] & ~found[1]).any()
