"""What a condition may look at: an intake record, or the cited part of one."""

from collections.abc import Collection
from decimal import Decimal
from functools import cached_property

from data_schemas.acuity import EsiVersion
from data_schemas.intake import Fact, FactKind, IntakeRecord
from data_schemas.screening import ScoreResult
from triage.scores import all_scores
from triage.text.terms import TermMatch, find_terms

CONTEXT_KINDS = frozenset({FactKind.AGE, FactKind.SEX, FactKind.PREGNANCY})
"""Known of every patient and decided by a statement's scope: a citation need not repeat them."""
TEXT_KINDS = (FactKind.CHIEF_COMPLAINT, FactKind.TRIAGE_NOTE)
HISTORY_KINDS = (FactKind.CONDITION, FactKind.MEDICATION)


class RecordView:
    """A record prepared for many conditions: facts by kind, terms found once, scores computed once.

    With ``only``, the facts of those ids (and the context kinds) are all there is: the rest is unknown.
    """

    def __init__(
        self, record: IntakeRecord, version: EsiVersion, *, only: Collection[str] | None = None
    ) -> None:
        self.record = record
        self.version = version
        self.only = only
        self._by_kind: dict[FactKind, list[Fact]] = {}
        for fact in record.facts:
            if only is None or fact.id in only or fact.kind in CONTEXT_KINDS:
                self._by_kind.setdefault(fact.kind, []).append(fact)
        self.age_days = record.age_days

    def first(self, kind: FactKind) -> Fact | None:
        """The fact to use for ``kind``, or None where it is not known here.

        A cited fact counts only where it is the record's current one: an older value supports nothing.
        """
        facts = self._by_kind.get(kind)
        if not facts:
            return None
        if self.only is not None and self.record.first(kind) is not facts[0]:
            return None
        return facts[0]

    def number(self, kind: FactKind) -> tuple[Decimal, Fact] | None:
        """The value of ``kind`` in its canonical unit with its fact, or None where it is not known."""
        fact = self.first(kind)
        return None if fact is None or fact.value is None else (fact.value, fact)

    def code(self, kind: FactKind) -> tuple[str, Fact] | None:
        """The code of ``kind`` with its fact, or None where it is not known."""
        fact = self.first(kind)
        return None if fact is None or fact.code is None else (fact.code, fact)

    def has(self, kind: FactKind) -> bool:
        """Whether any fact of ``kind`` is there."""
        return bool(self._by_kind.get(kind))

    @cached_property
    def mentions(self) -> dict[str, list[tuple[Fact, TermMatch]]]:
        """Every mention of every concept in complaint, note, conditions and drugs, denied ones too."""
        found: dict[str, list[tuple[Fact, TermMatch]]] = {}
        for kind in (*TEXT_KINDS, *HISTORY_KINDS):
            for fact in self._by_kind.get(kind, ()):
                for match in find_terms(fact.text):
                    found.setdefault(match.concept, []).append((fact, match))
        return found

    @cached_property
    def scores(self) -> dict[str, ScoreResult]:
        """The clinical scores of the whole record, by name in lower case."""
        return {score.name.lower(): score for score in all_scores(self.record)}
