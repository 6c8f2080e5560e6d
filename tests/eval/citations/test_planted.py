"""Planted citations on the shipped samples, and a scorer that can say no."""

import pytest

from data_schemas import Check, FactKind
from eval import sample_cases
from eval.citations import KINDS, Planted, plant, score_planted
from eval.citations.mutations import Pair, really_false
from triage.guidelines import GuidelineLibrary

LIBRARY = GuidelineLibrary.load()


@pytest.fixture(scope="module")
def records():
    return [case.record for case in sample_cases()]


@pytest.fixture(scope="module")
def planted(records):
    return plant(records, each=25)


def test_each_kind_has_as_many_true_claims_as_false_ones(planted):
    for kind in KINDS:
        mine = [item for item in planted if item.of is kind]
        assert len(mine) == 50
        assert sum(item.false_by is kind for item in mine) == 25


def test_the_same_seed_plants_the_same_claims(records, planted):
    assert plant(records, each=25) == planted
    assert plant(records, each=25, seed=1) != planted


def test_the_verifier_strikes_the_false_claims_and_lets_the_true_ones_stand(planted):
    card, misses = score_planted(planted, LIBRARY)
    assert card.false.share >= 0.99, [(m.planted.claim, m.verdict.why) for m in misses]
    assert card.true.share <= 0.01, [(m.planted.claim, m.verdict.why) for m in misses]
    assert card.good
    assert all(row.by_name >= 0.8 * row.false.total for row in card.kinds)


def test_a_verifier_that_lets_false_claims_stand_is_not_good(planted):
    # What is said to be false and is true stands: as if the verifier had missed it.
    missed = [Planted(item.record, item.claim, item.of, item.of) for item in planted if item.false_by is None]
    card, misses = score_planted(missed + planted, LIBRARY)
    assert not card.good
    assert len(misses) >= len(missed)


def test_a_verifier_that_strikes_true_claims_is_not_good(planted):
    struck = [Planted(item.record, item.claim, item.of, None) for item in planted if item.false_by]
    card, _ = score_planted(struck + planted, LIBRARY)
    assert not card.good


def test_a_change_that_leaves_the_claim_true_is_not_planted(records, planted):
    for kind in (Check.VALUE, Check.UNIT, Check.FACT):
        item = next(p for p in planted if p.of is kind and p.false_by is None)
        assert not really_false(kind, Pair(item.claim, item.claim), item.record, LIBRARY)
    fact = next(f for r in records for f in r.facts if f.kind is FactKind.HEART_RATE)
    record = next(r for r in records if fact in r.facts)
    true = next(p.claim for p in planted).model_copy(
        update={"fact_id": fact.id, "kind": fact.kind, "value": fact.value, "text": None}
    )
    near = true.model_copy(update={"value": fact.value + fact.value / 1000})
    assert not really_false(Check.VALUE, Pair(true, near), record, LIBRARY)


def test_planting_needs_two_patients_and_scoring_a_claim(records):
    with pytest.raises(ValueError, match="two records"):
        plant(records[:1])
    with pytest.raises(ValueError, match="no claim"):
        score_planted([], LIBRARY)
