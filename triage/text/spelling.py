"""Words that a slip of the hand made, read as the word that was meant where there is no doubt which.

A complaint is a few words, and one letter struck wrongly took the word that mattered from rules and model alike. Only
a word that is in no dictionary is read as another; only as one of which two letters were swapped, one left out, one
struck twice or together with the key beside, or the key beside struck instead (single errors of these kinds are most
of all: Damerau, Commun ACM 1964;7:171-176), or in a longer word one vowel written for another; and only where the
words of emergency care leave no other choice. A word that is itself another word ("pan") stays as it is, and so does
a short one, whose slips often make an abbreviation. The text is never changed: whoever reads it is told.

Dictionary and search are those of symspellpy; the words of emergency care are ``spelling_words.txt``, counted in the
lexicon, the guideline statements and the invented cases by ``scripts/make_spelling_words.py``.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from symspellpy import SymSpell, Verbosity

from triage.text.english import english_words, known_english
from triage.text.language import is_foreign
from triage.text.normal_form import american, normalise

MIN_LETTERS = 4
"""Shorter words are left alone."""
_MAX_LETTERS = 30
_WORD = re.compile(rf"(?<![\w'’@.])[A-Za-z]{{{MIN_LETTERS},{_MAX_LETTERS}}}(?![\w'’@]|\.\w)")
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE = frozenset(
    pair for row in _ROWS for one, other in itertools.pairwise(row) for pair in (one + other, other + one)
)
_DOUBLED_L = re.compile(r"(?P<stem>[a-z]{3,}l)l(?P<ending>ing|ed|er|or)")
_VOWELS = frozenset("aeiouy")
_VOWELS_FROM = 6
_GENERAL_WORDS = 20_000
"""The commonest words of English beside those of emergency care: what else could have been meant."""
_CLINICAL_WEIGHT = 1000
_CLEARLY = 10
"""How many times as common the word must be as the next that could have been meant."""
_CACHE = 8192
_ABBREVIATION_LETTERS = 5
_CALMING = frozenset({"free", "never", "none", "past", "prior"})
"""Words that deny what stands beside them or put it into the past: not guessed from four or five letters."""


@dataclass(frozen=True, slots=True)
class Slip:
    """One word of a text, half-open offsets, and the word as which it is read."""

    start: int
    end: int
    written: str
    read_as: str


class _Words(NamedTuple):
    clinical: Mapping[str, int]
    """How often they stand in the sources; 0 for what is known and nothing is read as."""
    known: frozenset[str]
    """In normal form."""
    index: SymSpell


def find_slips(text: str) -> tuple[Slip, ...]:
    """The slips of ``text`` in order; none where it is not English. Never raises."""
    shouted = text.isupper() and len(_WORD.findall(text)) > 1
    found = tuple(
        Slip(match.start(), match.end(), match.group(), _in_case(match.group(), meant))
        for match in _WORD.finditer(text)
        if (shouted or not _is_abbreviation(match.group()))
        and (meant := _meant(match.group().lower())) is not None
    )
    return () if found and is_foreign(text) else found


def _is_abbreviation(word: str) -> bool:
    """Whether a word of a text that is not all in capitals may be one: "AICD" is no slip of "acid"."""
    return word.isupper() and len(word) <= _ABBREVIATION_LETTERS


def respelled(text: str) -> str:
    """``text`` as it is read: each slip in place of what was written."""
    for slip in reversed(find_slips(text)):
        text = text[: slip.start] + slip.read_as + text[slip.end :]
    return text


@lru_cache(maxsize=_CACHE)
def _meant(word: str) -> str | None:
    """The word of which ``word`` is a slip; None where it is a word, or could be a slip of several."""
    if word in _clinical() or word in known_english():
        return None  # most words, and then the slower part need not be made
    words = _words()
    if normalise(word) in words.known:
        return None
    found = [
        (suggestion.count, suggestion.term)
        for suggestion in words.index.lookup(word, Verbosity.ALL, max_edit_distance=1)
        if _is_slip(word, suggestion.term)
    ]
    if not found or any(len(term) < MIN_LETTERS for _, term in found):
        return None  # "notr" is rather "not" than "note"
    found.sort(reverse=True)
    count, best = found[0]
    others = [other for other, term in found[1:] if normalise(term) != normalise(best)]
    plain = not others or count >= _CLEARLY * others[0]
    return best if plain and best in words.clinical and best not in _CALMING else None


def _is_slip(written: str, meant: str) -> bool:
    """Whether one usual slip makes ``written`` of ``meant``, the first letter staying but for a swap.

    The two are one edit apart: one letter more, one less, one other, or two neighbours swapped.
    """
    if len(written) < len(meant):
        return written[0] == meant[0]
    at = next(
        (place for place, (one, other) in enumerate(zip(written, meant, strict=False)) if one != other), -1
    )
    if len(written) > len(meant):
        if at < 0:
            if written.endswith(("er", "ed")):
                return False  # a form of the word rather than a slip: "stroker"
            at = len(meant)
        around = written[at - 1 : at] + written[at + 1 : at + 2]
        return at > 0 and any(key == written[at] or key + written[at] in _BESIDE for key in around)
    if written[at + 1 :] != meant[at + 1 :]:
        return written[at : at + 2] == meant[at : at + 2][::-1]
    pair = written[at] + meant[at]
    return at > 0 and (pair in _BESIDE or (len(meant) >= _VOWELS_FROM and set(pair) <= _VOWELS))


def _in_case(written: str, meant: str) -> str:
    if written.isupper():
        return meant.upper()
    return meant.capitalize() if written[0].isupper() else meant


@lru_cache(maxsize=1)
def _clinical() -> Mapping[str, int]:
    rows = files(__package__).joinpath("spelling_words.txt").read_text(encoding="utf-8").splitlines()
    counts = {word: int(count) for word, count in (row.split() for row in rows if not row.startswith("#"))}
    for word, count in list(counts.items()):
        counts.setdefault(american(word), count)
    return counts


@lru_cache(maxsize=1)
def _words() -> _Words:
    """A third of a second, once, when the first word comes that stands in no dictionary as it is written."""
    english = english_words()
    clinical = _clinical()
    index = SymSpell(max_dictionary_edit_distance=1)
    for word, count in clinical.items():
        if count:
            index.create_dictionary_entry(word, count * _CLINICAL_WEIGHT)
    for word in english[:_GENERAL_WORDS]:
        if len(word) > 1 and word not in clinical:
            index.create_dictionary_entry(word, 1)
    known = {normalise(word) for word in (*english, *clinical)}
    known.update(_single_l(english))
    return _Words(clinical, frozenset(known), index)


def _single_l(english: Sequence[str]) -> Iterator[str]:
    """US forms that the dictionary has with two l only: "counseling" beside "counselling", but not "faling"."""
    words = known_english()
    for word in english:
        parts = _DOUBLED_L.fullmatch(word)
        if parts and parts["stem"] in words and parts["stem"] + "l" not in words:
            yield parts["stem"] + parts["ending"]
