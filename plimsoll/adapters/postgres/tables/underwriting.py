"""Who acts, cases, what their steps commit, people's reviews, the ledger."""

from datetime import datetime
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

# Who acts -------------------------------------------------------------------------------------


class Actor(SQLModel, table=True):
    """A member of staff or a system; one actor may hold several roles and several keys."""

    id: str = a_text(primary_key=True)
    name: str = Field(sa_type=Text, unique=True)
    kind: str = a_text()  # staff | system
    roles: list[str] = some_words()
    created_at: datetime = a_moment(default_now=True)
    disabled_at: datetime | None = a_moment()


class ApiKey(SQLModel, table=True):
    """`plk_<id>_<secret>`; only the secret's SHA-256 is kept (it has 256 bits, so a slow hash adds nothing)."""

    __tablename__ = "api_key"
    id: str = a_text(primary_key=True)
    actor_id: str = id_of("actor.id")
    name: str = a_text()
    secret_hash: bytes = Field(sa_type=LargeBinary)
    roles: list[str] = some_words()
    created_at: datetime = a_moment(default_now=True)
    expires_at: datetime | None = a_moment()
    revoked_at: datetime | None = a_moment()


class Session(SQLModel, table=True):
    """A console sign-in: server-side, revocable; the opaque token's hash is all we keep."""

    id: str = a_text(primary_key=True)
    token_hash: bytes = Field(sa_type=LargeBinary, unique=True)
    key_id: str = id_of("api_key.id")
    created_at: datetime = a_moment(default_now=True)
    active_at: datetime = a_moment(default_now=True)
    expires_at: datetime = a_moment(nullable=False)
    ended_at: datetime | None = a_moment()


# What comes in --------------------------------------------------------------------------------


class Person(SQLModel, table=True):
    """One applicant across applications, found by a keyed hash of the lender's own id."""

    __table_args__ = (Index("person_erased", "erased_at", postgresql_where=text("erased_at is not null")),)
    id: str = a_text(primary_key=True)
    reference_hash: bytes = Field(sa_type=LargeBinary, unique=True)
    wrapped_key: bytes | None = sealed_bytes(nullable=True)  # None once erased
    created_at: datetime = a_moment(default_now=True)
    erased_at: datetime | None = a_moment()


class Application(SQLModel, table=True):
    __table_args__ = (
        Index("application_open", "status", postgresql_where=text("closed_at is null")),
        Index("application_by_status", "status", "id"),
        # The overview counts over every case, and reads these without the sealed bodies beside them.
        Index(
            "application_cohort",
            "accepted_at",
            "id",
            postgresql_include=["round", "product", "currency", "status", "amount"],
        ),
        Index("application_by_person", "person_id", "product"),
    )
    id: str = a_text(primary_key=True)
    person_id: str = id_of("person.id")
    external_id: str | None = Field(default=None, sa_type=Text, index=True)
    product: str = a_text()
    product_version: str = a_text()
    product_digest: str = a_text()
    line: str = a_text()
    jurisdiction: str = a_text()
    amount: Decimal = Field(sa_column=Column(Numeric(16, 2), nullable=False))
    currency: str = a_text()
    term_months: int
    priority: str = a_text()
    lane: str = a_text()
    status: str = a_text()
    round: int = a_count(1)
    body_sealed: bytes = sealed_bytes()
    body_digest: bytes = Field(sa_type=LargeBinary)
    flags: list[str] = some_words()
    accepted_at: datetime = a_moment(nullable=False)
    accepted_by: str = id_of("actor.id")
    request_id: str = a_text()
    closed_at: datetime | None = a_moment()
    closed_reason: str | None = Field(default=None, sa_type=Text)
    run_suffix: int = a_count()  # raised when a restored database needs a fresh workflow id
    clock_offset: int = a_count()  # seconds a person has let pass for this case, test mode only
    model_pin: dict[str, Any] | None = some_json()  # the model this round began with; a release changes nothing for it


class Idempotency(SQLModel, table=True):
    """Kept as long as the application: the same key and body always get the same answer."""

    actor_id: str = a_text(primary_key=True)
    key: str = a_text(primary_key=True)
    body_digest: bytes = Field(sa_type=LargeBinary)
    application_id: str = a_text()
    created_at: datetime = a_moment(default_now=True)


class Outbox(SQLModel, table=True):
    """What must still happen outside this database, written in the transaction that made it necessary."""

    __table_args__ = (Index("outbox_due", "lane", "not_before", postgresql_where=text("delivered_at is null")),)
    id: int = Field(sa_column=Column(BigInteger, Identity(), primary_key=True))
    lane: str = a_text()  # engine (start, signal) | outreach (starts of episodes) | alert
    kind: str = a_text()  # start | signal name | event name
    run_kind: str | None = Field(default=None, sa_type=Text)  # of a run that is no application's: intervention…
    application_id: str = Field(sa_type=Text, index=True)  # or whatever the run is of
    payload: dict[str, Any] = some_json(nullable=False)
    created_at: datetime = a_moment(default_now=True)
    not_before: datetime = a_moment(default_now=True)
    attempts: int = a_count()
    last_error: str | None = Field(default=None, sa_type=Text)
    delivered_at: datetime | None = a_moment()


class WebhookDelivery(SQLModel, table=True):
    """How far a receiver of stage events was told."""

    __tablename__ = "webhook_delivery"
    name: str = a_text(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))  # of the record; everything up to it was told
    attempts: int = a_count()
    not_before: datetime | None = a_moment()
    lease_until: datetime | None = a_moment()
    last_error: str | None = Field(default=None, sa_type=Text)
    told_at: datetime | None = a_moment()


# What is found out ----------------------------------------------------------------------------


class EvidenceRequest(SQLModel, table=True):
    """One inquiry: its id is the idempotency key at the source."""

    __tablename__ = "evidence_request"
    __table_args__ = (
        UniqueConstraint("application_id", "round", "source", "purpose", name="evidence_once"),
        Index(
            "evidence_waiting",
            "source",
            postgresql_where=text("state in ('reserved', 'sent') and last_error is not null"),
        ),
        Index("evidence_sent", "application_id", "source", postgresql_where=text("sent_at is not null")),
    )
    id: str = a_text(primary_key=True)
    application_id: str = id_of("application.id")
    round: int
    source: str = a_text()
    purpose: str = a_text()
    state: str = a_text()
    attempts: int = a_count()
    deadline: datetime = a_moment(nullable=False)
    reserved_at: datetime = a_moment(nullable=False)
    sent_at: datetime | None = a_moment()
    answered_at: datetime | None = a_moment()
    waiting_since: datetime | None = a_moment()
    last_error: str | None = Field(default=None, sa_type=Text)
    answer_sealed: bytes | None = sealed_bytes(nullable=True)  # {"raw": base64, "summary": {…}}
    answer_digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    as_of: datetime | None = a_moment()


class StepAttempt(SQLModel, table=True):
    """Every run of every step, counted and timed."""

    __tablename__ = "step_attempt"
    __table_args__ = (
        Index("step_attempt_of", "application_id", "round"),
        Index(
            "step_recorded",
            "application_id",
            "round",
            postgresql_include=["started_at", "duration_ms"],
            postgresql_where=text("step = 'record'"),
        ),
    )
    id: int = Field(sa_column=Column(BigInteger, Identity(), primary_key=True))
    application_id: str = id_of("application.id")
    round: int
    step: str = a_text()
    source: str | None = Field(default=None, sa_type=Text)
    lane: str = a_text()
    started_at: datetime = a_moment(nullable=False)
    duration_ms: float
    result: str = a_text()  # done | blocked | failed
    error: str | None = Field(default=None, sa_type=Text)


class Score(SQLModel, table=True):
    __table_args__ = (
        UniqueConstraint("application_id", "round", name="score_once"),
        Index("score_by_time", "scored_at"),
        Index(
            "score_cohort",
            "arm",
            "model",
            "model_version",
            "application_id",
            "round",
            postgresql_include=["sample_probability", "probability_of_default"],
        ),
    )
    id: str = a_text(primary_key=True)
    application_id: str = id_of("application.id")
    round: int
    model: str = a_text()
    model_version: str = a_text()
    model_digest: str = a_text()
    arm: str = a_text()
    sample_probability: float
    probability_of_default: float
    body_sealed: bytes = sealed_bytes()
    body_digest: bytes = Field(sa_type=LargeBinary)
    scored_at: datetime = a_moment(nullable=False)


class Proposal(SQLModel, table=True):
    """What rules and score propose, before a person looks and before it becomes the decision."""

    __table_args__ = (UniqueConstraint("application_id", "round", name="proposal_once"),)
    id: int = Field(sa_column=Column(BigInteger, Identity(), primary_key=True))
    application_id: str = id_of("application.id")
    round: int
    outcome: str = a_text()
    needs_a_person: bool
    body_sealed: bytes = sealed_bytes()
    body_digest: bytes = Field(sa_type=LargeBinary)
    proposed_at: datetime = a_moment(nullable=False)


class Decision(SQLModel, table=True):
    __table_args__ = (
        UniqueConstraint("application_id", "round", name="decision_once"),
        Index("decision_by_time", "decided_at"),
        Index("decision_by_policy", "policy_digest", "decided_at"),
        Index(
            "decision_cohort",
            "application_id",
            "round",
            postgresql_include=["outcome", "outcome_source", "decided_at"],
        ),
    )
    id: str = a_text(primary_key=True)
    application_id: str = id_of("application.id")
    round: int
    outcome: str = a_text()
    outcome_source: str = a_text()
    adverse_action: bool
    sample_probability: float | None = Field(default=None)
    probability_of_default: float | None = Field(default=None)
    policy_version: str = a_text()
    policy_digest: str = a_text()
    body_sealed: bytes = sealed_bytes()
    body_digest: bytes = Field(sa_type=LargeBinary)
    decided_by: str = id_of("actor.id")
    decided_at: datetime = a_moment(nullable=False)


class PolicyVersion(SQLModel, table=True):
    """A policy that was in force, as its file was read. Insert-only."""

    __tablename__ = "policy_version"
    product: str = a_text(primary_key=True)
    digest: str = a_text(primary_key=True)
    version: str = a_text()
    content: str = a_text()
    kept_at: datetime = a_moment(nullable=False)


# People ---------------------------------------------------------------------------------------


class LedgerEntry(SQLModel, table=True):
    """What happened, in exact canonical bytes (RFC 8785). Insert-only."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        Index("ledger_entry_of", "application_id"),
        Index("ledger_entry_without_application", "kind", "id", postgresql_where=text("application_id is null")),
    )
    id: int = Field(sa_column=Column(BigInteger, Identity(), primary_key=True))
    kind: str = a_text()
    application_id: str | None = Field(default=None, sa_type=Text)
    body: bytes = Field(sa_type=LargeBinary)
    digest: bytes = Field(sa_type=LargeBinary)
    recorded_at: datetime = a_moment(default_now=True)


class LedgerSeal(SQLModel, table=True):
    """The chain: each link hashes the one before and one entry. Insert-only, one sealer at a time."""

    __tablename__ = "ledger_seal"
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    entry_id: int = Field(sa_column=Column(BigInteger, unique=True, nullable=False))
    prev: bytes = Field(sa_type=LargeBinary)
    hash: bytes = Field(sa_type=LargeBinary)
    sealed_at: datetime = a_moment(default_now=True)


# Shared limits towards sources ----------------------------------------------------------------


class SourceState(SQLModel, table=True):
    """Circuit breaker and pace of one source, shared by every worker."""

    __tablename__ = "source_state"
    source: str = a_text(primary_key=True)
    failures: int = a_count()
    open_until: datetime | None = a_moment()
    next_slot: datetime | None = a_moment()  # GCRA: theoretical arrival time of the next call
    changed_at: datetime = a_moment(default_now=True)
