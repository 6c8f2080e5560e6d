"""Consciousness in prose, as AVPU codes: A, C (new confusion), V, P, U.

Confusion counts only where it is said to be new; alarms ("stroke alert"), other things that do not respond ("pupils
unresponsive to light", "fever unresponsive to paracetamol") and other times ("usually unresponsive") do not count.
"""

import re
from collections.abc import Iterator

from data_schemas.intake import FactKind
from triage.text.mention import Mention, clause_before, is_about_now

_NOT_THE_PATIENT = "".join(
    rf"(?<!{word} )"
    for word in ("medical", "stroke", "trauma", "sepsis", "stemi", "code", "cardiac", "fall", "safety")
)
_CODES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (code, re.compile(pattern, re.IGNORECASE))
    for code, pattern in (
        (
            "A",
            rf"\b{_NOT_THE_PATIENT}alert\b(?!\s+(?:bracelet|button|system|called|activated|"
            r"(?:only\s+)?(?:to|when|with)\s+(?:voice|verbal|pain|stimul|spoken)))|\bA&O\s*x?\s*[34]?|"
            r"\bAVPU\W+A(?:lert)?\b",
        ),
        (
            "C",
            r"\b(?:new(?:ly)?|acute(?:ly)?|sudden(?:ly)?|increasing(?:ly)?|more)(?:[\s-]onset)?(?: of)?\s+"
            r"(?:confus(?:ed|ion)|disoriented|disorientation)|\bAVPU\W+C(?:onfus\w*)?\b",
        ),
        (
            "V",
            r"\b(?:respon(?:ds|sive|ding)|alert)\s+(?:only\s+)?to\s+(?:verbal(?:\s+stimul\w+)?|voice)|"
            r"\bAVPU\W+V(?:erbal|oice)?\b",
        ),
        (
            "P",
            r"\brespon(?:ds|sive|ding)\s+(?:only\s+)?to\s+pain(?:ful)?(?:\s+stimul\w+)?"
            r"(?!\s+(?:med|relief|reliever|control|manag|pill|kill))|\bAVPU\W+P(?:ain)?\b",
        ),
        (
            "U",
            r"\bunresponsive\b(?!\s+to\s+(?!pain\b(?! med)|voice|verbal|stimul|any|all|command))|"
            r"\bno response to (?:pain(?! med)|any)\w*|\bAVPU\W+U(?:nresponsive)?\b",
        ),
    )
)
_DENIED = re.compile(
    r"(?:\b(?:not|no|never|less|barely|hardly|without|denies|was|were|became|been|episode|until)|n['\u2019]t)"
    r"\s+(?:\w+\s+)?$",
    re.IGNORECASE,
)
_PUPILS = re.compile(r"\b(?:pupils?|wounds?|infection|fever|seizures?)\b", re.IGNORECASE)


def consciousness(text: str) -> Iterator[Mention]:
    """Every statement on the patient's consciousness now, in no fixed order."""
    for code, pattern in _CODES:
        for match in pattern.finditer(text):
            before = clause_before(text, match.start())
            if _DENIED.search(before) or _PUPILS.search(before):
                continue
            if is_about_now(text, match.start(), match.end()):
                yield Mention(FactKind.AVPU, None, None, code, match.group(), match.start(), match.end())
