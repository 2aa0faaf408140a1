"""Customers as they are watched: the record kept of each, their risk, and how far the stream is read."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Date, Identity, Index, Integer, LargeBinary, SmallInteger, Text, text
from sqlmodel import Field, SQLModel

from plimsoll.adapters.postgres.tables.columns import a_moment, a_text, id_of, some_json, some_words


def _maybe_text() -> Any:
    return Field(default=None, sa_type=Text)


class CustomerState(SQLModel, table=True):
    """The record of `plimsoll/domain/watching/state.py` as bytes; of another layout, made anew from the history."""

    __tablename__ = "customer_state"
    __table_args__ = (
        Index("customer_state_due", "clock", "due_on", postgresql_where=text("due_on is not null")),
        # Rows grow no longer: room for the next version of one on its own page spares the indexes.
        {"postgresql_with": {"fillfactor": "60"}},
    )
    person_id: str = Field(foreign_key="person.id", sa_type=Text, primary_key=True)
    layout: int = Field(sa_column=Column(SmallInteger, nullable=False))
    state: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    private: bytes | None = Field(default=None, sa_column=Column(LargeBinary))  # sensitive: only to offer help
    clock: int = Field(default=0, foreign_key="stream_clock.id", sa_column_kwargs={"server_default": "0"})
    due_on: date | None = Field(default=None, sa_column=Column(Date))  # when something regular will not have come
    newest_at: datetime = a_moment(nullable=False)  # when the newest of its events was known
    changed_at: datetime = a_moment(nullable=False)


class CustomerRisk(SQLModel, table=True):
    """How likely a customer is to miss a payment, as it was judged last."""

    __tablename__ = "customer_risk"
    __table_args__ = (
        Index("customer_risk_worst", text("severity desc"), text("probability desc"), "person_id"),
        {"postgresql_with": {"fillfactor": "60"}},
    )
    person_id: str = Field(foreign_key="person.id", sa_type=Text, primary_key=True)
    severity: int = Field(sa_column=Column(SmallInteger, nullable=False))  # of the level: 0 low to 3 critical
    probability: float | None = None  # None where no model had enough to read
    by_row: str | None = _maybe_text()  # of the policy: by which the level was given
    factors: list[dict[str, Any]] = some_json(nullable=False)
    help: list[str] = some_words()  # what might be welcome; never why
    because: str = a_text()  # the rule whose event or timer asked for this look; `sweep`
    as_of: datetime = a_moment(nullable=False)  # what is known, was known then
    since: datetime = a_moment(nullable=False)  # of this level
    judged_at: datetime = a_moment(nullable=False)
    model: str | None = _maybe_text()  # name@version
    handed_at: datetime | None = a_moment()  # as of: when an intervention was asked for last
    handed_severity: int | None = Field(default=None, sa_column=Column(SmallInteger))
    handed_factors: list[str] = some_words()


class CustomerRiskChange(SQLModel, table=True):
    """Every change of level, and a first one above low. Insert-only but for erasure."""

    __tablename__ = "customer_risk_change"
    __table_args__ = (Index("customer_risk_change_of", "person_id", "id"),)
    id: int = Field(sa_column=Column(BigInteger, Identity(), primary_key=True))
    person_id: str = id_of("person.id")
    severity: int = Field(sa_column=Column(SmallInteger, nullable=False))
    severity_before: int | None = Field(default=None, sa_column=Column(SmallInteger))
    probability: float | None = None
    by_row: str | None = _maybe_text()
    factors: list[dict[str, Any]] = some_json(nullable=False)
    because: str = a_text()
    as_of: datetime = a_moment(nullable=False)
    judged_at: datetime = a_moment(nullable=False)
    model: str | None = _maybe_text()


class StreamCursor(SQLModel, table=True):
    """How far a reader of the transactions has come; whoever holds the row's lock is that reader."""

    __tablename__ = "stream_cursor"
    name: str = a_text(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    watermark: datetime | None = a_moment()  # when the newest event read was known
    events: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))
    judged: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))
    triggers: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))
    moved_at: datetime = a_moment(nullable=False)


class StreamClock(SQLModel, table=True):
    """What time it is in the events of one product; number 0, named by nothing, is of customers without one."""

    __tablename__ = "stream_clock"
    id: int = Field(sa_column=Column(Integer, Identity(), primary_key=True))
    product: str = Field(sa_type=Text, unique=True)  # as the lender calls it
    watermark: datetime | None = a_moment()  # when the newest event read of it was known
    still_from: datetime | None = a_moment()  # the last time nothing was told of anybody for long: nobody is late by it
    still_until: datetime | None = a_moment()
