"""Typing errors in complaint and note: two letters swapped, one dropped, one doubled, or the key beside it struck.

The dose is the number of errors in every started 20 words, at most one a word: a complaint of three words with a dose
of one has one. Words with a digit stay as they are, and so do words of fewer than four letters ("no", "not", "leg"),
whose errors often make another word. A higher dose holds every error of a lower one.
"""

import random
import re

from data_schemas import IntakeRecord
from eval.robustness.texts import reworded
from eval.robustness.variant import Arm, Variant

DOSES = (1, 2, 4)
_PER_WORDS = 20
_TOKEN = re.compile(r"\S+")
_WORD = re.compile(r"(?<![\w'-])[A-Za-z]{4,}(?![\w'-])")
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE = {
    key: [row[at + step] for step in (-1, 1) if 0 <= at + step < len(row)]
    for row in _ROWS
    for at, key in enumerate(row)
}
_LEVEL_WORDS = frozenset(
    ["esi", "ktas", "ctas", "level", "levels", "acuity", "priority", "urgent", "emergent"]
)
_KINDS = ("swap", "drop", "double", "neighbour")


def with_errors(text: str, dose: int, seed: int) -> str:
    """``text`` with ``dose`` typing errors in every started 20 words; the same text and seed give the same errors."""
    words = [match for token in _TOKEN.finditer(text) if (match := _typed(token, text)) is not None]
    count = min(len(words), dose * -(-len(text.split()) // _PER_WORDS))
    rng = random.Random(f"{seed}|{text}")  # noqa: S311 - repeatable, not secret
    order = rng.sample(range(len(words)), len(words))
    errors = {place: _mistyped(words[place].group(), rng) for place in order}
    for place in sorted(order[:count], reverse=True):  # from the end, so that places before it hold
        match = words[place]
        text = text[: match.start()] + errors[place] + text[match.end() :]
    return text


def _typed(token: re.Match[str], text: str) -> re.Match[str] | None:
    """The word of a token that an error can fall into; none beside a number ("120/80mmHg")."""
    if any(character.isdigit() for character in token.group()):
        return None
    return _WORD.search(text, token.start(), token.end())


def _mistyped(word: str, rng: random.Random) -> str:
    """One error inside the word, its first letter staying, as it mostly does; never a word for a level."""
    while (typed := _struck(word, rng)).lower() in _LEVEL_WORDS:
        pass  # an error at another place never makes the same word
    return typed


def _struck(word: str, rng: random.Random) -> str:
    at, kind = rng.randrange(1, len(word)), rng.choice(_KINDS)
    if kind == "swap":
        at = min(at, len(word) - 2)
        if word[at] != word[at + 1]:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        kind = "drop"
    if kind == "drop":
        return word[:at] + word[at + 1 :]
    if kind == "double":
        return word[: at + 1] + word[at:]
    struck = rng.choice(_BESIDE[word[at].lower()])
    return word[:at] + (struck.upper() if word[at].isupper() else struck) + word[at + 1 :]


def _arm(dose: int) -> Arm:
    def change(record: IntakeRecord, seed: int) -> IntakeRecord | None:
        return reworded(record, lambda text: with_errors(text, dose, seed))

    return Arm(str(dose), change)


TYPING = (
    Variant(
        "typing",
        "typing",
        "same",
        "Typing errors in complaint and note: 1, 2 and 4 in every started 20 words; numbers and short words untouched.",
        tuple(_arm(dose) for dose in DOSES),
    ),
)
