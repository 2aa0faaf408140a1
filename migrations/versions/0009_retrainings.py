"""Retrainings: why, what was tried against the champion, what came of it

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "retraining",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("plan", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("causes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("champion_id", sa.Text(), nullable=True),
        sa.Column("training_id", sa.Text(), nullable=True),
        sa.Column("labels_known", sa.Integer(), nullable=True),
        sa.Column("held_out", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("tried", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("challenger_id", sa.Text(), nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["champion_id"], ["model.id"]),
        sa.ForeignKeyConstraint(["challenger_id"], ["model.id"]),
        sa.ForeignKeyConstraint(["requested_by"], ["actor.id"]),
        sa.ForeignKeyConstraint(["training_id"], ["training.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("retraining_by_product", "retraining", ["product", "started_at"], unique=False)
    op.create_index(
        "retraining_one_at_a_time", "retraining", ["product"], unique=True, postgresql_where=sa.text("ended_at is null")
    )
