"""A slip of the hand is read as what was meant, and nothing else is."""

import itertools
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.robustness.typing_errors import with_errors
from triage.text.normal_form import normalise
from triage.text.spelling import MIN_LETTERS, _clinical, find_slips, respelled
from triage.text.terms import find_terms

ROOT = Path(__file__).resolve().parents[3]
OPPOSITES = [
    ("hypertension", "hypotension"),
    ("hyperglycemia", "hypoglycemia"),
    ("hyperthermia", "hypothermia"),
    ("hyperkalemia", "hypokalemia"),
    ("tachycardia", "bradycardia"),
    ("perineal", "peroneal"),
    ("ingestion", "indigestion"),
    ("hemiplegia", "paraplegia"),
    ("ileostomy", "colostomy"),
    ("infection", "injection"),
    ("afebrile", "febrile"),
]
VOWELS = "aeiouy"
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def every_slip(word: str) -> set[str]:
    """All that one slip can make of a word."""
    beside = {
        row[at]: row[max(0, at - 1) : at] + row[at + 1 : at + 2] for row in ROWS for at in range(len(row))
    }
    swapped = {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)}
    dropped = {word[:at] + word[at + 1 :] for at in range(1, len(word))}
    doubled = {word[: at + 1] + word[at:] for at in range(len(word))}
    struck = {word[:at] + key + word[at + 1 :] for at in range(1, len(word)) for key in beside[word[at]]}
    both = {
        word[:at] + key + word[at:]
        for at in range(1, len(word) + 1)
        for key in {*beside[word[at - 1]], *(beside[word[at]] if at < len(word) else "")}
    }
    vowels = {
        word[:at] + other + word[at + 1 :]
        for at in range(1, len(word))
        if len(word) >= 6 and word[at] in VOWELS
        for other in VOWELS
    }
    return (swapped | dropped | doubled | struck | both | vowels) - {word}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("chset pain", "chest pain"),  # swapped
        ("chest pian", "chest pain"),
        ("hest pain", "hest pain"),  # the first letter is not left out
        ("abdminal pain", "abdominal pain"),  # left out
        ("abdoominal pain", "abdominal pain"),  # twice
        ("abdominak pain", "abdominal pain"),  # the key beside
        ("abdominalk pain, chest painm", "abdominal pain, chest pain"),  # the key beside as well
        ("abdomenal pain, dehidrated", "abdominal pain, dehydrated"),  # another vowel
        ("he is a stroker and a vaper", "he is a stroker and a vaper"),  # a form of a word
        ("chist pain", "chist pain"),  # too short a word for that
        ("abdoqinal pain", "abdoqinal pain"),  # no usual slip
        ("Seizre", "Seizure"),
        ("SHORTNESS OF BRAETH", "SHORTNESS OF BREATH"),
        ("suicdal ideation, unrsponsive", "suicidal ideation, unresponsive"),
        ("pan in the chest", "pan in the chest"),  # a word itself
        ("nek pain, kne pain, rsh", "nek pain, kne pain, rsh"),  # too short to tell from an abbreviation
        ("abd. pain, movt, lac, Lt. side wekness", "abd. pain, movt, lac, Lt. side weakness"),
        ("paediatric dyspnoea, coloured stools", "paediatric dyspnoea, coloured stools"),
        ("labored breathing, counseling", "labored breathing, counseling"),
        ("clonic jerks, peroneal palsy", "clonic jerks, peroneal palsy"),
        ("chset2 pain@home www.seizre.org", "chset2 pain@home www.seizre.org"),
        ("Took Vicodin and Lanoxin, saw Dr. Levine", "Took Vicodin and Lanoxin, saw Dr. Levine"),
        ("dolor de pecho y fiebre desde hace dos dias", "dolor de pecho y fiebre desde hace dos dias"),
        ("le duele la cabeza y vomitng desde ayer", "le duele la cabeza y vomitng desde ayer"),  # not English
        ("", ""),
    ],
)
def test_what_is_read(written: str, read: str) -> None:
    assert respelled(written) == read


def test_where_it_stands() -> None:
    (slip,) = find_slips("has chset pain")
    assert (slip.start, slip.end, slip.written, slip.read_as) == (4, 9, "chset", "chest")


def test_rules_read_it_and_quote_what_was_written() -> None:
    (match,) = (match for match in find_terms("since noon chset pian") if match.concept == "chest_pain")
    assert match.text == "chset pian"
    assert not [match for match in find_terms("chse pim") if match.concept == "chest_pain"]


@pytest.mark.parametrize(("one", "other"), [*OPPOSITES, *((b, a) for a, b in OPPOSITES)])
def test_no_slip_makes_a_word_of_another_meaning(one: str, other: str) -> None:
    """Every slip there is of one word is left alone or read as that word, never as its look-alike."""
    read = {respelled(slip) for slip in every_slip(one)}
    assert other not in read - every_slip(one)
    assert one in read


def test_the_words_of_emergency_care_are_found_again() -> None:
    """One slip in each word: at least 85 % are read right, at most 1 in 200 as another word."""
    words = [word for word, count in sorted(_clinical().items()) if count and len(word) > MIN_LETTERS]
    counted: Counter[str] = Counter()
    for word in random.Random(7).sample(words, 1500):
        written = with_errors(word, 1, 7)
        read = respelled(written)
        right = normalise(read) == normalise(word)
        counted["right" if right else "left alone" if read == written else "wrong"] += 1
    assert counted["right"] >= 0.85 * 1500, counted
    assert counted["wrong"] <= 1500 / 200, counted


def test_a_word_that_is_known_is_never_touched() -> None:
    assert [word for word in _clinical() if find_slips(word)] == []


@given(
    st.lists(st.sampled_from(["chset", "pian", "no", "fever", "x2h", "BP", "120/80", "’", ".", "\n", "ñ"]))
)
def test_reading_twice_changes_no_more(parts: list[str]) -> None:
    read = respelled(" ".join(parts))
    assert respelled(read) == read


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    slips = find_slips(text)
    assert all(text[slip.start : slip.end] == slip.written for slip in slips)
    assert all(one.end <= other.start for one, other in itertools.pairwise(slips))
    assert all(len(slip.written) >= MIN_LETTERS for slip in slips)


def test_the_list_is_what_its_sources_give() -> None:
    """It goes stale with every change of lexicon, statements or invented cases."""
    script = [sys.executable, str(ROOT / "scripts" / "make_spelling_words.py"), "--check"]
    assert subprocess.run(script, check=False).returncode == 0, "run scripts/make_spelling_words.py"


@pytest.mark.parametrize(
    "text",
    [
        "onne side of his face sags",  # not "none", which denies it
        "bells pasy, facial droop",  # not "past"
        "notr breathing",  # rather "not" than "note"
        "aarm pain",
        "AICD fired",
        "hives + SOOB",
        "CPRE",
    ],
)
def test_a_short_word_that_may_be_a_shorter_one_or_would_calm_is_left_alone(text):
    assert find_slips(text) == ()


def test_in_a_text_all_in_capitals_words_are_words():
    assert respelled("CHSET PAIN AND SWEATNG") == "CHEST PAIN AND SWEATING"
