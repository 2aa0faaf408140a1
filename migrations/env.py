"""Alembic's entry: the schema's owner runs it, the metadata is plimsoll/adapters/postgres/tables/."""

from alembic import context
from sqlalchemy import create_engine, pool
from sqlmodel import SQLModel

import plimsoll.adapters.postgres.tables  # noqa: F401  (fills the metadata)


def run() -> None:
    url = context.config.get_main_option("sqlalchemy.url") or ""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=SQLModel.metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()


run()
