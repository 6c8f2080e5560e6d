"""Every reason with a number, and where in the record it stands. Pure.

The number is the same beside the sentence and on the marked words of the record.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from data_schemas import EsiVersion, Fact, IntakeRecord, Reason, ReasonOrigin, RuleFinding, TriageAssessment
from triage.guidelines import GuidelineLibrary
from triage.verifying import Pointer, pointers


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One reason. ``argues_for`` is the level it is evidence for, None for an observation and for a struck reason."""

    number: int
    reason: Reason
    argues_for: int | None
    places: tuple[Pointer, ...]

    @property
    def by_model(self) -> bool:
        """Whether the model gave it."""
        return self.reason.origin is ReasonOrigin.MODEL

    @property
    def struck(self) -> bool:
        """Whether the verifier refused it."""
        return self.reason.struck is not None


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a fact's words, and the numbers of the reasons that rest on it."""

    words: str
    numbers: tuple[int, ...] = ()


@lru_cache(maxsize=4)
def library(version: EsiVersion, extra: Path | None) -> GuidelineLibrary:
    """The statements that evidence is narrowed with."""
    return GuidelineLibrary.load(version, extra)


def exhibits(
    assessment: TriageAssessment, record: IntakeRecord, statements: GuidelineLibrary | None = None
) -> tuple[Exhibit, ...]:
    """Every reason, numbered in the order of the assessment; what argues for the suggested level comes first."""
    ordered = sorted(assessment.reasons, key=lambda reason: _rank(reason, assessment))
    return tuple(
        Exhibit(number, reason, reason.argues_for(assessment.screening), pointers(reason, record, statements))
        for number, reason in enumerate(ordered, start=1)
    )


def finding_of(exhibit: Exhibit, findings: Iterable[RuleFinding]) -> RuleFinding | None:
    """The rule behind a reason of the rules."""
    statement = exhibit.reason.statement
    if exhibit.by_model or statement is None:
        return None
    return next((finding for finding in findings if finding.statement.id == statement.id), None)


def marked(fact: Fact, found: Sequence[Exhibit]) -> tuple[Piece, ...]:
    """The fact's words cut where evidence begins and ends; a reason on the whole fact marks nothing in words."""
    spans = [
        (span[0], span[1], exhibit.number)
        for exhibit in found
        for place in exhibit.places
        if (span := _within(fact, place)) is not None
    ]
    cuts = sorted({0, len(fact.text), *(at for start, end, _ in spans for at in (start, end))})
    pieces: list[Piece] = []
    for start, end in pairwise(cuts):
        numbers = tuple(sorted({n for first, last, n in spans if first <= start and end <= last}))
        if pieces and pieces[-1].numbers == numbers:
            pieces[-1] = Piece(pieces[-1].words + fact.text[start:end], numbers)
        else:
            pieces.append(Piece(fact.text[start:end], numbers))
    return tuple(pieces)


def resting_on(fact: Fact, found: Sequence[Exhibit]) -> tuple[int, ...]:
    """The numbers of the reasons that rest on a fact, in part or whole."""
    return tuple(sorted({e.number for e in found for place in e.places if place.fact_id == fact.id}))


def _within(fact: Fact, place: Pointer) -> tuple[int, int] | None:
    """The characters of a fact's words that a place covers; also where another fact was read in this one's element."""
    if place.start is None or place.end is None:
        return None
    source = fact.source
    same = (place.resource_type, place.resource_id, place.path) == (
        source.resource_type,
        source.resource_id,
        source.path,
    )
    if place.fact_id != fact.id and not same:
        return None
    offset = source.start or 0
    start, end = max(0, place.start - offset), min(len(fact.text), place.end - offset)
    whole = place.fact_id == fact.id and place.quote == fact.text
    return (start, end) if start < end and not whole else None


def _rank(reason: Reason, assessment: TriageAssessment) -> tuple[int, int]:
    argues = reason.argues_for(assessment.screening)
    if reason.struck is not None:
        return 3, 0
    if argues == assessment.level:
        return 0, 0
    return (1, argues) if argues is not None else (2, 0)
