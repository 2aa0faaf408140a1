"""The record is insert-only, whoever asks

Revision ID: 0002
Revises: 0001

The triggers fire always, also under session_replication_role = replica. The owner can still
drop them: that is what the chain and the checkpoints outside the database are for.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

INSERT_ONLY = ("ledger_entry", "ledger_seal", "decision", "score", "review_verdict")


def upgrade() -> None:
    op.execute(
        """
        create function refuse_change() returns trigger language plpgsql as $$
        begin
            raise exception '% is insert-only: % refused', tg_table_name, lower(tg_op)
                using errcode = 'insufficient_privilege';
        end $$
        """
    )
    for table in INSERT_ONLY:
        for event, scope in (("update or delete", "row"), ("truncate", "statement")):
            trigger = f"{table}_insert_only_{scope}"
            op.execute(
                f"create trigger {trigger} before {event} on {table} for each {scope} execute function refuse_change()"
            )
            op.execute(f"alter table {table} enable always trigger {trigger}")
    op.execute("insert into actor (id, name, kind) values ('act_system', 'Plimsoll', 'system')")
