"""The audit chain: every entry holds the hash of the one before it.

An entry's hash is SHA-256 over the previous hash and the entry's canonical JSON. Entries hold digests of the
evidence and codes, never the evidence itself. Changing, removing or reordering an entry breaks the chain;
cutting its tail breaks it against ``audit_head`` (and against a copy of the head kept elsewhere).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from agents.store.canonical import canonical_json, digest
from agents.store.tables import audit, audit_head
from agents.values import ChainReport, Step

GENESIS = "0" * 64
NO_EVIDENCE = digest("")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry to append. ``attempt`` counts deliveries; every other step happens once."""

    case_id: str
    assessment_id: str
    step: Step
    detail: dict[str, Any]
    evidence: str | None = None
    """Canonical JSON of the evidence; only its digest is kept in the chain."""
    attempt: int = 0


def append(connection: Connection, at: datetime, entries: Sequence[Entry]) -> None:
    """Append ``entries`` in the caller's transaction.

    The head row is locked until the transaction ends, so appends queue up. A step that is already there
    violates a unique constraint: the caller's transaction then changes nothing at all.
    """
    head = (connection.execute(_HEAD)).one()
    sequence, previous = int(head.sequence), str(head.hash)
    rows = []
    for entry in entries:
        sequence += 1
        row: dict[str, Any] = {
            "sequence": sequence,
            "at": at.isoformat(),
            "case_id": entry.case_id,
            "assessment_id": entry.assessment_id,
            "step": entry.step.value,
            "attempt": entry.attempt,
            "detail": canonical_json(entry.detail),
            "digest": NO_EVIDENCE if entry.evidence is None else digest(entry.evidence),
        }
        row["previous"], row["hash"] = previous, entry_hash(previous, row)
        previous = row["hash"]
        rows.append(row)
    connection.execute(insert(audit), rows)
    connection.execute(
        update(audit_head).where(audit_head.c.id == 1).values(sequence=sequence, hash=previous)
    )


def entry_hash(previous: str, row: dict[str, Any]) -> str:
    """The hash of one entry."""
    body = {name: row[name] for name in _HASHED}
    return digest(previous + "\n" + canonical_json(body))


def verify(connection: Connection) -> ChainReport:
    """Walk the whole chain. Every break is named by sequence number."""
    problems: list[str] = []
    expected, previous = 1, GENESIS
    query = select(audit).order_by(audit.c.sequence).execution_options(yield_per=1000)
    for row in connection.execute(query):
        if row.sequence != expected:
            problems.append(f"entries {expected} to {row.sequence - 1} are missing")
        if row.previous != previous:
            problems.append(f"entry {row.sequence} does not follow the one before it")
        if entry_hash(row.previous, dict(row._mapping)) != row.hash:
            problems.append(f"entry {row.sequence} was changed")
        expected, previous = row.sequence + 1, row.hash
    head = (connection.execute(select(audit_head).where(audit_head.c.id == 1))).one_or_none()
    if head is None or (head.sequence, head.hash) != (expected - 1, previous):
        problems.append(f"the head does not match entry {expected - 1}: the tail was cut or the head changed")
    return ChainReport(ok=not problems, entries=expected - 1, head=previous, problems=tuple(problems))


def check_run(connection: Connection, assessment_id: str, required: Sequence[Step]) -> tuple[str, ...]:
    """What is wrong with one run's entries: changed ones, and required steps that are not there."""
    rows = (connection.execute(select(audit).where(audit.c.assessment_id == assessment_id))).all()
    changed = [
        f"entry {row.sequence} was changed"
        for row in rows
        if entry_hash(row.previous, dict(row._mapping)) != row.hash
    ]
    there = {row.step for row in rows}
    return tuple(changed + [f"no entry for {step.value}" for step in required if step.value not in there])


def of_case(connection: Connection, case_id: str) -> list[Row[Any]]:
    """The entries of one case, oldest first."""
    query = select(audit).where(audit.c.case_id == case_id).order_by(audit.c.sequence)
    return list((connection.execute(query)).all())


_HASHED = ("sequence", "at", "case_id", "assessment_id", "step", "attempt", "detail", "digest")
_HEAD = select(audit_head).where(audit_head.c.id == 1).with_for_update()
