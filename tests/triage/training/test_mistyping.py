"""Typing errors in training: only letters of free text change, and the choice is repeatable."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas import FactKind
from triage.guidelines import GuidelineLibrary
from triage.training.corpus import read_authored
from triage.training.examples import make_example
from triage.training.mistyping import mistype, mistype_record

CASES = list(read_authored())[:60]


@given(st.text(max_size=200), st.integers(0, 2**32), st.floats(0, 1))
def test_whatever_is_no_letter_stays_in_its_order(text, seed, rate):
    def others(told):
        return re.sub("[A-Za-z]", "", told)

    assert others(mistype(text, random.Random(seed), rate)) == others(text)


@given(st.text(max_size=100), st.integers(0, 2**32))
def test_no_rate_no_error(text, seed):
    assert mistype(text, random.Random(seed), 0.0) == text


def test_the_rate_is_about_what_was_asked_for():
    text = "abdominal pain with vomiting " * 400
    changed = mistype(text, random.Random(3), 0.05)
    kept = sum(a == b for a, b in zip(text.split(), changed.split(), strict=False))
    assert 0 < len(text.split()) - kept < len(text.split())
    letters = sum(map(str.isalpha, text))
    assert abs(sum(map(str.isalpha, changed)) - letters) < 0.02 * letters  # a drop for every doubling


@given(st.integers(0, 2**32), st.sampled_from(CASES))
def test_numbers_codes_and_ids_are_left_alone(seed, case):
    after = mistype_record(case.record, random.Random(seed), 0.3)
    assert after == mistype_record(case.record, random.Random(seed), 0.3)
    for old, new in zip(case.record.facts, after.facts, strict=True):
        if old.kind in (FactKind.CHIEF_COMPLAINT, FactKind.TRIAGE_NOTE):
            assert new.text
            assert new.model_copy(update={"text": old.text}) == old
        else:
            assert new == old


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_an_example_is_mistyped_as_often_as_the_recipe_says(share):
    library = GuidelineLibrary.load()
    plain = [make_example(case, library).prompt for case in CASES]
    made = [make_example(case, library, random.Random(1), mistyped=share).prompt for case in CASES]
    same = sum(a == b for a, b in zip(plain, made, strict=True))
    assert same == len(CASES) if share == 0.0 else same < len(CASES) // 4
