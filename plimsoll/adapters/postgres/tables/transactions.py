"""What happens on customers' accounts: events in the order of acceptance, what was not taken in, files under way.

`transaction` is kept by month of the event (partitions, made when the first event of a month comes) and holds
numbers alone: a person's id of ours, keyed digests of what the lender calls things, and codes of the closed sets
in `plimsoll/domain/watching/events.py`. The view `transaction_in_words` spells them out. Why: docs/decisions/0017.
"""

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlmodel import Field, SQLModel

from plimsoll.adapters.postgres.tables.columns import a_count, a_moment, a_text, id_of, sealed_bytes


def _maybe_text() -> Any:
    return Field(default=None, sa_type=Text)


def _money() -> Any:
    return Field(default=None, sa_column=Column(Numeric(15, 4)))


def _a_code() -> Any:
    """0: not said."""
    return Field(sa_column=Column(SmallInteger, nullable=False))


def _a_day() -> Any:
    return Field(default=None, sa_column=Column(Date))


class Customer(SQLModel, table=True):
    """A person whose accounts are watched."""

    person_id: str = Field(foreign_key="person.id", sa_type=Text, primary_key=True)
    reference_sealed: bytes = sealed_bytes()  # the lender's own id
    product: str | None = _maybe_text()
    region: str | None = _maybe_text()
    zone: str | None = _maybe_text()
    opened_on: date | None = _a_day()
    told_at: datetime | None = a_moment()  # the moment of the event that said so; a later one says it better
    created_at: datetime = a_moment(default_now=True)


class Transaction(SQLModel, table=True):
    """One event. Without a primary key of its own in Postgres: `transaction_key` holds what is unique."""

    __table_args__ = (
        Index("transaction_in_order", "seq"),
        Index("transaction_by_person", "person_id"),
        {"postgresql_partition_by": "range (occurred_at)"},
    )
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True))
    key: uuid.UUID = Field(sa_type=Uuid)
    person_id: str = a_text()
    account: int = Field(sa_column=Column(BigInteger, nullable=False))
    merchant: int = Field(sa_column=Column(BigInteger, nullable=False))
    kind: int = _a_code()
    occurred_at: datetime = a_moment(nullable=False)
    known_at: datetime = a_moment(nullable=False)
    date_precision: int = _a_code()
    amount: Decimal = Field(sa_column=Column(Numeric(15, 4), nullable=False))
    currency: str | None = _maybe_text()
    direction: int = _a_code()
    category: int = _a_code()
    channel: int = _a_code()
    failed: bool
    balance_after: Decimal | None = _money()
    bill: Decimal | None = _money()
    minimum_due: Decimal | None = _money()
    credit_limit: Decimal | None = _money()
    net_new_charges: Decimal | None = _money()
    due_on: date | None = _a_day()
    period: date | None = _a_day()
    months_late: int | None = Field(default=None, sa_column=Column(SmallInteger))
    accepted_at: datetime = a_moment(default_now=True)


class TransactionKey(SQLModel, table=True):
    """Which events are here: half a keyed digest of each lender's own id."""

    __tablename__ = "transaction_key"
    key: uuid.UUID = Field(sa_type=Uuid, primary_key=True)


class RejectedLine(SQLModel, table=True):
    """A line that was no event: where it stood and what is wrong with it, not what it says."""

    __tablename__ = "rejected_line"
    __table_args__ = (UniqueConstraint("digest", name="rejected_line_once"), Index("rejected_line_by_time", "at"))
    id: int = Field(sa_column=Column(BigInteger, Identity(), primary_key=True))
    feed: str = a_text()  # transactions | repayments
    source: str = a_text()  # api, or the name of a file
    line: int = Field(sa_column=Column(Integer, nullable=False))
    problem: str = a_text()
    digest: bytes = Field(sa_type=LargeBinary)  # keyed, of the line: the same one is kept once
    actor_id: str = id_of("actor.id")
    request_id: str | None = _maybe_text()
    at: datetime = a_moment(nullable=False)


class TransactionLoad(SQLModel, table=True):
    """A file on its way in, and how far it is: what stopped goes on from there."""

    __tablename__ = "transaction_load"
    __table_args__ = (UniqueConstraint("digest", "way", name="transaction_load_once"),)
    id: int = Field(sa_column=Column(BigInteger, Identity(), primary_key=True))
    digest: bytes = Field(sa_type=LargeBinary)  # of the file's bytes and how it was read
    way: str = a_text()  # load | replay
    file: str = a_text()  # its name, without its folder
    lines: int = a_count()  # done
    new: int = a_count()
    repeated: int = a_count()
    rejected: int = a_count()
    actor_id: str = id_of("actor.id")
    started_at: datetime = a_moment(nullable=False)
    changed_at: datetime = a_moment(nullable=False)
    ended_at: datetime | None = a_moment()


class FeedCursor(SQLModel, table=True):
    """How far an account elsewhere is read."""

    __tablename__ = "feed_cursor"
    feed: str = a_text(primary_key=True)
    cursor: str = a_text()
    changed_at: datetime = a_moment(nullable=False)
