"""Free text as the model is shown it: the same words however somebody typed them.

The model learnt from complaints in small letters that begin with what is wrong. Capitals and words that only lead up to
the complaint moved one suggestion in seven (``docs/robustness.md``), so they do not reach it. Rules and people read the
text as written.
"""

import re
from functools import lru_cache

from triage.text.english import english_words
from triage.text.spelling import respelled
from triage.text.terms import default_matcher

_LEAD_IN = re.compile(
    r"""\s*(?:(?:the\s+)?(?:pt|patient)\.?\s+)?(?:(?:is|was|has)\s+)?
    (?:
        (?:presents?|presenting|presented|came|comes|coming|arrive[sd]?|here|in|brought|seen)\s+
        (?:(?:in|to\s+(?:the\s+)?(?:ed|er|hospital))\s+)?(?:with|for|c/o|complaining\s+of|due\s+to|because\s+of)
      | c/o | complain(?:s|ing|ed)?\s+of | (?:chief\s+complaint|complaint|cc)\s*:
    )\s*:?\s+(?=\S)""",
    re.IGNORECASE | re.VERBOSE,
)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SHORT = 3
_COMMON = 10_000


def plainly(text: str, *, complaint: bool = False) -> str:
    """``text`` with slips of the hand read as what was meant, and in small letters where all of it is in capitals.

    Abbreviations keep their capitals. With ``complaint`` also without what only leads up to it ("pt presents with",
    "c/o"); never empty where ``text`` was not.
    """
    read = in_small_letters(respelled(text))
    return _LEAD_IN.sub("", read, count=1) if complaint and _LEAD_IN.match(read) else read


def in_small_letters(text: str) -> str:
    """A text typed in capitals in small letters, abbreviations as they are; any other text unchanged."""
    if not text.isupper() or not any(len(word) > _SHORT for word in _WORD.findall(text)):
        return text
    return _WORD.sub(
        lambda match: match.group() if _abbreviates(match.group()) else match.group().lower(), text
    )


def _abbreviates(word: str) -> bool:
    return word in default_matcher().abbreviations or (
        len(word) <= _SHORT and word.lower() not in _common_words()
    )


@lru_cache(maxsize=1)
def _common_words() -> frozenset[str]:
    """The commonest words of English: what three capitals mean where they are no abbreviation of the lexicon."""
    return frozenset(english_words()[:_COMMON])
