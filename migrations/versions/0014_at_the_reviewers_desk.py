"""Notes, papers asked for, cases handed up, and who is away

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("review_task", sa.Column("for_seniors", sa.Boolean(), server_default="false", nullable=False))
    op.create_table(
        "case_note",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("application_id", sa.Text(), sa.ForeignKey("application.id"), nullable=False),
        sa.Column("actor_id", sa.Text(), sa.ForeignKey("actor.id"), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("body_digest", sa.LargeBinary(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("note_of", "case_note", ["application_id"])
    op.create_table(
        "document_request",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("application_id", sa.Text(), sa.ForeignKey("application.id"), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), sa.ForeignKey("actor.id"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_by", sa.Text(), nullable=True),
        sa.Column("paper_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("paper_digest", sa.LargeBinary(), nullable=True),
        sa.Column("content_digest", sa.LargeBinary(), nullable=True),
    )
    owed = sa.text("received_at is null")
    op.create_index(
        "document_owed", "document_request", ["application_id", "round", "code"], unique=True, postgresql_where=owed
    )
    op.create_index("document_of", "document_request", ["application_id", "round"])
    op.create_table(
        "absence",
        sa.Column("actor_id", sa.Text(), sa.ForeignKey("actor.id"), primary_key=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
    )
    for event, scope in (("update or delete", "row"), ("truncate", "statement")):
        trigger = f"case_note_insert_only_{scope}"
        op.execute(
            f"create trigger {trigger} before {event} on case_note for each {scope} execute function refuse_change()"
        )
        op.execute(f"alter table case_note enable always trigger {trigger}")
