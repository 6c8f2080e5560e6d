import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, cohen_kappa_score

from eval import score

LEVELS = st.integers(1, 5)


def test_a_hand_worked_card():
    card = score("m", "d", [1, 2, 2, 3, 5], [1, 2, 4, 2, None])
    value = {name: item.value for name, item in card.proportions.items()}
    assert value["accuracy"] == pytest.approx(2 / 5)
    assert value["recall of levels 1-2"] == pytest.approx(2 / 3)
    assert value["strict under-triage"] == pytest.approx(1 / 3)
    assert value["unreadable"] == pytest.approx(1 / 5)
    assert card.proportions["recall of levels 1-2"].total == 3
    assert card.cases == 5


@given(st.lists(st.tuples(LEVELS, LEVELS), min_size=2, max_size=60))
def test_scores_equal_scikit_learn(pairs):
    truth, predicted = [t for t, _ in pairs], [p for _, p in pairs]
    card = score("m", "d", truth, predicted)
    assert card.proportions["accuracy"].value == pytest.approx(accuracy_score(truth, predicted))
    if len(set(truth) | set(predicted)) > 1:
        expected = cohen_kappa_score(truth, predicted, weights="quadratic", labels=[1, 2, 3, 4, 5])
        assert card.quadratic_weighted_kappa == pytest.approx(expected, abs=1e-9)
    for item in card.proportions.values():
        assert item.low - 1e-9 <= item.value <= item.high + 1e-9


def test_nothing_to_score_is_an_error():
    with pytest.raises(ValueError, match="no case"):
        score("m", "d", [], [])
