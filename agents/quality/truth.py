"""What the right level was, or what became of the patient, from a table that the hospital brings. Never guessed."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from agents.quality.rates import Rate
from agents.quality.visits import Visit
from data_schemas import LEVELS

CASE, TRUE_LEVEL, CRITICAL = "case", "true_level", "critical"
"""The columns. ``case`` is the case's id or the visit's key; one of the other two is enough."""
MOST_BYTES = 8 * 1024 * 1024
_YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_HIGH = 2


class TruthFault(StrEnum):
    """What is wrong with a table, or with one of its rows."""

    NOT_TEXT = "not-text"
    TOO_LARGE = "too-large"
    COLUMNS = "columns"
    NO_CASE = "no-case"
    BAD_LEVEL = "bad-level"
    BAD_CRITICAL = "bad-critical"
    TWICE = "twice"


class TruthError(ValueError):
    """The table cannot be used at all."""

    def __init__(self, fault: TruthFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Outcome:
    """``level``: the right one, as experts judged it afterwards. ``critical``: the patient turned out critically ill.

    What counts as critical is the hospital's to say (say, death or intensive care within a day).
    """

    level: int | None
    critical: bool | None


@dataclass(frozen=True, slots=True)
class TruthTable:
    """The rows that could be read, by case, and the others by line number."""

    rows: Mapping[str, Outcome]
    faults: tuple[tuple[int, TruthFault], ...]


@dataclass(frozen=True, slots=True)
class AgainstTruth:
    """Levels of one rater against the truth. ``severe_under``: true level 1-2 given 4-5, of all.

    ``missed_critical``: of the critically ill, those given level 3, 4 or 5.
    """

    exact: Rate
    under: Rate
    over: Rate
    severe_under: Rate
    missed_critical: Rate


@dataclass(frozen=True, slots=True)
class TruthFigures:
    """The decided cases of the period that the table knows; ``not_found`` rows are of no such case."""

    matched: int
    not_found: int
    decision: AgainstTruth
    suggestion: AgainstTruth


def read_truth(raw: bytes) -> TruthTable:
    """A CSV file with a header: ``case`` and ``true_level`` (1-5), ``critical`` (yes or no), or both.

    Raises:
        TruthError: it is too large, no UTF-8 text, or lacks a column.
    """
    if len(raw) > MOST_BYTES:
        raise TruthError(TruthFault.TOO_LARGE)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TruthError(TruthFault.NOT_TEXT) from None
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in first else ",")
    try:
        lines = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error:
        raise TruthError(TruthFault.NOT_TEXT) from None
    header = [name.strip().lower() for name in lines[0][1]] if lines else []
    if header.count(CASE) != 1 or header.count(TRUE_LEVEL) > 1 or header.count(CRITICAL) > 1:
        raise TruthError(TruthFault.COLUMNS)
    if not {TRUE_LEVEL, CRITICAL} & set(header):
        raise TruthError(TruthFault.COLUMNS)
    rows: dict[str, Outcome] = {}
    faults: list[tuple[int, TruthFault]] = []
    twice: set[str] = set()
    for number, cells in lines[1:]:
        named = dict(zip(header, (cell.strip() for cell in cells), strict=False))
        read = _row(named)
        if isinstance(read, TruthFault):
            faults.append((number, read))
        elif named[CASE] in rows or named[CASE] in twice:
            # Two rows of one case: nobody can say here which one holds.
            faults.append((number, TruthFault.TWICE))
            twice.add(named[CASE])
            rows.pop(named[CASE], None)
        else:
            rows[named[CASE]] = read
    return TruthTable(rows, tuple(faults))


def against_truth(visits: Sequence[Visit], rows: Mapping[str, Outcome]) -> TruthFigures:
    """Decisions and suggestions against a table's rows; only decided cases that it knows are counted."""
    keys = {key for visit in visits for key in (visit.case_id, visit.encounter_key)}
    known = [
        (visit, outcome)
        for visit in visits
        if (outcome := outcome_of(visit, rows)) is not None and visit.pair is not None
    ]
    given = [(visit.pair or (0, 0), outcome) for visit, outcome in known]
    return TruthFigures(
        matched=len(known),
        not_found=len(rows.keys() - keys),
        decision=_against([(pair[1], outcome) for pair, outcome in given]),
        suggestion=_against([(pair[0], outcome) for pair, outcome in given]),
    )


def outcome_of(visit: Visit, rows: Mapping[str, Outcome]) -> Outcome | None:
    """The row of a case, by its id or its visit's key."""
    return rows.get(visit.case_id) or rows.get(visit.encounter_key)


def _against(given: Sequence[tuple[int, Outcome]]) -> AgainstTruth:
    pairs = [(outcome.level, level) for level, outcome in given if outcome.level is not None]
    return AgainstTruth(
        exact=Rate.of(true == level for true, level in pairs),
        under=Rate.of(level > true for true, level in pairs),
        over=Rate.of(level < true for true, level in pairs),
        severe_under=Rate.of(true <= _HIGH and level >= 4 for true, level in pairs),
        missed_critical=Rate.of(level > _HIGH for level, outcome in given if outcome.critical),
    )


def _row(named: Mapping[str, str]) -> Outcome | TruthFault:
    if not named.get(CASE):
        return TruthFault.NO_CASE
    level, critical = named.get(TRUE_LEVEL, ""), named.get(CRITICAL, "").lower()
    if level and level not in {str(item) for item in LEVELS}:
        return TruthFault.BAD_LEVEL
    if critical and critical not in _YES_NO:
        return TruthFault.BAD_CRITICAL
    return Outcome(int(level) if level else None, _YES_NO[critical] if critical else None)
