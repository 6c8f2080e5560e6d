"""Which statements a missing fact leaves open, so that it can be asked for by name."""

from collections.abc import Iterator
from decimal import Decimal

from data_schemas._base import Frozen
from data_schemas.intake import FactKind, IntakeRecord
from data_schemas.screening import RuleTier
from triage.guidelines.condition import (
    AgeIs,
    AllOf,
    AnyOf,
    Coded,
    Condition,
    DangerCount,
    DangerZone,
    Hypotension,
    Not,
    Number,
    Score,
)
from triage.guidelines.library import GuidelineLibrary
from triage.guidelines.truth import Truth
from triage.guidelines.view import RecordView

_DANGER_KINDS = (FactKind.HEART_RATE, FactKind.RESPIRATORY_RATE, FactKind.OXYGEN_SATURATION)
_MOST_POINTS = {"NEWS2": 3, "qSOFA": 1}
"""The most that one input adds to a score (Royal College of Physicians 2017; Singer et al., JAMA 2016;315:801)."""


class Undecided(Frozen):
    """A statement that is about the patient and that ``missing`` facts leave open.

    ``alone``: nothing speaks for the statement yet; else a part of it holds already, or it is about this very age.
    """

    statement_id: str
    level: int
    missing: tuple[FactKind, ...]
    alone: bool


def undecided(library: GuidelineLibrary, record: IntakeRecord, below: int) -> tuple[Undecided, ...]:
    """The demand and consider statements of a level more urgent than ``below`` that a missing fact leaves open."""
    view = RecordView(record, library.version)
    found: list[Undecided] = []
    for statement in library:
        if statement.tier is RuleTier.INFORM or statement.level >= below:
            continue
        if statement.scope.refusal(record, library.version) is not None:
            continue
        condition = statement.condition
        if condition.evaluate(view, view).truth is not Truth.UNKNOWN:
            continue
        missing = tuple(dict.fromkeys(_missing(condition, view)))
        if missing:
            of_an_age = statement.scope.age is not None and statement.scope.age.max is not None
            found.append(
                Undecided(
                    statement_id=statement.id,
                    level=statement.level,
                    missing=missing,
                    alone=not (of_an_age or _partly(condition, view)),
                )
            )
    return tuple(found)


def _partly(condition: Condition, view: RecordView) -> bool:
    """Whether an open condition waits for the rest of something of which a part holds."""
    if condition.evaluate(view, view).truth is not Truth.UNKNOWN:
        return False
    parts = _parts(condition)
    held = isinstance(condition, AllOf) and any(
        part.evaluate(view, view).truth is Truth.TRUE for part in parts
    )
    return held or any(_partly(part, view) for part in parts)


def _missing(condition: Condition, view: RecordView) -> Iterator[FactKind]:
    """The kinds that keep a condition from being decided."""
    if condition.evaluate(view, view).truth is not Truth.UNKNOWN:
        return
    for part in _parts(condition):
        yield from _missing(part, view)
    match condition:
        case Number():
            yield condition.fact
        case Coded():
            yield condition.code
        case AgeIs():
            yield FactKind.AGE
        case DangerZone():
            yield from _of_sign(FactKind(condition.danger_zone), view)
        case DangerCount():
            for kind in _DANGER_KINDS:
                yield from _of_sign(kind, view)
        case Hypotension():
            yield from _of_sign(FactKind.SYSTOLIC_BP, view)
        case Score():
            yield from _of_score(condition, view)


def _parts(condition: Condition) -> tuple[Condition, ...]:
    match condition:
        case AllOf():
            return condition.all
        case AnyOf():
            return condition.any
        case Not():
            return (condition.not_,)
        case _:
            return ()


def _of_sign(kind: FactKind, view: RecordView) -> Iterator[FactKind]:
    if view.number(kind) is None:
        yield kind
    elif view.age_days is None and kind is not FactKind.OXYGEN_SATURATION:
        yield FactKind.AGE


def _of_score(condition: Score, view: RecordView) -> Iterator[FactKind]:
    """The missing inputs, where together they could still reach the value."""
    result = view.scores.get(condition.score.lower())
    if result is None:
        return
    most = _MOST_POINTS.get(result.name)
    if most is not None and (result.value or Decimal(0)) + most * len(result.missing) < condition.ge:
        return
    yield from result.missing
