"""The audit chain: every entry holds the hash of the one before it.

An entry's hash is SHA-256 over the previous hash and the entry's canonical JSON. Changing, removing or reordering
an entry breaks the chain; cutting its tail breaks it against ``audit_head`` (and against a copy of the head kept
elsewhere).

Two schemes, told apart by ``scheme``, which is hashed with the entry:

1. The evidence's digest is plain SHA-256, and the detail stands in the entry. Written before migration 0002 only.
2. The digests of evidence and detail are HMAC-SHA256 under the case's random salt, and the detail lies in a table
   of its own. Erasure destroys salt, evidence and detail: what stays cannot be guessed, and the chain verifies.
   Plain digests could: there are few heart rates, and a complaint is a handful of words.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from agents.store.canonical import canonical_json, digest, keyed_digest
from agents.store.tables import audit, audit_details, audit_head, cases
from agents.values import CasePhase, ChainReport, Step

GENESIS = "0" * 64
NO_EVIDENCE = digest("")
PLAIN, SALTED = 1, 2


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry to append. ``attempt`` counts what may happen more than once: deliveries, alerts, exports."""

    case_id: str
    assessment_id: str
    step: Step
    detail: dict[str, Any]
    evidence: str | None = None
    """Canonical JSON of the evidence; only its digest is kept in the chain."""
    attempt: int = 0
    lasting: bool = False
    """The detail says nothing of the patient and stands in the chain itself, so that it outlives erasure."""


def append(connection: Connection, at: datetime, entries: Sequence[Entry]) -> None:
    """Append ``entries`` in the caller's transaction.

    The head row is locked until the transaction ends, so appends queue up. A step that is already there
    violates a unique constraint: the caller's transaction then changes nothing at all.
    """
    head = (connection.execute(_HEAD)).one()
    sequence, previous = int(head.sequence), str(head.hash)
    salts = _salts(connection, {entry.case_id for entry in entries})
    rows: list[dict[str, Any]] = []
    details: list[dict[str, Any]] = []
    for entry in entries:
        sequence += 1
        detail, salt = canonical_json(entry.detail), salts.get(entry.case_id)
        row: dict[str, Any] = {
            "sequence": sequence,
            "at": at.isoformat(),
            "case_id": entry.case_id,
            "assessment_id": entry.assessment_id,
            "step": entry.step.value,
            "attempt": entry.attempt,
            "detail": detail if entry.lasting else "",
            "digest": evidence_digest(SALTED, salt, entry.evidence),
            "scheme": SALTED,
            "detail_digest": NO_EVIDENCE if entry.lasting else evidence_digest(SALTED, salt, detail),
        }
        row["previous"], row["hash"] = previous, entry_hash(previous, row)
        previous = row["hash"]
        rows.append(row)
        if not entry.lasting:
            details.append({"sequence": sequence, "case_id": entry.case_id, "detail": detail})
    connection.execute(insert(audit), rows)
    if details:
        connection.execute(insert(audit_details), details)
    connection.execute(
        update(audit_head).where(audit_head.c.id == 1).values(sequence=sequence, hash=previous)
    )


def evidence_digest(scheme: int, salt: str | None, text: str | None) -> str:
    """The digest of evidence as an entry of ``scheme`` holds it; of None that of nothing.

    Raises:
        ValueError: the case's salt is needed and was destroyed.
    """
    if text is None:
        return NO_EVIDENCE
    if scheme == PLAIN:
        return digest(text)
    if salt is None:
        raise ValueError("the salt of an erased case is gone: nothing can be added to it")
    return keyed_digest(salt, text)


def entry_hash(previous: str, row: dict[str, Any]) -> str:
    """The hash of one entry, by its own scheme."""
    body = {name: row[name] for name in (_HASHED if row["scheme"] == PLAIN else _HASHED_SALTED)}
    return digest(previous + "\n" + canonical_json(body))


def verify(connection: Connection) -> ChainReport:
    """Walk the whole chain and the details beside it. Every break is named by sequence number."""
    problems: list[str] = []
    expected, previous = 1, GENESIS
    erased: set[str] = set()
    closed = {row.id for row in connection.execute(_ERASED_CASES)}
    query = _ENTRIES.order_by(audit.c.sequence).execution_options(yield_per=1000)
    for row in connection.execute(query):
        if row.sequence != expected:
            problems.append(f"entries {expected} to {row.sequence - 1} are missing")
        if row.previous != previous:
            problems.append(f"entry {row.sequence} does not follow the one before it")
        if entry_hash(row.previous, dict(row._mapping)) != row.hash:
            problems.append(f"entry {row.sequence} was changed")
        problems += _detail_problems(row)
        if row.step == Step.ERASED.value:
            erased.add(row.case_id)
        expected, previous = row.sequence + 1, row.hash
    head = (connection.execute(select(audit_head).where(audit_head.c.id == 1))).one_or_none()
    if head is None or (head.sequence, head.hash) != (expected - 1, previous):
        problems.append(f"the head does not match entry {expected - 1}: the tail was cut or the head changed")
    for case_id in sorted(closed ^ erased):
        what = "is marked as erased without an entry" if case_id in closed else "has data after its erasure"
        problems.append(f"case {case_id} {what}")
    return ChainReport(
        ok=not problems,
        entries=expected - 1,
        head=previous,
        problems=tuple(problems),
        erased=len(erased),
    )


def check_run(connection: Connection, assessment_id: str, required: Sequence[Step]) -> tuple[str, ...]:
    """What is wrong with one run's entries: changed ones, and required steps that are not there."""
    rows = (connection.execute(_ENTRIES.where(audit.c.assessment_id == assessment_id))).all()
    problems: list[str] = []
    for row in rows:
        if entry_hash(row.previous, dict(row._mapping)) != row.hash:
            problems.append(f"entry {row.sequence} was changed")
        problems += _detail_problems(row)
    there = {row.step for row in rows}
    return tuple(problems + [f"no entry for {step.value}" for step in required if step.value not in there])


def of_case(connection: Connection, case_id: str) -> list[Row[Any]]:
    """The entries of one case, oldest first; ``kept_detail`` and ``salt`` are None where they were erased."""
    query = _ENTRIES.where(audit.c.case_id == case_id).order_by(audit.c.sequence)
    return list((connection.execute(query)).all())


def next_attempt(connection: Connection, assessment_id: str, step: Step) -> int:
    """The next number of a step that may happen more than once; the case's row must be locked."""
    query = select(func.count()).where(audit.c.assessment_id == assessment_id, audit.c.step == step.value)
    return int(connection.execute(query).scalar_one()) + 1


def detail_of(row: Row[Any]) -> str:
    """What an entry of ``of_case`` says, as JSON; an empty object where that was erased."""
    return str(row.detail or row.kept_detail or "{}")


def _detail_problems(row: Row[Any]) -> list[str]:
    """Of one entry: whether its detail is what the chain recorded, or is gone with the case."""
    if row.scheme == PLAIN or row.detail_digest == NO_EVIDENCE:
        return []
    if row.kept_detail is None:
        gone = row.phase == CasePhase.ERASED.value
        return [] if gone else [f"the detail of entry {row.sequence} is missing, and its case was not erased"]
    if row.salt is None or keyed_digest(row.salt, row.kept_detail) != row.detail_digest:
        return [f"the detail of entry {row.sequence} was changed"]
    return []


def _salts(connection: Connection, case_ids: set[str]) -> dict[str, str]:
    """The salts of these cases. A case has none before its first entry, and after its erasure."""
    salts: dict[str, str] = {}
    query = select(cases.c.id, cases.c.salt, cases.c.phase).where(cases.c.id.in_(sorted(case_ids)))
    for row in connection.execute(query).all():
        if row.salt is not None:
            salts[row.id] = row.salt
        elif row.phase != CasePhase.ERASED.value:
            salts[row.id] = secrets.token_hex(32)
            connection.execute(update(cases).where(cases.c.id == row.id).values(salt=salts[row.id]))
    return salts


_HASHED = ("sequence", "at", "case_id", "assessment_id", "step", "attempt", "detail", "digest")
_HASHED_SALTED = (*_HASHED, "scheme", "detail_digest")
_HEAD = select(audit_head).where(audit_head.c.id == 1).with_for_update()
_ERASED_CASES = select(cases.c.id).where(cases.c.phase == CasePhase.ERASED.value)
_ENTRIES: Select[Any] = (
    select(audit, audit_details.c.detail.label("kept_detail"), cases.c.salt, cases.c.phase)
    .outerjoin(audit_details, audit_details.c.sequence == audit.c.sequence)
    .outerjoin(cases, cases.c.id == audit.c.case_id)
)
