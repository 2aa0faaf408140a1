"""Customers as they are watched

Revision ID: 0006
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0007"

MOMENT = sa.DateTime(timezone=True)
WORDS = postgresql.ARRAY(sa.Text())


def upgrade() -> None:
    op.create_table(
        "customer_state",
        sa.Column("person_id", sa.Text(), sa.ForeignKey("person.id"), primary_key=True),
        sa.Column("layout", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("private", sa.LargeBinary()),
        sa.Column("due_on", sa.Date()),
        sa.Column("newest_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        postgresql_with={"fillfactor": "60"},
    )
    # Two kilobytes, read and written whole and always in use: compressing them or putting them aside costs more.
    op.execute("alter table customer_state alter column state set storage plain")
    op.create_index("customer_state_due", "customer_state", ["due_on"], postgresql_where=sa.text("due_on is not null"))
    op.create_table(
        "customer_risk",
        sa.Column("person_id", sa.Text(), sa.ForeignKey("person.id"), primary_key=True),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("probability", sa.Float()),
        sa.Column("by_row", sa.Text()),
        sa.Column("factors", postgresql.JSONB(), nullable=False),
        sa.Column("help", WORDS, nullable=False, server_default="{}"),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("as_of", MOMENT, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("judged_at", MOMENT, nullable=False),
        sa.Column("model", sa.Text()),
        sa.Column("handed_at", MOMENT),
        sa.Column("handed_severity", sa.SmallInteger()),
        sa.Column("handed_factors", WORDS, nullable=False, server_default="{}"),
        postgresql_with={"fillfactor": "60"},
    )
    op.create_index(
        "customer_risk_worst",
        "customer_risk",
        [sa.text("severity desc"), sa.text("probability desc"), "person_id"],
    )
    op.create_table(
        "customer_risk_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("person_id", sa.Text(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("severity_before", sa.SmallInteger()),
        sa.Column("probability", sa.Float()),
        sa.Column("by_row", sa.Text()),
        sa.Column("factors", postgresql.JSONB(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("as_of", MOMENT, nullable=False),
        sa.Column("judged_at", MOMENT, nullable=False),
        sa.Column("model", sa.Text()),
    )
    op.create_index("customer_risk_change_of", "customer_risk_change", ["person_id", "id"])
    op.create_table(
        "stream_cursor",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("watermark", MOMENT),
        sa.Column("events", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("judged", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("triggers", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("moved_at", MOMENT, nullable=False),
    )
