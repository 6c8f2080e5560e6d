"""Words of a clinical text with their character offsets, in one spelling."""

import re
from dataclasses import dataclass

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
_UNCHANGED = frozenset(
    [
        "vs",
        "his",
        "this",
        "is",
        "was",
        "has",
        "does",
        "as",
        "us",
        "gas",
        "pus",
        "always",
        "abs",
        "sobs",
        "limps",
    ]
)
_MAX_EXPANDED = 5


@dataclass(frozen=True, slots=True)
class Token:
    """One word or mark. ``norm`` is lower case, US spelling, singular; ``start`` and ``end`` are half-open."""

    norm: str
    raw: str
    start: int
    end: int

    @property
    def is_word(self) -> bool:
        """Whether the token is a word or a number rather than a mark."""
        return self.norm[0].isalnum()


def normalise(word: str) -> str:
    """One spelling of a word: lower case, British to US, simple plurals to singular.

    It is applied to patterns and to text alike, so what matters is that variants meet, not that the result
    is a word ("dyspnoea", "dyspnea" -> "dyspnea"; "diabetes" -> "diabete").
    """
    text = word.lower().replace("’", "'")
    if text.endswith("'s"):
        text = text[:-2]
    if len(text) >= _MAX_EXPANDED:
        text = text.replace("ae", "e").replace("oe", "e")
        if text.endswith(("our", "ours", "oured")) and not text.endswith(("hour", "hours")):
            text = text.replace("our", "or")
        text = text.replace("isation", "ization").replace("ralys", "ralyz")
    if text in _UNCHANGED or len(text) <= 3:
        return text
    if text.endswith("ies"):
        return text[:-3] + "y"
    if text.endswith("s") and not text.endswith(("ss", "us", "is")):
        return text[:-1]
    return text


def tokenise(text: str) -> tuple[Token, ...]:
    """The tokens of ``text`` in order, offsets into ``text`` itself.

    A hyphen or full stop inside a compound or after an abbreviation is dropped; one that stands alone stays.
    """
    tokens: list[Token] = []
    for found in _TOKEN.finditer(text):
        raw, start, end = found.group(), found.start(), found.end()
        before = text[start - 1] if start else " "
        after = text[end] if end < len(text) else " "
        if raw in "-/" and before.isalnum() and after.isalnum():
            continue
        if raw == "." and tokens and tokens[-1].norm in _ABBREVIATIONS and tokens[-1].end == start:
            continue
        tokens.append(Token(normalise(raw), raw, start, end))
    return tuple(tokens)


def ends_sentence(token: Token) -> bool:
    """Whether a sentence ends at this token."""
    return token.norm in _SENTENCE_MARKS
