"""Customers' episodes: what opened them, each step, what collectors did, what was promised, how it went."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary, Numeric, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from plimsoll.adapters.postgres.tables.columns import (
    a_count,
    a_moment,
    a_text,
    id_of,
    sealed_bytes,
    some_json,
    some_words,
)


class Intervention(SQLModel, table=True):
    """One episode of one customer. `until` is the moment its run waits for, whatever else happens."""

    __table_args__ = (
        # A second trigger finds the first one's episode; the hold-out stays dealt until its last outcome.
        Index("intervention_one_at_a_time", "person_id", unique=True, postgresql_where=text("closed_at is null")),
        Index("intervention_of_person", "person_id", "opened_at"),
        Index("intervention_open", "until", postgresql_where=text("ended_at is null")),
    )
    id: str = a_text(primary_key=True)
    person_id: str = id_of("person.id")
    product: str = a_text()
    source: str = a_text()  # live | sweep | person
    state: str = a_text()  # treating | promised | watching | ended
    ending: str | None = Field(default=None, sa_type=Text)
    reason: str | None = Field(default=None, sa_type=Text)
    level: str = a_text()  # as it is now
    stratum: str = a_text()  # the level when it was dealt
    arm: str = a_text()  # hold_out, or a strategy: as dealt, whatever was done
    strategy: str = a_text()  # what is done
    table_version: str = a_text()
    table_digest: str = a_text()
    plan: list[dict[str, Any]] = some_json(nullable=False)
    step: int = a_count()
    probability: float | None = Field(default=None)
    factors: list[dict[str, Any]] = some_json(nullable=False)
    model: str = a_text()
    asked_for_help: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    until: datetime | None = a_moment()
    waits_on: str | None = Field(default=None, sa_type=Text)
    version: int = a_count(1)
    heard: int = a_count()  # replies acted on
    clock_offset: int = a_count()  # seconds a person has let pass for it, test mode only
    opened_at: datetime = a_moment(nullable=False)
    updated_at: datetime = a_moment(nullable=False)
    closed_at: datetime | None = a_moment()
    ended_at: datetime | None = a_moment()
    recorded_at: datetime = a_moment(default_now=True)  # by the clock of the world: payments are dated by it


class InterventionTrigger(SQLModel, table=True):
    """Every trigger and what became of it: an episode, or a refusal by a named rule."""

    __tablename__ = "intervention_trigger"
    __table_args__ = (
        Index("trigger_once", "person_id", "key", unique=True, postgresql_where=text("key <> ''")),
        Index("trigger_of_intervention", "intervention_id"),
        Index("trigger_by_time", "recorded_at"),
    )
    id: int = Field(sa_column=Column(BigInteger, Identity(), primary_key=True))
    person_id: str = a_text()  # also of somebody we do not know: that is what the refusal says
    product: str = a_text()
    level: str = a_text()
    probability: float | None = Field(default=None)
    source: str = a_text()
    model: str = a_text()
    key: str = a_text()
    at: datetime = a_moment(nullable=False)
    intervention_id: str | None = Field(default=None, sa_type=Text, foreign_key="intervention.id")
    opened: bool
    refused_by: str | None = Field(default=None, sa_type=Text)
    recorded_at: datetime = a_moment(default_now=True)


class InterventionStep(SQLModel, table=True):
    __tablename__ = "intervention_step"
    intervention_id: str = Field(sa_type=Text, primary_key=True, foreign_key="intervention.id")
    number: int = Field(primary_key=True)
    by: str = a_text()  # email | sms | call
    template: str = a_text()
    priority: int
    state: str = a_text()  # due | out | over
    tries: int = a_count()
    rule: str | None = Field(default=None, sa_type=Text)  # what stood or stands against it
    result: str | None = Field(default=None, sa_type=Text)
    not_before: datetime | None = a_moment()
    until: datetime | None = a_moment()
    began_at: datetime = a_moment(nullable=False)
    ended_at: datetime | None = a_moment()


class CollectorTask(SQLModel, table=True):
    """A call somebody of the collectors makes. `version` rises with every change they could have missed."""

    __tablename__ = "collector_task"
    __table_args__ = (
        UniqueConstraint("intervention_id", "step", "attempt", name="collector_task_once"),
        Index(
            "collector_task_open", "queue", "priority", "due_at", postgresql_where=text("state in ('open', 'claimed')")
        ),
    )
    id: str = a_text(primary_key=True)
    intervention_id: str = id_of("intervention.id")
    person_id: str = id_of("person.id")
    product: str = a_text()
    step: int
    attempt: int
    queue: str = a_text()
    script: str = a_text()
    why: list[str] = some_words()
    priority: int
    state: str = a_text()  # open | claimed | answered | closed
    version: int = a_count(1)
    opened_at: datetime = a_moment(nullable=False)
    due_at: datetime = a_moment(nullable=False)
    deadline: datetime = a_moment(nullable=False)
    escalated_at: datetime | None = a_moment()
    claimed_by: str | None = Field(default=None, sa_type=Text)
    lease_until: datetime | None = a_moment()
    answered_at: datetime | None = a_moment()


class CollectorAnswer(SQLModel, table=True):
    """What a collector reported, kept for good."""

    __tablename__ = "collector_answer"
    id: int = Field(sa_column=Column(BigInteger, Identity(), primary_key=True))
    task_id: str = Field(sa_type=Text, foreign_key="collector_task.id", unique=True)
    task_version: int
    actor_id: str = id_of("actor.id")
    answer: str = a_text()
    body_sealed: bytes = sealed_bytes()  # amount, date, tool, note
    body_digest: bytes = Field(sa_type=LargeBinary)
    call_back_at: datetime | None = a_moment()
    answered_at: datetime = a_moment(nullable=False)


class Commitment(SQLModel, table=True):
    """What a customer agreed to: a promise to pay, or a hardship tool."""

    __table_args__ = (Index("commitment_of_person", "person_id", "tool", "agreed_at"),)
    id: int = Field(sa_column=Column(BigInteger, Identity(), primary_key=True))
    intervention_id: str = Field(sa_type=Text, foreign_key="intervention.id", index=True)
    person_id: str = id_of("person.id")
    task_id: str | None = Field(default=None, sa_type=Text, unique=True)
    tool: str | None = Field(default=None, sa_type=Text)
    amount: Decimal | None = Field(default=None, sa_column=Column(Numeric(16, 2)))
    currency: str | None = Field(default=None, sa_type=Text)
    due_on: date
    payments: int = a_count(1)
    until: datetime | None = a_moment()  # judged then
    state: str = a_text()  # agreed | kept | broken | replaced
    agreed_by: str = id_of("actor.id")
    agreed_at: datetime = a_moment(nullable=False)
    settled_at: datetime | None = a_moment()
    recorded_at: datetime = a_moment(default_now=True)


class InterventionOutcome(SQLModel, table=True):
    """How it went so many days after opening. Nothing known stays nothing known."""

    __tablename__ = "intervention_outcome"
    __table_args__ = (UniqueConstraint("intervention_id", "day", name="intervention_outcome_once"),)
    id: int = Field(sa_column=Column(BigInteger, Identity(), primary_key=True))
    intervention_id: str = id_of("intervention.id")
    day: int
    missed: bool | None = Field(default=None)
    months_late: int | None = Field(default=None)
    paid: Decimal | None = Field(default=None, sa_column=Column(Numeric(16, 2)))
    messages: int = a_count()
    calls: int = a_count()
    opted_out: bool
    complained: bool
    seen_at: datetime = a_moment(nullable=False)
