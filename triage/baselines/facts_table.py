"""The structured facts of an intake record as named numbers, NaN where not known."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_schemas import EXPECTED_FACTS, VITAL_SIGNS, FactKind, IntakeRecord, Screening
from triage.facts import CODE_TEXTS

FloatTable = NDArray[np.float64]

NUMBERS: tuple[FactKind, ...] = (
    *VITAL_SIGNS,
    FactKind.OXYGEN_FLOW,
    FactKind.INSPIRED_OXYGEN,
    FactKind.PAIN,
    FactKind.GCS,
    FactKind.GLUCOSE,
    FactKind.WEIGHT,
)
"""Read as their value in the canonical unit."""

_CODED = (
    FactKind.SEX,
    FactKind.ARRIVAL_MODE,
    FactKind.INJURY,
    FactKind.PREGNANCY,
    FactKind.AVPU,
    FactKind.IMMUNISATION,
)
CODES: dict[FactKind, tuple[str, ...]] = {
    kind: tuple(code for code in sorted(CODE_TEXTS[kind]) if code != "unknown") for kind in _CODED
}
"""One column for each code, 1 where it is the record's."""

COUNTED: tuple[FactKind, ...] = (FactKind.CONDITION, FactKind.MEDICATION, FactKind.ALLERGY)

FACT_NAMES: tuple[str, ...] = (
    "age_years",
    *(kind.value for kind in NUMBERS),
    "shock_index",
    "pulse_pressure",
    *(f"{kind.value}={code}" for kind, codes in CODES.items() for code in codes),
    "pain=unscored",
    *(f"missing:{kind.value}" for kind in EXPECTED_FACTS),
    *(f"count:{kind.value}" for kind in COUNTED),
)
"""The columns of ``fact_table``. A model is bound to them by name, in this order."""

RULE_NAMES: tuple[str, ...] = ("rules:level", "rules:floor", "rules:considered", "rules:resources")
"""The columns of ``rule_table`` that come before the one-hot statements."""


def fact_table(records: Sequence[IntakeRecord]) -> FloatTable:
    """Shape (n, len(FACT_NAMES)). Reads facts and what is missing: no label, no time, no identity."""
    return np.array([_facts(record) for record in records], dtype=np.float64).reshape(-1, len(FACT_NAMES))


def rule_table(screenings: Sequence[Screening], statements: Sequence[str]) -> FloatTable:
    """Shape (n, len(RULE_NAMES) + len(statements)): what the rules conclude, then 1 where a statement holds."""
    position = {name: index for index, name in enumerate(statements, start=len(RULE_NAMES))}
    table = np.zeros((len(screenings), len(RULE_NAMES) + len(statements)))
    for row, screening in zip(table, screenings, strict=True):
        floor, considered = screening.floor, screening.considered
        row[: len(RULE_NAMES)] = (
            screening.level,
            math.nan if floor is None else floor,
            considered[0] if considered else math.nan,
            screening.resources.count,
        )
        for finding in screening.findings:
            column = position.get(finding.statement.id)
            if column is not None:
                row[column] = 1.0
    return table


def _facts(record: IntakeRecord) -> list[float]:
    years = record.age_years
    heart_rate, systolic = _number(record, FactKind.HEART_RATE), _number(record, FactKind.SYSTOLIC_BP)
    row = [math.nan if years is None else float(years)]
    row += [_number(record, kind) for kind in NUMBERS]
    row += [
        heart_rate / systolic if systolic > 0 else math.nan,
        systolic - _number(record, FactKind.DIASTOLIC_BP),
    ]
    for kind, codes in CODES.items():
        found = record.code(kind)
        row += [float(found == code) for code in codes]
    pain = record.first(FactKind.PAIN)
    row.append(float(pain is not None and pain.value is None))
    row += [float(kind in record.missing) for kind in EXPECTED_FACTS]
    row += [float(len(record.all(kind))) for kind in COUNTED]
    return row


def _number(record: IntakeRecord, kind: FactKind) -> float:
    value = record.number(kind)
    return math.nan if value is None else float(value)
