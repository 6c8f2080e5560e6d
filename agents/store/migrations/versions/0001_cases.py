"""Cases, intake, assessments, reviews, outbox, audit chain; and the triggers that keep them immutable."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_ID = sa.String(36)
_INSTANT = sa.DateTime(timezone=True)
_IMMUTABLE = {
    "intake": ("UPDATE",),
    "assessments": ("UPDATE",),
    "reviews": ("UPDATE",),
    "audit": ("UPDATE", "DELETE"),
}


def upgrade() -> None:
    op.create_table(
        "cases",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("encounter_key", sa.Text, nullable=False, unique=True),
        sa.Column("phase", sa.String(20), nullable=False),
        sa.Column("assessment_id", _ID, nullable=False),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_until", _INSTANT),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
    )
    op.create_index("ix_cases_phase", "cases", ["phase"])
    op.create_table(
        "intake",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("case_id", _ID, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.UniqueConstraint("case_id", "number", name="uq_intake_case_number"),
    )
    op.create_table(
        "assessments",
        sa.Column("id", _ID, sa.ForeignKey("intake.id"), primary_key=True),
        sa.Column("case_id", _ID, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("answer", sa.Text),
        sa.Column("created_at", _INSTANT, nullable=False),
    )
    op.create_index("ix_assessments_case_id", "assessments", ["case_id"])
    op.create_table(
        "reviews",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("assessment_id", _ID, sa.ForeignKey("assessments.id"), nullable=False, unique=True),
        sa.Column("case_id", _ID, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
    )
    op.create_index("ix_reviews_case_id", "reviews", ["case_id"])
    op.create_table(
        "outbox",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("case_id", _ID, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("ref", _ID, nullable=False),
        sa.Column("assessment_id", _ID, sa.ForeignKey("assessments.id"), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("receipts", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", _INSTANT, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.UniqueConstraint("case_id", "kind", "ref", name="uq_outbox_delivery"),
    )
    op.create_index("ix_outbox_state", "outbox", ["state"])
    op.create_table(
        "audit",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("case_id", _ID, nullable=False),
        sa.Column("assessment_id", _ID, nullable=False),
        sa.Column("step", sa.String(20), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.UniqueConstraint("assessment_id", "step", "attempt", name="uq_audit_step"),
    )
    op.create_index("ix_audit_case_id", "audit", ["case_id"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "sequence": 0, "hash": "0" * 64}])
    if op.get_bind().dialect.name == "postgresql":
        _forbid_postgresql()
    else:
        _forbid_sqlite()


def _forbid_sqlite() -> None:
    for table, actions in _IMMUTABLE.items():
        for action in actions:
            op.execute(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def _forbid_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION triage_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    for table, actions in _IMMUTABLE.items():
        for action in actions:
            op.execute(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION triage_append_only()"
            )


def downgrade() -> None:
    for table in ("audit_head", "audit", "outbox", "reviews", "assessments", "intake", "cases"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION triage_append_only()")
