"""Words of a clinical text with their character offsets, in one spelling."""

import re
from dataclasses import dataclass

from triage.text.normal_form import normalise
from triage.text.spelling import find_slips

_SLASHED = r"(?:c/o|s/p|r/o|w/o|h/o|f/h|n/v/d|n/v|f/c|c/s|w/u|w/)"
_TOKEN = re.compile(
    rf"(?<![a-z0-9]){_SLASHED}(?![a-z0-9])|\d+(?:\.\d+)?(?:/\d+)?|[a-z]+(?:['’][a-z]+)?|\n|[^\sa-z0-9]",
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
_SENTENCE_MARKS = frozenset(".!?;\n")


@dataclass(frozen=True, slots=True)
class Token:
    """One word or mark. ``norm`` is lower case, US spelling, singular, and of a slip of the hand what was meant.

    ``start`` and ``end`` are half-open.
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

    A hyphen or full stop inside a compound or after an abbreviation is dropped; one that stands alone stays.
    """
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
        tokens.append(Token(normalise(meant.get(start, raw)), raw, start, end))
    return tuple(tokens)


def ends_sentence(token: Token) -> bool:
    """Whether a sentence ends at this token."""
    return token.norm in _SENTENCE_MARKS
