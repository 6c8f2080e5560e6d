"""What the board shows of everybody who waits, and the last good copy of it."""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from agents import Alert, Case, CasePhase, Due, Waiting
from data_schemas import (
    VITAL_SIGNS,
    AcuityScale,
    AssessmentMode,
    Fact,
    FactKind,
    IntakeRecord,
    ReviewDecision,
    RuleTier,
    WriteState,
)

SHOWN_VITALS: tuple[FactKind, ...] = (*VITAL_SIGNS, FactKind.AVPU, FactKind.PAIN)
"""In this order. Those that were not measured are named as such, never left out."""


_DANGER_ZONE = "esi.d."


class RowState(StrEnum):
    """Where a suggestion stands. ``changed``: decided before, and the record has changed since; decide again."""

    ASSESSING = "assessing"
    SUGGESTED = "suggested"
    ACCEPTED = "accepted"
    OVERRIDDEN = "overridden"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Vital:
    """The last value of a vital sign; None where it is not known. ``course``: its values, oldest first.

    ``danger``: a danger-zone rule or a demand rule rests on it.
    """

    kind: FactKind
    fact: Fact | None
    course: tuple[float, ...] = ()
    danger: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One waiting patient. ``level`` is the decided one where there is a decision, else the suggested one."""

    case_id: str
    assessment_id: str | None
    name: str | None
    age: str | None
    sex: str | None
    complaint: str | None
    level: int | None
    suggested: int | None
    scale: AcuityScale
    state: RowState
    decided_by: str | None
    rules_only: bool
    look_closely: bool
    not_written: bool
    arrived_at: datetime | None
    created_at: datetime
    due: Due | None
    vitals: tuple[Vital, ...]
    alerts: tuple[Alert, ...] = ()

    def without_name(self) -> "Row":
        """The same row for who may not see names."""
        return self if self.name is None else replace(self, name=None)

    @property
    def code(self) -> str:
        """Four signs that tell a patient from the others where no name is shown."""
        return self.case_id[:4].upper()

    @property
    def overdue(self) -> bool:
        """Whether the time to look again has come."""
        return self.due is not None and self.due.overdue

    @property
    def waits_since(self) -> datetime:
        """The arrival, or where it is not known when the case came into our books."""
        return self.arrived_at or self.created_at


@dataclass(frozen=True, slots=True)
class Board:
    """Everybody who waits, most urgent first, as of ``as_of``.

    ``stale``: this could not be read again since then; what has happened in the meantime is not on it.
    """

    rows: tuple[Row, ...]
    as_of: datetime | None
    stale: bool = False


Known: TypeAlias = dict[str, tuple[Case, tuple[Vital, ...]]]
"""What was worked out for a case, by its id, with the case it was worked out for."""


@dataclass
class Snapshot:
    """The last good board of the process, shared by everybody who looks at it."""

    fresh_for: float = 2.0
    board: Board = field(default_factory=lambda: Board((), None))
    known: Known = field(default_factory=dict)
    _read_at: float = -1e9
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def fresh(self) -> bool:
        """Whether it is so new that nobody needs another."""
        return time.monotonic() - self._read_at < self.fresh_for

    def put(self, board: Board) -> Board:
        """Keep a board that was just read."""
        self.board, self._read_at = board, time.monotonic()
        return board

    def expire(self) -> None:
        """Something was changed: read again at the next look."""
        self._read_at = -1e9

    def aged(self) -> Board:
        """The last good one, marked."""
        return replace(self.board, stale=True)


def rows_of(
    waiting: Iterable[Waiting], alerts: Iterable[Alert], scale: AcuityScale, known: Known | None = None
) -> tuple[Row, ...]:
    """The board's rows in order: level, then overdue first, then who waits longest. No level yet comes first of all.

    ``known`` keeps what was worked out for cases that did not change; it is brought up to date.
    """
    of_case: dict[str, list[Alert]] = {}
    for alert in alerts:
        of_case.setdefault(alert.case_id, []).append(alert)
    kept: Known = {}
    rows = []
    for item in waiting:
        case = item.case
        before = (known or {}).get(case.id)
        # The agent hands the same case out again for as long as nothing of it changed.
        vitals = before[1] if before is not None and before[0] is case else vitals_of(item)
        kept[case.id] = (case, vitals)
        rows.append(row_of(item, vitals, of_case.get(case.id, ()), scale))
    if known is not None:
        known.clear()
        known.update(kept)
    return tuple(sorted(rows, key=_order))


def row_of(item: Waiting, vitals: tuple[Vital, ...], alerts: Sequence[Alert], scale: AcuityScale) -> Row:
    """One row."""
    case, record, assessment = item.case, item.case.intake, item.case.assessment
    names = record.patient.names
    deliveries = [delivery for delivery in (case.proposal, case.final) if delivery is not None]
    return Row(
        case_id=case.id,
        assessment_id=None if assessment is None else assessment.id,
        name=names[0] if names else None,
        age=_words(record, FactKind.AGE),
        sex=record.code(FactKind.SEX),
        complaint=_words(record, FactKind.CHIEF_COMPLAINT),
        level=case.review.level if case.review is not None else assessment.level if assessment else None,
        suggested=assessment.level if assessment else None,
        scale=assessment.scale if assessment else scale,
        state=_state(item),
        decided_by=None if case.review is None else case.review.reviewer,
        rules_only=assessment is not None and assessment.mode is AssessmentMode.RULES_ONLY,
        look_closely=assessment is not None and bool(assessment.needs_human) and case.review is None,
        not_written=case.phase is CasePhase.WRITE_PENDING
        or any(d.state not in {WriteState.WRITTEN, WriteState.NOT_CONFIGURED} for d in deliveries),
        arrived_at=record.arrived_at,
        created_at=case.created_at,
        due=item.due,
        vitals=vitals,
        alerts=tuple(alerts),
    )


def _order(row: Row) -> tuple[int, bool, float, str]:
    return (row.level or 0, not row.overdue, row.waits_since.timestamp(), row.case_id)


def _state(item: Waiting) -> RowState:
    case = item.case
    if case.review is not None:
        accepted = case.review.decision is ReviewDecision.ACCEPT
        return RowState.ACCEPTED if accepted else RowState.OVERRIDDEN
    if any(run.review is not None for run in item.earlier):
        return RowState.CHANGED
    return RowState.ASSESSING if case.assessment is None else RowState.SUGGESTED


def vitals_of(item: Waiting) -> tuple[Vital, ...]:
    """The last vital signs, each with its course over all runs of the case."""
    danger = _in_danger(item)
    return tuple(_vital(item, kind, danger) for kind in SHOWN_VITALS)


def _vital(item: Waiting, kind: FactKind, danger: set[str]) -> Vital:
    records = [*(run.record for run in item.earlier), item.case.intake]
    points: dict[datetime | str, float] = {}
    for number, record in enumerate(records):
        for fact in reversed(record.all(kind)):  # the latest comes first
            if fact.value is not None:
                points[fact.observed_at or f"run {number}"] = float(fact.value)
    timed = sorted((at, value) for at, value in points.items() if isinstance(at, datetime))
    course = [value for _, value in timed] or list(points.values())
    last = item.case.intake.first(kind)
    return Vital(kind, last, tuple(course[-12:]), last is not None and last.id in danger)


def _in_danger(item: Waiting) -> set[str]:
    """The facts that a danger-zone rule or a demand rule rests on; scores rest on normal values too."""
    assessment = item.case.assessment
    findings = () if assessment is None else assessment.screening.findings
    return {
        fact
        for finding in findings
        if finding.tier is RuleTier.DEMAND or finding.statement.id.startswith(_DANGER_ZONE)
        for fact in finding.fact_ids
    }


def _words(record: IntakeRecord, kind: FactKind) -> str | None:
    fact = record.first(kind)
    return None if fact is None else fact.text
