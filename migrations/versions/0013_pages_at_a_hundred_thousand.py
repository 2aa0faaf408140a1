"""What the console counts is read off indexes; policies of before can be read again

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

# Rows carry their sealed bodies along: counting over a hundred thousand of them would read half a gigabyte.
COHORT = ["round", "product", "currency", "status", "amount"]


def upgrade() -> None:
    op.create_index("application_cohort", "application", ["accepted_at", "id"], postgresql_include=COHORT)
    op.drop_index("application_by_time", "application")
    op.create_index("application_by_status", "application", ["status", "id"])
    op.create_index(
        "decision_cohort",
        "decision",
        ["application_id", "round"],
        postgresql_include=["outcome", "outcome_source", "decided_at"],
    )
    op.create_index("decision_by_policy", "decision", ["policy_digest", "decided_at"])
    op.create_index(
        "score_cohort",
        "score",
        ["arm", "model", "model_version", "application_id", "round"],
        postgresql_include=["sample_probability", "probability_of_default"],
    )
    op.create_index(
        "evidence_sent",
        "evidence_request",
        ["application_id", "source"],
        postgresql_where=sa.text("sent_at is not null"),
    )
    op.create_index(
        "step_recorded",
        "step_attempt",
        ["application_id", "round"],
        postgresql_include=["started_at", "duration_ms"],
        postgresql_where=sa.text("step = 'record'"),
    )
    op.create_table(
        "policy_version",
        sa.Column("product", sa.Text(), primary_key=True),
        sa.Column("digest", sa.Text(), primary_key=True),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
    )
