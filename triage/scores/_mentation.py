"""Consciousness as the scores see it."""

from typing import NamedTuple

from data_schemas.intake import FactKind, IntakeRecord

_FULL_MARKS = {FactKind.GCS: 15, FactKind.GCS_EYE: 4, FactKind.GCS_VERBAL: 5, FactKind.GCS_MOTOR: 6}
_COMPONENTS = (FactKind.GCS_EYE, FactKind.GCS_VERBAL, FactKind.GCS_MOTOR)


class Mentation(NamedTuple):
    """Whether consciousness is altered, and the facts that say so."""

    altered: bool
    kind: FactKind
    fact_ids: tuple[str, ...]


def mentation(record: IntakeRecord) -> Mentation | None:
    """Consciousness from the AVPU, else from the Glasgow coma scale; None where neither was recorded.

    Altered is an AVPU of C (new confusion), V, P or U. Without an AVPU it is a total below 15, or any
    component below its best; unaltered needs the total of 15 or all three components at their best.
    """
    avpu = record.first(FactKind.AVPU)
    if avpu is not None and avpu.code is not None:
        return Mentation(avpu.code != "A", FactKind.AVPU, (avpu.id,))
    graded = {
        kind: fact
        for kind in _FULL_MARKS
        if (fact := record.first(kind)) is not None and fact.value is not None
    }
    below = tuple(f.id for kind, f in graded.items() if f.value is not None and f.value < _FULL_MARKS[kind])
    if below:
        return Mentation(True, FactKind.GCS, below)
    if FactKind.GCS in graded or all(kind in graded for kind in _COMPONENTS):
        return Mentation(False, FactKind.GCS, tuple(fact.id for fact in graded.values()))
    return None
