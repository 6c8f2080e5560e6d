"""Alerts: raised by deterioration and by a less urgent level in the hospital's record, acknowledged by a person."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_ID = sa.String(36)
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("case_id", _ID, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("assessment_id", _ID, sa.ForeignKey("intake.id"), nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("acknowledged_by", sa.Text),
        sa.Column("acknowledged_role", sa.String(20)),
        sa.Column("acknowledged_at", _INSTANT),
        sa.UniqueConstraint("assessment_id", "code", "subject", name="uq_alerts_once"),
    )
    op.create_index("ix_alerts_case_id", "alerts", ["case_id"])
    op.create_index("ix_alerts_acknowledged_at", "alerts", ["acknowledged_at"])


def downgrade() -> None:
    found = op.get_bind().execute(sa.text("SELECT count(*) FROM alerts")).scalar()
    if found:
        raise RuntimeError(f"{found} alerts cannot be kept by the older schema: restore a backup instead")
    op.drop_table("alerts")
