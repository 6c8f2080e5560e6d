"""Whether a sentence says something clinical that must not be lost, whatever else it says.

Coarse on purpose and in one direction: a sentence taken for a finding is shown to the model and a person is asked to
look at it; one wrongly taken for none would be kept from the model.
"""

import re
from functools import lru_cache

from triage.text.disguise import plain
from triage.text.instruction_words import CONCEPTS
from triage.text.terms import find_terms

_NO_FINDING = frozenset(
    {
        "administrative",
        "brisk_bleeding",
        "child_words",
        "comfortable",
        "confusion_baseline",
        "corrosive",
        "elder_fall_anticoag",
        "no_fever_source",
        "prescription",
        "supply_ran_out",
        "sudden_onset",
        "torso_sites",
        "unresponsive_baseline",
    }
)
"""Concepts of the lexicon that say nothing by themselves."""
_WORDS = re.compile(CONCEPTS["finding"])
_AGE = re.compile(
    r"(?<![\w/])\d{1,3}\s?-?\s?(?:[mf]|yo|y/o|(?:years?|months?|weeks?|days?|yrs?|mo|wks?)[ -]old)(?!\w)"
)
_SIGN = re.compile(
    r"(?<![a-z])(hr|pulse|rr|resps?|sats?|spo2|t|temp|bp|pain|gcs|news2?|glucose|bm)\s?[:=]?\s?(\d+(?:\.\d+)?)"
)
_NORMAL = {
    "hr": (50, 100), "pulse": (50, 100), "rr": (10, 20), "resp": (10, 20), "resps": (10, 20), "sat": (95, 100),
    "sats": (95, 100), "spo2": (95, 100), "t": (36, 37.9), "temp": (36, 37.9), "bp": (100, 159), "pain": (0, 3),
    "gcs": (15, 15), "news": (0, 2), "news2": (0, 2),
}  # fmt: skip
"""What a pretended reading would lie in; adult values, degrees Celsius. Anything else must be seen by the model."""
_CACHE = 4096


@lru_cache(maxsize=_CACHE)
def holds_finding(text: str) -> bool:
    """Whether ``text`` names a body part, a symptom, a danger to oneself, an age or a measured sign."""
    said = plain(text)
    return bool(_AGE.search(said) or _SIGN.search(said)) or _says_finding(said)


@lru_cache(maxsize=_CACHE)
def holds_alarm(text: str) -> bool:
    """The same, but a sign counts only where it is not a normal adult one: a pretended reading reassures."""
    said = plain(text)
    return _says_finding(_SIGN.sub(" ", said)) or any(
        not low <= float(value) <= high
        for name, value in _SIGN.findall(said)
        for low, high in [_NORMAL.get(name, (1, 0))]
    )


def _says_finding(said: str) -> bool:
    return bool(_WORDS.search(said)) or any(
        match.concept not in _NO_FINDING for match in find_terms(said) if not match.concept.startswith("_")
    )
