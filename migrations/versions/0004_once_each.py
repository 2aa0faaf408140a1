"""One shadow score per application and model, one training per product at a time

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index(
        "prediction_of_shadow_once",
        "prediction",
        ["application_id", "model_digest"],
        unique=True,
        postgresql_where=sa.text("kind = 'shadow'"),
    )
    op.create_index("score_by_time", "score", ["scored_at"])
    op.create_index(
        "training_one_at_a_time", "training", ["product"], unique=True, postgresql_where=sa.text("ended_at is null")
    )
    # What the ledger says of models, roll-outs and trainings is a sliver beside its applications.
    op.create_index(
        "ledger_entry_without_application", "ledger_entry", ["kind", "id"],
        postgresql_where=sa.text("application_id is null"),
    )  # fmt: skip
