"""Words of a clinical text with their character offsets, in one spelling."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from triage.text.normal_form import APOSTROPHES, normalise
from triage.text.spelling import find_slips

_SLASHED = r"(?:c/o|s/p|r/o|w/o|h/o|f/h|n/v/d|n/v|f/c|c/s|w/u|w/)"
_TOKEN = re.compile(
    rf"(?<![a-z0-9]){_SLASHED}(?![a-z0-9])|\d+(?:\.\d+)?(?:/\d+)?|[a-z]+(?:['{APOSTROPHES}][a-z]+)?|\n|[^\sa-z0-9]",
    re.IGNORECASE,
)
# A full stop after one of these is no end of sentence ("Lt. side weakness", "abd. pain").
_ABBREVIATIONS = frozenset(
    [
        "lt",
        "rt",
        "abd",
        "ant",
        "post",
        "pt",
        "pts",
        "hx",
        "approx",
        "lac",
        "dr",
        "mr",
        "mrs",
        "ms",
        "vs",
        "temp",
        "resp",
        "esp",
        "etc",
        "neg",
        "pos",
        "occ",
        "prev",
        "movt",
        "bil",
    ]
)
_WIDE = range(0xFF01, 0xFF5F)
_LIGATURES = range(0xFB00, 0xFB07)
_HYPHENS = frozenset("\u2010\u2011")
_SENTENCE_MARKS = frozenset(".!?;\n")


@dataclass(frozen=True, slots=True)
class Token:
    """One word or mark. ``norm`` is lower case, US spelling, singular, and of a slip of the hand what was meant.

    ``raw`` is what a reader sees of it. ``start`` and ``end`` are half-open.
    """

    norm: str
    raw: str
    start: int
    end: int

    @property
    def is_word(self) -> bool:
        """Whether the token is a word or a number rather than a mark."""
        return self.norm[0].isalnum()


def tokenise(text: str) -> tuple[Token, ...]:
    """The tokens of ``text`` in order, offsets into ``text`` itself.

    A hyphen or full stop inside a compound or after an abbreviation is dropped; one that stands alone stays. "can not"
    is one word. What cannot be seen (a soft hyphen, a zero-width space) is passed over.
    """
    if not text.isascii() and (changed := _legible(text)) is not None:
        legible, places = changed
        return tuple(
            Token(token.norm, token.raw, places[token.start], places[token.end - 1] + 1)
            for token in tokenise(legible)
        )
    tokens: list[Token] = []
    meant = {slip.start: slip.read_as for slip in find_slips(text)}
    for found in _TOKEN.finditer(text):
        raw, start, end = found.group(), found.start(), found.end()
        before = text[start - 1] if start else " "
        after = text[end] if end < len(text) else " "
        if raw in "-/" and before.isalnum() and after.isalnum():
            continue
        if raw == "." and tokens and tokens[-1].norm in _ABBREVIATIONS and tokens[-1].end == start:
            continue
        if raw.lower() == "not" and tokens and tokens[-1].raw.lower() == "can":
            can = tokens.pop()
            tokens.append(Token("cannot", text[can.start : end], can.start, end))
            continue
        tokens.append(Token(normalise(meant.get(start, raw)), raw, start, end))
    return tuple(tokens)


def _legible(text: str) -> tuple[str, Sequence[int]] | None:
    """The letters that a reader sees, and where each stands in ``text``; None where they are those of ``text``."""
    letters: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text):
        if unicodedata.category(letter) == "Cf":
            continue
        if ord(letter) in _WIDE or ord(letter) in _LIGATURES:
            letter = unicodedata.normalize("NFKC", letter)  # noqa: PLW2901
        elif letter in _HYPHENS:
            letter = "-"  # noqa: PLW2901
        letters += letter
        places += [place] * len(letter)
    legible = "".join(letters)
    return None if legible == text else (legible, places)


def ends_sentence(token: Token) -> bool:
    """Whether a sentence ends at this token."""
    return token.norm in _SENTENCE_MARKS
