"""Who may be reached where, every contact, replies, callbacks and message templates

Revision ID: 0007
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0009"

INSERT_ONLY = ("contact_reply", "contact_callback")


def upgrade() -> None:
    op.create_table(
        "contact_profile",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("areas", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("preferred", sa.Text(), nullable=True),
        sa.Column("flags", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("channels", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("addresses_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["changed_by"],
            ["actor.id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("person_id"),
    )
    op.create_table(
        "contact_address",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("channel", "fingerprint", "person_id"),
    )
    op.create_index("contact_address_of", "contact_address", ["person_id"], unique=False)
    op.create_table(
        "contact_consent",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"],
            ["actor.id"],
        ),
        sa.PrimaryKeyConstraint("person_id", "channel"),
    )
    op.create_table(
        "contact",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("intervention_id", sa.Text(), nullable=True),
        sa.Column("step", sa.Integer(), nullable=True),
        sa.Column("task_id", sa.Text(), nullable=True),
        sa.Column("confirms", sa.BigInteger(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("template_version", sa.Integer(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("again_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("instead", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("gateway", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("talked", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("permitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sending_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("body_digest", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["by"],
            ["actor.id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("confirms", name="contact_confirms_once"),
        sa.UniqueConstraint("intervention_id", "step", name="contact_once"),
        sa.UniqueConstraint("task_id", name="contact_call_once"),
    )
    op.create_index(
        "contact_by_reference",
        "contact",
        ["gateway", "reference"],
        unique=False,
        postgresql_where=sa.text("reference is not null"),
    )
    op.create_index("contact_by_time", "contact", ["permitted_at"], unique=False)
    op.create_index(
        "contact_confirming",
        "contact",
        ["permitted_at"],
        unique=False,
        postgresql_where=sa.text("confirms is not null and sent_at is null"),
    )
    op.create_index("contact_of_person", "contact", ["person_id", "sending_at"], unique=False)
    op.create_index(
        "contact_unsettled",
        "contact",
        ["state"],
        unique=False,
        postgresql_where=sa.text("state in ('sending', 'unknown')"),
    )
    op.create_table(
        "contact_reply",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("intervention_id", sa.Text(), nullable=True),
        sa.Column("contact_id", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("text_digest", sa.LargeBinary(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contact.id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("gateway", "event", "person_id", name="contact_reply_once"),
    )
    op.create_index("contact_reply_of_intervention", "contact_reply", ["intervention_id", "received_at"], unique=False)
    op.create_index("contact_reply_of_person", "contact_reply", ["person_id", "received_at"], unique=False)
    op.create_table(
        "contact_callback",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "event"),
    )
    op.create_table(
        "message_template",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_by", sa.Text(), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["approved_by"],
            ["actor.id"],
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"],
            ["actor.id"],
        ),
        sa.ForeignKeyConstraint(
            ["retired_by"],
            ["actor.id"],
        ),
        sa.PrimaryKeyConstraint("name", "version"),
    )
    op.create_index(
        "message_template_live",
        "message_template",
        ["name", "version"],
        unique=False,
        postgresql_where=sa.text("approved_at is not null and retired_at is null"),
    )
    for table in INSERT_ONLY:
        for event, scope in (("update or delete", "row"), ("truncate", "statement")):
            trigger = f"{table}_insert_only_{scope}"
            op.execute(
                f"create trigger {trigger} before {event} on {table} for each {scope} execute function refuse_change()"
            )
            op.execute(f"alter table {table} enable always trigger {trigger}")
