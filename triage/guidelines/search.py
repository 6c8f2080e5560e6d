"""Finding statements: those that hold for a patient first, then by the words asked for.

Text is ranked by BM25 (Robertson and Zaragoza, Found. Trends Inf. Retr. 2009;3:333-389) over words and over the
lexicon's concepts, so that "SOB" finds a statement on dyspnoea. It ranks and nothing more: only a condition makes a
statement hold.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from triage.guidelines.condition import AllOf, AnyOf, Condition, Term
from triage.guidelines.statement import Match, Statement
from triage.text.terms import find_terms
from triage.text.tokens import tokenise

_SHOWN_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Hit:
    """A statement that was found. ``score``: its rank by text, 0 where it shares no word (BM25, no unit).

    ``match`` is there where the condition holds on the record searched for. ``open_scope`` says what about the patient
    must still be known before the statement is about them; None where it is about them, or no record was given.
    """

    statement: Statement
    score: float
    match: Match | None = None
    open_scope: str | None = None


class TextIndex:
    """The words of many statements. Building it takes milliseconds; it keeps no text."""

    def __init__(self, statements: Iterable[Statement]) -> None:
        from bm25s import BM25  # noqa: PLC0415 - most commands never search

        logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets DEBUG for itself on import
        documents = {item.id: sorted(_document(item)) for item in statements}
        self._ids = tuple(documents)
        self._known = frozenset(word for words in documents.values() for word in words)
        self._ranking = BM25(method="lucene", backend="numpy", csc_backend="numpy")
        if self._ids:
            self._ranking.index(list(documents.values()), show_progress=False)

    def scores(self, text: str) -> Mapping[str, float]:
        """The score of each statement that shares a word or concept with ``text``, by id."""
        words = sorted(_terms(text) & self._known)
        if not words:
            return {}
        scores = self._ranking.get_scores(words)
        found = zip(self._ids, (round(float(score), _SHOWN_DECIMALS) for score in scores), strict=True)
        return {statement_id: score for statement_id, score in found if score > 0}


def ranked(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """Those that hold first, then the better text, then the more urgent level, then the id: a total order."""
    return tuple(
        sorted(hits, key=lambda hit: (hit.match is None, -hit.score, hit.statement.level, hit.statement.id))
    )


def _document(statement: Statement) -> set[str]:
    words = _terms(f"{statement.text} {statement.short} {statement.id.replace('.', ' ').replace('-', ' ')}")
    return words | {_concept(name) for name in _named(statement.condition)}


def _terms(text: str) -> set[str]:
    words = {token.norm for token in tokenise(text) if token.is_word} - _empty_words()
    return words | {_concept(match.concept) for match in find_terms(text)}


@lru_cache(maxsize=1)
def _empty_words() -> frozenset[str]:
    from bm25s.stopwords import STOPWORDS_EN  # noqa: PLC0415

    return frozenset(STOPWORDS_EN)


def _concept(name: str) -> str:
    return f"concept:{name}"


def _named(condition: Condition) -> Iterator[str]:
    """The concepts that a condition asks for, not those that it excludes."""
    match condition:
        case Term():
            yield from condition.term
        case AllOf():
            for part in condition.all:
                yield from _named(part)
        case AnyOf():
            for part in condition.any:
                yield from _named(part)
