"""Deleting cited and uncited facts, with a model whose answer is known."""

import random

import pytest

from data_schemas import VITAL_SIGNS, FactKind
from eval import sample_cases
from eval.citations.faithful import CLASSES, Deleted, choose_pairs, summarised, without_fact
from triage.verifying.faithfulness import CAUSAL, LEAST_CASES, SUPPORTING


@pytest.fixture(scope="module")
def record():
    return sample_cases()[25].record


def test_a_pair_is_of_one_class_one_cited_and_one_not(record):
    shown = [fact.id for fact in record.facts]
    cited = {record.first(FactKind.HEART_RATE).id, record.first(FactKind.TRIAGE_NOTE).id}
    pairs = choose_pairs(record, cited, shown, random.Random(1))
    assert len(pairs) == 2
    for kinds, (mine, other) in zip(CLASSES, pairs, strict=True):
        assert mine.id in cited
        assert other.id not in cited
        assert {mine.kind, other.kind} <= kinds
    assert choose_pairs(record, set(), shown, random.Random(1)) == []


@pytest.mark.parametrize("kind", [kind for kind in VITAL_SIGNS if kind is not FactKind.DIASTOLIC_BP])
def test_a_measurement_that_is_gone_is_missing(record, kind):
    gone = without_fact(record, record.first(kind))
    assert gone.first(kind) is None
    assert kind in gone.missing
    if kind is FactKind.SYSTOLIC_BP:  # shown as one pressure
        assert gone.first(FactKind.DIASTOLIC_BP) is None


def test_words_go_one_fact_at_a_time(record):
    drugs = record.all(FactKind.MEDICATION)
    assert len(without_fact(record, drugs[0]).all(FactKind.MEDICATION)) == len(drugs) - 1


def _summary(*found: Deleted):
    return summarised(found, adapter_sha256=None, task="t", data="d", prompt_version="p")


def test_only_a_clear_difference_is_more_than_supporting():
    rng = random.Random(3)
    clear = _summary(*(Deleted(0.3 + rng.random() / 10, 0.1 + rng.random() / 10) for _ in range(LEAST_CASES)))
    assert clear.low > 0
    assert clear.label == CAUSAL
    assert clear.difference == pytest.approx(0.2, abs=0.03)
    same = _summary(*(Deleted(rng.random(), rng.random()) for _ in range(LEAST_CASES)))
    assert same.low < 0 < same.high
    assert same.label == SUPPORTING
    none = _summary(*(Deleted(0.0, 0.0) for _ in range(10)))
    assert none.label == SUPPORTING


def test_one_case_measures_nothing():
    with pytest.raises(ValueError, match="1 cases"):
        _summary(Deleted(0.1, 0.0))
