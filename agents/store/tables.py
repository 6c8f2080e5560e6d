"""The tables. Values are kept as the exact JSON text that was hashed into the audit chain.

SQLite and PostgreSQL hold the same schema; the migrations create it, these definitions query it.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

ID = String(36)
"""A random UUID in text."""


class UtcDateTime(TypeDecorator[datetime]):
    """An instant, stored in UTC; SQLite keeps no zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; an instant without a zone is a programming error."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """With its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()

cases = Table(
    "cases",
    metadata,
    Column("id", ID, primary_key=True),
    Column("encounter_key", Text, nullable=False, unique=True),
    Column("phase", String(20), nullable=False),
    Column("assessment_id", ID, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("salt", String(64)),
    Index("ix_cases_phase", "phase"),
)
"""``assessment_id`` is the current run; the lease names the process that works on it.

``salt`` is the random key of the case's digests in the audit chain. Erasure destroys it, and what the chain then
holds can no longer be guessed.
"""

intake = Table(
    "intake",
    metadata,
    Column("id", ID, primary_key=True),
    Column("case_id", ID, ForeignKey("cases.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("record", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("case_id", "number", name="uq_intake_case_number"),
)
"""What each run was given; ``id`` is the run's assessment id, ``number`` counts from 1 in a case."""

assessments = Table(
    "assessments",
    metadata,
    Column("id", ID, ForeignKey("intake.id"), primary_key=True),
    Column("case_id", ID, ForeignKey("cases.id"), nullable=False, index=True),
    Column("value", Text, nullable=False),
    Column("answer", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("provenance", Text),
)
"""Immutable. ``answer`` is the model's raw answer, None in rules-only mode; ``provenance`` says with what the
assessment was made, None where that was not recorded yet.
"""

libraries = Table(
    "libraries",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("statements", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
"""Every guideline library that was used: digests of its statements by id, so that a changed one can be named."""

reviews = Table(
    "reviews",
    metadata,
    Column("id", ID, primary_key=True),
    Column("assessment_id", ID, ForeignKey("assessments.id"), nullable=False, unique=True),
    Column("case_id", ID, ForeignKey("cases.id"), nullable=False, index=True),
    Column("value", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
"""Immutable: one decision for one assessment."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", ID, primary_key=True),
    Column("case_id", ID, ForeignKey("cases.id"), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("ref", ID, nullable=False),
    Column("assessment_id", ID, ForeignKey("assessments.id"), nullable=False),
    Column("state", String(20), nullable=False),
    Column("receipts", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcDateTime, nullable=False),
    Column("last_error", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("case_id", "kind", "ref", name="uq_outbox_delivery"),
    Index("ix_outbox_state", "state"),
)
"""``ref``: the assessment proposed, or the review to be written. ``superseded`` is a state of its own here."""

alerts = Table(
    "alerts",
    metadata,
    Column("id", ID, primary_key=True),
    Column("case_id", ID, ForeignKey("cases.id"), nullable=False, index=True),
    Column("assessment_id", ID, ForeignKey("intake.id"), nullable=False),
    Column("code", String(40), nullable=False),
    Column("subject", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("acknowledged_by", Text),
    Column("acknowledged_role", String(20)),
    Column("acknowledged_at", UtcDateTime, index=True),
    UniqueConstraint("assessment_id", "code", "subject", name="uq_alerts_once"),
)
"""``value`` is the alert as raised; it never changes. Who took note stands beside it, once."""

audit = Table(
    "audit",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("case_id", ID, nullable=False, index=True),
    Column("assessment_id", ID, nullable=False),
    Column("step", String(20), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("detail", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("scheme", Integer, nullable=False, server_default="1"),
    Column("detail_digest", String(64)),
    UniqueConstraint("assessment_id", "step", "attempt", name="uq_audit_step"),
)
"""Append-only. Holds digests, no patient data: records can be erased and the chain still stands.

``scheme`` says how an entry was hashed, see ``agents.store.audit``.
"""

audit_details = Table(
    "audit_details",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("case_id", ID, nullable=False, index=True),
    Column("detail", Text, nullable=False),
)
"""What an entry says in codes and levels. Outside the chain, which holds its digest, so that it can be erased."""

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)
"""One row, locked while an entry is appended; it also shows that the tail was not cut."""
