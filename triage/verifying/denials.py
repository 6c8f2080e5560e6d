"""Denials and affirmations in words that the lexicon does not know, compared word for word with the facts cited."""

import re
from collections.abc import Iterator, Sequence

from data_schemas import Check, Fact, Refusal
from triage.text.context import Assertion
from triage.text.terms import find_terms
from triage.verifying.findings import AFFIRMED, assertions
from triage.verifying.reading import WORDS
from triage.verifying.words import kind_words

_DENIED = re.compile(
    r"\b(?:no|denies|denied|negative for|absence of)\s+((?:[A-Za-z'-]+)(?:\s+[A-Za-z'-]+){0,2})",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]{4,}")
Spans = Sequence[tuple[int, int]]


def unknown_words(text: str, taken: Spans, cited: Sequence[Fact]) -> Iterator[Refusal]:
    """Refusals for what ``text`` denies or affirms outside the spans ``taken``, which were read already.

    A denial must stand in a fact cited; a word affirmed must not be denied there.
    """
    prose = [fact for fact in cited if fact.kind in WORDS]
    yield from _resolved(text, prose)
    denied: list[tuple[int, int]] = []
    for match in _DENIED.finditer(text):
        denied.append(match.span())
        if not _overlaps(match.span(1), taken):
            yield from _denied(match[1], prose)
    for match in _WORD.finditer(text):
        if _overlaps(match.span(), [*taken, *denied]):
            continue
        for fact in prose:
            said = set(assertions(fact.text, match.group()))
            if said and said <= {Assertion.NEGATED}:
                yield Refusal(
                    check=Check.NEGATION,
                    why=f"it says {match.group()}; the {kind_words(fact.kind)} denies it",
                )


def _resolved(text: str, prose: Sequence[Fact]) -> Iterator[Refusal]:
    """What the text says is over must be said to be over: a symptom that goes on is no calm one."""
    for match in find_terms(text):
        if match.assertion is not Assertion.RESOLVED:
            continue
        if not any(Assertion.RESOLVED in assertions(fact.text, match.text) for fact in prose):
            yield Refusal(
                check=Check.NEGATION, why=f"it says that {match.text} has resolved; the facts cited do not"
            )


def _denied(words: str, prose: Sequence[Fact]) -> Iterator[Refusal]:
    """The longest beginning of ``words`` that a fact cited mentions decides; silence is no denial."""
    parts = words.split()
    for length in range(len(parts), 0, -1):
        beginning = " ".join(parts[:length])
        said = {each for fact in prose for each in assertions(fact.text, beginning)}
        if said:
            if Assertion.NEGATED not in said or said & (AFFIRMED - {Assertion.HISTORICAL}):
                yield Refusal(check=Check.NEGATION, why=f"it says no {beginning}; the facts cited do not")
            return
    yield Refusal(check=Check.NEGATION, why=f"it says no {words}; no fact cited says so")


def _overlaps(span: tuple[int, int], taken: Spans) -> bool:
    return any(start < span[1] and span[0] < end for start, end in taken)
