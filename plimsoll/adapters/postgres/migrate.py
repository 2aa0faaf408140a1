"""Brings the schema to this version: `python -m plimsoll.adapters.postgres.migrate`.

Runs as the schema's owner. The application role gets no right to change the record.
In the local profile the first run also makes one actor and one key per role.
"""

import asyncio
import sys
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from plimsoll.adapters.postgres import access
from plimsoll.settings import ROOT, Settings, load_settings

INSERT_ONLY = (
    "ledger_entry", "ledger_seal", "decision", "score", "review_verdict", "case_note",
    "outcome", "drift_report", "rollout_evaluation",
    "intervention_trigger", "collector_answer", "intervention_outcome", "contact_reply", "contact_callback",
)  # fmt: skip
MAY_DELETE = ("outbox", "model_role", "transaction", "transaction_key", "rejected_line", "contact_address",
              "customer_state", "customer_risk", "customer_risk_change", "customer", "contact_profile",
              "contact_consent", "commitment", "absence")  # fmt: skip


def migrate(owner_url: str, app_url: str) -> None:
    upgrade(owner_url)
    app_role = urlsplit(app_url).username or ""
    owner_role = urlsplit(owner_url).username or ""
    if app_role != owner_role:
        grant(owner_url, app_role)


def upgrade(owner_url: str) -> None:
    """Upgrades to the newest revision; two at once wait for each other on an advisory lock."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.set_main_option("sqlalchemy.url", owner_url.replace("%", "%%"))
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(7274)")
        command.upgrade(config, "head")


def grant(owner_url: str, app_role: str) -> None:
    role = sql.Identifier(app_role)
    with psycopg.connect(owner_url) as connection:
        connection.execute(sql.SQL("grant usage on schema public to {}").format(role))
        connection.execute(sql.SQL("grant select, insert, update on all tables in schema public to {}").format(role))
        connection.execute(sql.SQL("grant usage on all sequences in schema public to {}").format(role))
        database = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("grant temporary on database {} to {}").format(database, role))  # to copy rows into
        for table in INSERT_ONLY:
            connection.execute(sql.SQL("revoke update on {} from {}").format(sql.Identifier(table), role))
        for table in MAY_DELETE:
            connection.execute(sql.SQL("grant delete on {} to {}").format(sql.Identifier(table), role))


def main(settings: Settings) -> int:
    if not settings.database_url:
        print("No database: set DATABASE_URL, or run `plimsoll up` for the embedded one.", file=sys.stderr)
        return 5
    migrate(settings.database_owner_url or settings.database_url, settings.database_url)
    if settings.profile == "local":
        asyncio.run(access.make_first_keys(settings.database_url, settings.secrets))
    elif settings.first_admin_key_file:
        asyncio.run(access.make_first_admin(settings.database_url, settings.first_admin_key_file))
    return 0


if __name__ == "__main__":
    sys.exit(main(load_settings()))
