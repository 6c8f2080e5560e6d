"""Where a reason's evidence stands in the record: resource, FHIRPath and the very characters."""

from collections.abc import Iterator

from pydantic import Field

from data_schemas import Fact, IntakeRecord, Reason
from data_schemas._base import Frozen
from triage.guidelines import GuidelineLibrary, Span
from triage.guidelines.view import RecordView
from triage.text.terms import find_terms
from triage.verifying.reading import WORDS


class Pointer(Frozen):
    """One place in the record that a reason rests on.

    ``path`` is the element within the resource (a FHIRPath for FHIR, a column for a data set). ``start`` and ``end``
    are half-open character offsets in the element's text (decoded where it is base64), None where the whole element is
    meant; ``quote`` is what stands there, or the fact's words.
    """

    fact_id: str
    resource_type: str
    resource_id: str | None
    path: str
    start: int | None = Field(default=None, ge=0)
    end: int | None = Field(default=None, ge=0)
    quote: str

    @property
    def fhir_path(self) -> str:
        """The whole path, from the resource's type on: ``Observation.component[0].valueQuantity``."""
        return f"{self.resource_type}.{self.path}"

    @property
    def reference(self) -> str:
        """``Observation/17``, or the type alone where the resource has no id."""
        return self.resource_type if self.resource_id is None else f"{self.resource_type}/{self.resource_id}"


def pointers(
    reason: Reason, record: IntakeRecord, library: GuidelineLibrary | None = None
) -> tuple[Pointer, ...]:
    """The places that ``reason`` rests on, fact by fact; empty for a reason that was struck.

    With ``library`` a fact in words is narrowed to the words that make the reason's statement hold; so are words that
    a claim names. A fact of a longer text, and a fact without such words, points at all of its own characters.
    """
    if reason.struck is not None:
        return ()
    spans = set(_statement_spans(reason, record, library))
    found: list[Pointer] = []
    for fact_id in reason.fact_ids:
        fact = record.fact(fact_id)
        if fact is None:
            continue
        own = sorted(
            {(s.start, s.end) for s in spans if s.fact_id == fact_id} | set(_claimed_spans(reason, fact))
        )
        found += [_pointer(fact, start, end) for start, end in own] or [_pointer(fact, None, None)]
    return tuple(found)


def _statement_spans(
    reason: Reason, record: IntakeRecord, library: GuidelineLibrary | None
) -> Iterator[Span]:
    statement = None if library is None or reason.statement is None else library.by_id(reason.statement.id)
    if library is None or statement is None:
        return
    view = RecordView(record, library.version, only=frozenset(reason.fact_ids))
    yield from statement.condition.evaluate(view, RecordView(record, library.version)).spans


def _claimed_spans(reason: Reason, fact: Fact) -> Iterator[tuple[int, int]]:
    if fact.kind not in WORDS:
        return
    for claim in reason.claims:
        if fact.id not in claim.fact_ids:
            continue
        for words in filter(None, (claim.finding, claim.text)):
            at = fact.text.lower().find(words.lower())
            if at >= 0:
                yield at, at + len(words)
                continue
            names = {match.concept for match in find_terms(words)}
            yield from ((m.start, m.end) for m in find_terms(fact.text) if m.concept in names)


def _pointer(fact: Fact, start: int | None, end: int | None) -> Pointer:
    """``start`` and ``end`` count in the fact's words; its source says where those begin in the element."""
    source = fact.source
    first, last = source.start, source.end
    quote = fact.text
    if start is not None and end is not None:
        quote = fact.text[start:end]
        first, last = (first or 0) + start, (first or 0) + end
    return Pointer(
        fact_id=fact.id,
        resource_type=source.resource_type,
        resource_id=source.resource_id,
        path=source.path,
        start=first,
        end=last,
        quote=quote,
    )
