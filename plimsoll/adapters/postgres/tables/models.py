"""Models from training to release: what was trained, what is live, what it said, how it ended, what moved."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Column, Date, Identity, Index, LargeBinary, Numeric, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from plimsoll.adapters.postgres.tables.columns import a_count, a_moment, a_text, id_of, some_json


def a_day(nullable: bool = False) -> Any:
    return Field(sa_column=Column(Date, nullable=nullable))


def maybe_text() -> Any:
    return Field(default=None, sa_type=Text)


def maybe_id_of(name: str) -> Any:
    return Field(default=None, foreign_key=name, sa_type=Text)


class Training(SQLModel, table=True):
    """One run of TrainModel: who asked, why, how far it is, what it gave."""

    __table_args__ = (
        Index("training_by_product", "product", "started_at"),
        Index("training_one_at_a_time", "product", unique=True, postgresql_where=text("ended_at is null")),
    )
    id: str = a_text(primary_key=True)
    product: str = a_text()
    state: str = a_text()  # running | done | stopped | failed
    trigger: str = a_text()  # person | performance | drift | monthly | new_data
    plan: dict[str, Any] = some_json(nullable=False)
    progress: dict[str, Any] | None = some_json()  # {step, done, of, text}
    findings: dict[str, Any] | None = some_json()  # of the data checks
    error: str | None = maybe_text()
    requested_by: str = id_of("actor.id")
    started_at: datetime = a_moment(nullable=False)
    changed_at: datetime = a_moment(nullable=False)
    ended_at: datetime | None = a_moment()


class Retraining(SQLModel, table=True):
    """One run of RetrainModel: why, what was tried against the champion, what came of it."""

    __table_args__ = (
        Index("retraining_by_product", "product", "started_at"),
        Index("retraining_one_at_a_time", "product", unique=True, postgresql_where=text("ended_at is null")),
    )
    id: str = a_text(primary_key=True)
    product: str = a_text()
    state: str = a_text()  # running | challenger | rejected | held_back | stopped | failed
    trigger: str = a_text()  # person | performance | drift | monthly | new_data
    asked: str = a_text()  # in words, by whoever or whatever asked
    plan: dict[str, Any] = some_json(nullable=False)
    causes: list[dict[str, Any]] = some_json(nullable=False)  # the gravest first, each with its figures
    champion_id: str | None = maybe_id_of("model.id")
    training_id: str | None = maybe_id_of("training.id")
    labels_known: int | None = Field(default=None)  # on its day
    held_out: dict[str, Any] | None = some_json()  # {since, rows, bads}
    tried: list[dict[str, Any]] = some_json(nullable=False)  # each candidate with every check
    why: str | None = maybe_text()  # why it ended as it did
    challenger_id: str | None = maybe_id_of("model.id")
    requested_by: str = id_of("actor.id")
    started_at: datetime = a_moment(nullable=False)  # its day: no label known later is read
    changed_at: datetime = a_moment(nullable=False)
    ended_at: datetime | None = a_moment()


class Model(SQLModel, table=True):
    """One version of a model. The files are in its folder; this says what may be done with them."""

    __table_args__ = (
        UniqueConstraint("name", "version", name="model_version_once"),
        Index("model_by_time", "name", "created_at"),
    )
    id: str = a_text(primary_key=True)
    name: str = a_text()
    version: str = a_text()
    digest: str = Field(sa_type=Text, unique=True)
    product: str = a_text()
    algorithm: str = a_text()
    state: str = a_text()  # candidate | proposed | approved | rejected | retired
    training_id: str | None = maybe_id_of("training.id")
    manifest: dict[str, Any] = some_json(nullable=False)
    report_digest: str | None = maybe_text()  # sha256 of report.json; without it nothing can be proposed
    created_by: str = id_of("actor.id")
    created_at: datetime = a_moment(nullable=False)
    proposed_by: str | None = maybe_id_of("actor.id")
    proposed_at: datetime | None = a_moment()
    approved_by: str | None = maybe_id_of("actor.id")  # never who proposed it
    approved_at: datetime | None = a_moment()
    note: str | None = maybe_text()  # why it was rejected or retired


class ModelRole(SQLModel, table=True):
    """Which version plays which role now. Every change is an entry of the ledger."""

    __tablename__ = "model_role"
    name: str = a_text(primary_key=True)
    role: str = a_text(primary_key=True)  # champion | challenger | shadow
    model_id: str = id_of("model.id")
    share: float = Field(default=0.0, sa_column_kwargs={"server_default": "0"})  # of applicants, the challenger's
    salt: str = a_text()  # of the digest that deals applicants to arms
    set_by: str = id_of("actor.id")
    reason: str = a_text()
    since: datetime = a_moment(nullable=False)


class Prediction(SQLModel, table=True):
    """A score without a case: asked for over the API, in a batch, or by a shadow beside the live model."""

    __table_args__ = (
        Index("prediction_by_time", "product", "scored_at"),
        Index(
            "prediction_of_shadow_once",
            "application_id",
            "model_digest",
            unique=True,
            postgresql_where=text("kind = 'shadow'"),
        ),
    )
    id: int = Field(sa_column=Column(BigInteger, Identity(), primary_key=True))
    product: str = a_text()
    kind: str = a_text()  # api | batch | shadow
    model_digest: str = a_text()
    arm: str = a_text()
    application_id: str | None = maybe_id_of("application.id")  # of a shadow: the case it was scored beside
    actor_id: str | None = maybe_id_of("actor.id")
    request_id: str | None = maybe_text()
    subject: bytes | None = Field(default=None, sa_type=LargeBinary)  # keyed hash of the caller's own reference
    features: dict[str, Any] | None = some_json()  # values alone, nobody's name; a shadow's are its case's
    sample_probability: float
    probability_of_default: float
    duration_ms: float
    scored_at: datetime = a_moment(nullable=False)


class OutcomeSeen(SQLModel, table=True):
    """How a loan went, or an early mark of it. Insert-only: a correction is a later row."""

    __tablename__ = "outcome"
    __table_args__ = (
        UniqueConstraint("application_id", "mark", "known_on", name="outcome_once"),
        Index("outcome_by_day", "known_on"),
    )
    id: int = Field(sa_column=Column(BigInteger, Identity(), primary_key=True))
    application_id: str = id_of("application.id")
    mark: str = a_text()  # final | first_payment_default | thirty_days_late_in_three_months | …
    bad: bool
    observed_on: date = a_day()  # when it happened
    known_on: date = a_day()  # when we could have known: nothing learns from it earlier
    amount: Decimal | None = Field(default=None, sa_column=Column(Numeric(16, 2)))  # lost, or repaid
    source: str = a_text()  # api | file
    recorded_by: str = id_of("actor.id")
    recorded_at: datetime = a_moment(nullable=False)


class Experiment(SQLModel, table=True):
    """A comparison of two arms, said beforehand."""

    __table_args__ = (Index("experiment_running", "name", unique=True, postgresql_where=text("state = 'running'")),)
    id: str = a_text(primary_key=True)
    name: str = a_text()  # of the model
    product: str = a_text()
    state: str = a_text()  # planned | running | stopped
    plan: dict[str, Any] = some_json(nullable=False)  # metric, smallest effect, alpha, power, sample size, share, salt
    champion_id: str = id_of("model.id")
    challenger_id: str = id_of("model.id")
    reading: dict[str, Any] | None = some_json()  # the last one
    planned_by: str = id_of("actor.id")
    planned_at: datetime = a_moment(nullable=False)
    started_at: datetime | None = a_moment()
    stopped_at: datetime | None = a_moment()


class DriftReport(SQLModel, table=True):
    """What moved between the reference of a model and a window of live applications. Insert-only."""

    __tablename__ = "drift_report"
    __table_args__ = (Index("drift_by_time", "product", "checked_at"),)
    id: str = a_text(primary_key=True)
    product: str = a_text()
    model_digest: str = a_text()
    trigger: str = a_text()  # schedule | person | backfill
    window_from: datetime = a_moment(nullable=False)
    window_to: datetime = a_moment(nullable=False)
    n_reference: int
    n_current: int
    level: str = a_text()  # quiet | look | act | too_small
    body: dict[str, Any] = some_json(nullable=False)  # every feature with its figures
    actions: list[dict[str, Any]] = some_json(nullable=False)  # what the rules did about it
    page: str | None = maybe_text()  # name of the report a person opens
    page_digest: str | None = maybe_text()
    checked_at: datetime = a_moment(nullable=False)


class Rollout(SQLModel, table=True):
    """One release of one model: its phases, where it stands, how it ended."""

    __table_args__ = (Index("rollout_one_at_a_time", "name", unique=True, postgresql_where=text("ended_at is null")),)
    id: str = a_text(primary_key=True)
    name: str = a_text()  # of the model
    product: str = a_text()
    model_id: str = id_of("model.id")
    champion_id: str | None = maybe_id_of("model.id")  # what it goes back to
    state: str = a_text()  # running | paused | promoted | rolled_back | cancelled
    plan: dict[str, Any] = some_json(nullable=False)  # phases and gates, as they were when it began
    phase: int = a_count()
    phase_since: datetime = a_moment(nullable=False)
    deadline: datetime | None = a_moment()  # when this phase may end
    reason: str | None = maybe_text()  # why it was rolled back, paused, cancelled
    started_by: str = id_of("actor.id")
    started_at: datetime = a_moment(nullable=False)
    ended_at: datetime | None = a_moment()


class RolloutEvaluation(SQLModel, table=True):
    """The gates of one phase at one moment, with values, intervals and counts. Insert-only."""

    __tablename__ = "rollout_evaluation"
    __table_args__ = (Index("rollout_evaluation_of", "rollout_id", "evaluated_at"),)
    id: int = Field(sa_column=Column(BigInteger, Identity(), primary_key=True))
    rollout_id: str = id_of("rollout.id")
    phase: int
    verdict: str = a_text()  # pass | wait | breach
    gates: list[dict[str, Any]] = some_json(nullable=False)
    evaluated_at: datetime = a_moment(nullable=False)
