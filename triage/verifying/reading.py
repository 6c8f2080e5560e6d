"""What a fact says of a kind: its own value, or what its prose says."""

from decimal import Decimal
from typing import NamedTuple

from data_schemas import AGE_UNITS_IN_DAYS, Fact, FactKind
from triage.text.vitals import mentions

PROSE = frozenset({FactKind.CHIEF_COMPLAINT, FactKind.TRIAGE_NOTE})
WORDS = PROSE | {FactKind.CONDITION, FactKind.MEDICATION, FactKind.ALLERGY}
"""Kinds whose facts are words: a finding is looked for in them."""
MEASURED_ONCE = frozenset(FactKind) - WORDS
"""Kinds of which only the latest fact counts: an older one says nothing of the patient now."""


class Reading(NamedTuple):
    """A value in the canonical unit (age: d, wk, mo, a), or a code."""

    value: Decimal | None
    unit: str | None
    code: str | None

    @property
    def days(self) -> Decimal | None:
        """An age in days."""
        if self.value is None or self.unit not in AGE_UNITS_IN_DAYS:
            return None
        return self.value * AGE_UNITS_IN_DAYS[self.unit]


def readings(fact: Fact, kind: FactKind) -> tuple[Reading, ...]:
    """What ``fact`` says of ``kind``; empty where it says nothing. Prose may say several values."""
    if fact.kind is kind:
        return (Reading(fact.value, fact.unit, fact.code),)
    if fact.kind not in PROSE:
        return ()
    return tuple(Reading(m.value, m.unit, m.code) for m in mentions(fact.text) if m.kind is kind)
