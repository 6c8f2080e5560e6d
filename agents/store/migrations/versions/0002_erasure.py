"""Digests with a key of the case, details beside the chain, and what an assessment was made with.

Entries that are there keep the scheme that they were hashed with.
"""

import secrets
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_IMMUTABLE = {"audit_details": ("UPDATE",), "libraries": ("UPDATE", "DELETE")}


def upgrade() -> None:
    op.add_column("cases", sa.Column("salt", sa.String(64)))
    op.add_column("assessments", sa.Column("provenance", sa.Text))
    op.add_column("audit", sa.Column("scheme", sa.Integer, nullable=False, server_default="1"))
    op.add_column("audit", sa.Column("detail_digest", sa.String(64)))
    op.create_table(
        "audit_details",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("case_id", sa.String(36), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("ix_audit_details_case_id", "audit_details", ["case_id"])
    op.create_table(
        "libraries",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("statements", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    _give_salts(op.get_bind())
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table, actions in _IMMUTABLE.items():
        for action in actions:
            body = (
                "FOR EACH ROW EXECUTE FUNCTION triage_append_only()"
                if postgresql
                else f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
            op.execute(f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} {body}")


def _give_salts(connection: sa.Connection) -> None:
    cases = sa.table("cases", sa.column("id", sa.String), sa.column("salt", sa.String))
    for case_id in connection.execute(sa.select(cases.c.id)).scalars().all():
        connection.execute(sa.update(cases).where(cases.c.id == case_id).values(salt=secrets.token_hex(32)))


def downgrade() -> None:
    found = op.get_bind().execute(sa.text("SELECT count(*) FROM audit WHERE scheme > 1")).scalar()
    if found:
        raise RuntimeError(
            f"{found} audit entries cannot be verified by the older schema: restore a backup instead"
        )
    op.drop_table("libraries")
    op.drop_table("audit_details")
    op.drop_column("audit", "detail_digest")
    op.drop_column("audit", "scheme")
    op.drop_column("assessments", "provenance")
    op.drop_column("cases", "salt")
