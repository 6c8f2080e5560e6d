"""A thing said about the patient in prose, and whether the words around it make it about now and about them."""

import re
from decimal import Decimal
from typing import NamedTuple

from data_schemas.intake import FactKind

KIN = (
    r"(?:mothers?|fathers?|mom|dad|wife|husband|spouse|partner|sons?|daughters?|sisters?|brothers?|siblings?|"
    r"aunt|uncle|cousins?|niece|nephew|grand(?:mother|father|ma|pa|son|daughter)|boyfriend|girlfriend|"
    r"roommate|friends?|neighbou?rs?|parents?|famil(?:y|ies)|coworkers?)"
)

_CLAUSE_END = re.compile(r"[;,()!?\n\u201c\u201d]|\.(?=\s|$)|\.(?=[A-Z])")
_SENTENCE_END = re.compile(r"[!?\n]|\.(?=\s|$)|\.(?=[A-Z][a-z])")
_NOT_NOW_BEFORE = re.compile(
    r"\b(?:baseline|usual(?:ly)?|normal(?:ly)?|typical(?:ly)?|history of|hx of|previous(?:ly)?|prior|last|yesterday|"
    r"goal|target|maximum|at home|home|f(?:o)?etal|ago)\b",
    re.IGNORECASE,
)
_NOT_NOW_AFTER = re.compile(
    r"\b(?:at home|at baseline|last (?:night|week|month|visit|time)|yesterday|(?:days?|weeks?|hours?) ago|"
    r"(?:is|as) (?:her|his|their|my|the patient'?s)?\s*(?:baseline|norm|normal|usual))\b",
    re.IGNORECASE,
)
_SOMEONE_ELSE = re.compile(
    rf"(?<!\bby )(?<!\bper )(?<!\bby her )(?<!\bby his )(?<!\bby the )\b{KIN}(?:'s|\u2019s)?\s+(?:\w+\s+){{0,3}}$",
    re.IGNORECASE,
)


class Mention(NamedTuple):
    """One value or code as said in ``text[start:end]``.

    ``value`` is in ``unit``, canonical UCUM (age: d, wk, mo, a); ``code`` is of the kind's codes (see ``Fact``).
    ``as_received`` is ``text[start:end]``. The value may be impossible: ask ``triage.plausibility``.
    """

    kind: FactKind
    value: Decimal | None
    unit: str | None
    code: str | None
    as_received: str
    start: int
    end: int


def clause_before(text: str, start: int) -> str:
    """What stands before ``start`` in the same clause."""
    ends = [match.end() for match in _CLAUSE_END.finditer(text, 0, start)]
    return text[ends[-1] if ends else 0 : start]


def clause_after(text: str, end: int) -> str:
    """What stands after ``end`` in the same clause."""
    following = _CLAUSE_END.search(text, end)
    return text[end : following.start() if following else len(text)]


def sentence_around(text: str, start: int, end: int) -> str:
    """The sentence that holds ``text[start:end]``."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text, 0, start)]
    following = _SENTENCE_END.search(text, end)
    return text[ends[-1] if ends else 0 : following.start() if following else len(text)]


def is_about_now(text: str, start: int, end: int) -> bool:
    """Whether nothing in the clause says baseline, home, last night, a fetus, or somebody else."""
    before = clause_before(text, start)
    if _NOT_NOW_BEFORE.search(before) or _SOMEONE_ELSE.search(before):
        return False
    return _NOT_NOW_AFTER.search(clause_after(text, end)) is None
