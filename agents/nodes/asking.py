"""What to ask for: items that are not known and could make the suggestion more urgent, by name."""

from collections.abc import Iterable

from data_schemas import EXPECTED_FACTS, FactKind, Flag, IntakeRecord
from data_schemas._base import Frozen
from triage.guidelines import GuidelineLibrary
from triage.guidelines.undecided import undecided

_OF_A_NURSE = frozenset(EXPECTED_FACTS) - {FactKind.SEX, FactKind.DIASTOLIC_BP}
_WHERE_IT_MATTERS = frozenset({FactKind.GLUCOSE, FactKind.TEMPERATURE, FactKind.PREGNANCY})
"""Asked for only where the rest of a statement holds already: a confused patient's glucose, not everybody's."""
_CHILDBEARING = (12, 55)
"""Years, as in the statements on early pregnancy."""

WORDS = {
    FactKind.SYSTOLIC_BP: "systolic blood pressure",
    FactKind.AVPU: "consciousness (AVPU)",
    FactKind.PREGNANCY: "whether she is pregnant",
}


class Wanted(Frozen):
    """One item to ask for, the most urgent level it could lead to, and a statement that waits for it."""

    kind: FactKind
    level: int
    statement_id: str

    @property
    def name(self) -> str:
        """The item in words."""
        return name(self.kind)


def name(kind: FactKind) -> str:
    """A kind of fact in words."""
    return WORDS.get(kind, kind.value.replace("_", " "))


def wanted(record: IntakeRecord, library: GuidelineLibrary, level: int) -> tuple[Wanted, ...]:
    """What could make a suggestion of ``level`` more urgent if it were known, the most urgent first.

    Temperature, glucose and pregnancy only where the rest of a statement holds; consciousness not where the patient
    gave a pain score or the Glasgow coma scale is known.
    """
    found: dict[FactKind, Wanted] = {}
    for item in undecided(library, record, level):
        for kind in item.missing:
            if not _asked(kind, record, alone=item.alone):
                continue
            best = found.get(kind)
            if best is None or item.level < best.level:
                found[kind] = Wanted(kind=kind, level=item.level, statement_id=item.statement_id)
    order = list(FactKind)
    return tuple(sorted(found.values(), key=lambda one: (one.level, order.index(one.kind))))


def asking_flag(items: Iterable[Wanted]) -> Flag | None:
    """The question to the clinician, or None where there is none."""
    words = [f"{item.name} (could mean level {item.level}: {item.statement_id})" for item in items]
    return Flag(code="ask-for", message=f"Ask for: {'; '.join(words)}.") if words else None


def _asked(kind: FactKind, record: IntakeRecord, *, alone: bool) -> bool:
    if record.first(kind) is not None:
        return False
    if kind is FactKind.AVPU:
        pain = record.number(FactKind.PAIN)
        return record.number(FactKind.GCS) is None and not (pain is not None and pain >= 1)
    if kind is FactKind.PREGNANCY:
        years = record.age_years
        of_age = years is not None and _CHILDBEARING[0] <= years < _CHILDBEARING[1]
        return not alone and of_age and record.code(FactKind.SEX) == "female"
    if kind in _WHERE_IT_MATTERS:
        return not alone
    return kind in _OF_A_NURSE
