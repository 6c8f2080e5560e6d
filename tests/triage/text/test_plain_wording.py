"""The model reads the same words, however somebody typed them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.text.plain_wording import in_small_letters, plainly
from triage.text.terms import default_matcher, find_terms

COMPLAINTS = [
    "chest pain",
    "pain in the left leg, no fever",
    "fell off a roof",
    "short of breath since Monday",
]


@pytest.mark.parametrize("complaint", COMPLAINTS)
@pytest.mark.parametrize(
    "lead",
    [
        "presents with",
        "Pt presents with",
        "The patient presented to the ED with",
        "c/o",
        "Pt c/o",
        "complains of",
        "complaining of",
        "came in for",
        "Chief complaint:",
        "here with",
    ],
)
def test_what_only_leads_up_to_the_complaint_is_left_out(lead: str, complaint: str) -> None:
    assert plainly(f"{lead} {complaint}", complaint=True) == complaint
    assert plainly(f"{lead} {complaint}") == f"{lead} {complaint}"  # in a note it is a sentence's own verb


@pytest.mark.parametrize(
    "text",
    [
        "presents with",
        "c/o",
        "cc:",
        "denies chest pain",
        "presents without pain",
        "53-year-old woman presents with chest pain",
        "came by ambulance with chest pain",
        "wound check, presents with drain",
        "in labour",
        "seen here yesterday",
        "",
    ],
)
def test_what_says_something_stays(text: str) -> None:
    assert plainly(text, complaint=True) == text


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("CHEST PAIN RADIATING TO THE LEFT ARM", "chest pain radiating to the left arm"),
        ("C/O SOB AND LEG PAIN", "C/O SOB and leg pain"),
        ("RT ARM WEAKNESS, LOC, GCS 13", "RT arm weakness, LOC, GCS 13"),
        ("CHSET PIAN", "chset pian"),
        ("SOB", "SOB"),
        ("CVA?", "CVA?"),
        ("HTN, DM, CKD", "HTN, DM, CKD"),
        ("Chest pain, SOB", "Chest pain, SOB"),
        ("120/80", "120/80"),
    ],
)
def test_capitals(typed: str, shown: str) -> None:
    assert in_small_letters(typed) == shown


def test_a_slip_in_capitals() -> None:
    assert plainly("CHSET PIAN", complaint=True) == "chest pain"


def test_abbreviations_of_the_lexicon_are_found_in_small_letters_too() -> None:
    """What a text in capitals says to the rules, it says as the model is shown it."""
    for word in sorted(default_matcher().abbreviations):
        typed = f"{word} AND WEAKNESS"
        before = {match.concept for match in find_terms(typed)}
        assert {match.concept for match in find_terms(plainly(typed))} == before, word


@given(st.text(max_size=80))
def test_any_text(text: str) -> None:
    shown = plainly(text, complaint=True)
    assert bool(shown.strip()) == bool(text.strip())
    assert in_small_letters(in_small_letters(text)) == in_small_letters(text)


WORDS = ["CHEST", "PAIN", "SOB", "MI", "LEG", "X2", "120/80", "c/o", "no", "fever", "Pt", "presents", "with"]


@given(st.lists(st.sampled_from(WORDS), max_size=8))
def test_nothing_but_letters_changes(words: list[str]) -> None:
    text = " ".join(words)
    assert in_small_letters(text).upper() == text.upper()
