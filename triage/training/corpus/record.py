"""Builds the intake record of a data set row, column by allowed column."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from data_schemas.intake import (
    CANONICAL_UNITS,
    DataQualityFinding,
    Fact,
    FactKind,
    FactSource,
    IntakeRecord,
    PatientIdentity,
    QualityIssue,
)
from triage.facts import make_fact, missing_kinds, number_facts
from triage.plausibility import contradictory_pressures, implausible, implausible_age
from triage.training.corpus.tables import Row, number_cell, text_cell

READ_AT = datetime(2000, 1, 1, tzinfo=UTC)
"""The 'now' of every data set record: fixed, so that equal rows give equal records. No fact carries a time."""


_NO_THERMOMETER = Decimal(1000)
"""Beyond it a conversion exact to one decimal can leave the precision of decimals, and needs no conversion."""


@lru_cache(maxsize=512)
def column_source(dataset: str, column: str) -> FactSource:
    """The source of facts that come from a whole cell."""
    return FactSource(resource_type=dataset, path=column)


class RecordBuilder:
    """Collects facts and findings of one row. Reads no column that it is not told to read."""

    def __init__(self, dataset: str, case_id: str) -> None:
        self._dataset = dataset
        self._case_id = case_id
        self._facts: list[Fact] = []
        self._findings: list[DataQualityFinding] = []

    def add(self, *facts: Fact) -> None:
        """Take facts built elsewhere; their numbers do not matter."""
        self._facts.extend(facts)

    def note(self, *findings: DataQualityFinding) -> None:
        """Take findings made elsewhere."""
        self._findings.extend(findings)

    def find(self, issue: QualityIssue, kind: FactKind, column: str, message: str) -> None:
        """Name a defect of ``column``."""
        source = column_source(self._dataset, column)
        self._findings.append(DataQualityFinding(issue=issue, kind=kind, message=message, source=source))

    def number(self, row: Row, column: str, kind: FactKind) -> Decimal | None:
        """The cell's number; None where it is blank, or no number (which is then a finding)."""
        try:
            return number_cell(row, column)
        except ValueError:
            self.find(
                QualityIssue.NOT_NUMERIC, kind, column, f"{kind.value}: column {column} holds no number"
            )
            return None

    def age(self, value: Decimal | None, unit: str, years: Decimal | None, column: str) -> None:
        """An age of ``value`` in ``unit`` (d, wk, mo, a), which is ``years`` for the check of plausibility."""
        if value is None or years is None:
            return
        problem = implausible_age(years)
        if problem is not None:
            self.find(QualityIssue.IMPOSSIBLE, FactKind.AGE, column, problem)
            return
        source = column_source(self._dataset, column)
        self.add(make_fact(1, FactKind.AGE, value=value, unit=unit, source=source, as_received=str(value)))

    def measured(self, kind: FactKind, value: Decimal | None, column: str, as_received: str | None) -> bool:
        """A number in the kind's canonical unit; an impossible one becomes a finding. Whether it was kept."""
        if value is None:
            return False
        problem = implausible(kind, value)
        if problem is not None:
            self.find(QualityIssue.IMPOSSIBLE, kind, column, problem)
            return False
        source = column_source(self._dataset, column)
        self.add(make_fact(1, kind, value=value, source=source, as_received=as_received))
        return True

    def fahrenheit(self, value: Decimal, column: str, as_received: str | None) -> bool:
        """A body temperature in degrees Fahrenheit; an impossible one becomes a finding. Whether it was kept."""
        if abs(value) >= _NO_THERMOMETER:
            message = f"temperature of {value} [degF] is no body temperature; measure again"
            self.find(QualityIssue.IMPOSSIBLE, FactKind.TEMPERATURE, column, message)
            return False
        return self.measured(FactKind.TEMPERATURE, fahrenheit_to_celsius(value), column, as_received)

    def vital(self, row: Row, column: str, kind: FactKind) -> None:
        """A cell that is already in the kind's canonical unit."""
        value = self.number(row, column, kind)
        if value is not None:
            self.measured(kind, value, column, f"{text_cell(row, column)} {CANONICAL_UNITS[kind]}")

    def pressures(self, row: Row, systolic: str, diastolic: str) -> None:
        """Both pressures in mm[Hg]; where they contradict each other neither is used."""
        upper = self.number(row, systolic, FactKind.SYSTOLIC_BP)
        lower = self.number(row, diastolic, FactKind.DIASTOLIC_BP)
        if upper is not None and lower is not None:
            problem = contradictory_pressures(upper, lower)
            if problem is not None:
                self.find(QualityIssue.CONTRADICTORY, FactKind.SYSTOLIC_BP, systolic, problem)
                self.find(QualityIssue.CONTRADICTORY, FactKind.DIASTOLIC_BP, diastolic, problem)
                return
        unit = CANONICAL_UNITS[FactKind.SYSTOLIC_BP]
        self.measured(FactKind.SYSTOLIC_BP, upper, systolic, f"{text_cell(row, systolic)} {unit}")
        self.measured(FactKind.DIASTOLIC_BP, lower, diastolic, f"{text_cell(row, diastolic)} {unit}")

    def coded(
        self, row: Row, column: str, kind: FactKind, codes: dict[str, str], *, text: str | None = None
    ) -> str | None:
        """A cell whose words ``codes`` maps to the kind's codes; other words are a finding. The code, if any.

        ``text`` replaces the code's canonical words.
        """
        raw = text_cell(row, column)
        if raw is None:
            return None
        code = codes.get(raw.lower())
        if code is None:
            message = f"{kind.value}: column {column} holds a word that is not of the data set's list"
            self.find(QualityIssue.UNREADABLE, kind, column, message)
            return None
        source = column_source(self._dataset, column)
        self.add(make_fact(1, kind, code=code, text=text, source=source, as_received=raw))
        return code

    def words(self, kind: FactKind, text: str, column: str, as_received: str | None = None) -> None:
        """A complaint, note or condition in words."""
        source = column_source(self._dataset, column)
        self.add(make_fact(1, kind, text=text, source=source, as_received=as_received))

    def build(self) -> IntakeRecord:
        """The record, facts numbered, missing kinds named."""
        facts = number_facts(self._facts)
        return IntakeRecord(
            encounter_key=f"{self._dataset}|Encounter/{self._case_id}",
            patient=PatientIdentity(reference=f"Patient/{self._case_id}"),
            read_at=READ_AT,
            facts=facts,
            missing=missing_kinds(facts),
            findings=tuple(self._findings),
        )


def fahrenheit_to_celsius(value: Decimal) -> Decimal:
    """Degrees Celsius to one decimal, halves to even.

    Raises:
        decimal.InvalidOperation: the result has more digits than a decimal holds (28).
    """
    return ((value - 32) * 5 / 9).quantize(Decimal("0.1"), ROUND_HALF_EVEN)
