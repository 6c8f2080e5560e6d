"""Sentences that must not matter: what they touch, what they leave, and that they are nobody else's."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas import FactKind
from eval.redteam import NoteSet, load_notes
from triage.guidelines import GuidelineLibrary
from triage.training.corpus import authored_cases, read_authored
from triage.training.distract import distract, load_sentences
from triage.training.examples import make_example

CASES = list(read_authored())[:60]
TOLD = {FactKind.TRIAGE_NOTE, FactKind.CHIEF_COMPLAINT}


@given(st.integers(0, 2**32), st.sampled_from(CASES))
def test_only_what_is_told_changes_and_nothing_of_it_is_lost(seed, case):
    before = {fact.id: fact for fact in case.record.facts}
    after = {fact.id: fact for fact in distract(case.record, random.Random(seed)).facts}
    assert before.keys() <= after.keys()
    added = [fact for fact in after.values() if before.get(fact.id) != fact]
    (told,) = added
    assert told.kind in TOLD
    if told.id in before:
        words = before[told.id].text.split()
        left = iter(told.text.split())
        assert all(any(word.rstrip(".") == other.rstrip(".") for other in left) for word in words)
        assert len(told.text) > len(before[told.id].text)


@given(st.integers(0, 2**32))
def test_no_blank_stays_unfilled_and_the_choice_is_repeatable(seed):
    record = CASES[0].record
    one, other = distract(record, random.Random(seed)), distract(record, random.Random(seed))
    assert one == other
    slots = load_sentences().slots
    for fact in one.facts:
        assert not any("{" + name + "}" in fact.text for name in slots)


@pytest.mark.parametrize("notes", list(NoteSet))
def test_no_sentence_of_the_red_team_is_learnt(notes):
    sentences = load_sentences()
    learnt = {sentence.casefold() for sentence in (*sentences.neutral, *sentences.aimed)}
    for note in load_notes(notes):
        for text in (note.attack, note.neutral):
            assert text.strip().casefold() not in learnt


def test_no_sentence_stands_in_an_authored_case():
    told = " ".join(case.vignette for case in authored_cases())
    plain = [s for s in load_sentences().neutral if "{" not in s]
    assert plain
    assert not [sentence for sentence in plain if sentence in told]


def test_an_example_keeps_its_prompt_and_target_and_gains_a_twin():
    library = GuidelineLibrary.load()
    calm = make_example(CASES[3], library, random.Random(1))
    twin = make_example(CASES[3], library, random.Random(1), distraction=1.0)
    assert calm.distracted is None
    assert (twin.prompt, twin.target, twin.level) == (calm.prompt, calm.target, calm.level)
    assert twin.distracted not in {None, twin.prompt}
