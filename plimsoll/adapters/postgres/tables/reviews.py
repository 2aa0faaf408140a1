"""Cases that wait for a person: who holds them, what was said, noted and asked for."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from plimsoll.adapters.postgres.tables.columns import a_count, a_moment, a_text, id_of, sealed_bytes, some_words

OWED = text("received_at is null")


class ReviewTask(SQLModel, table=True):
    """A referred case, waiting for a person. `version` rises with every change a reviewer could have missed."""

    __tablename__ = "review_task"
    __table_args__ = (
        UniqueConstraint("application_id", "round", name="review_once"),
        Index("review_open", "queue", "due_at", postgresql_where=text("state in ('open', 'claimed', 'second')")),
    )
    id: str = a_text(primary_key=True)
    application_id: str = id_of("application.id")
    round: int
    queue: str = a_text()
    state: str = a_text()  # open | claimed | second | answered | expired | closed
    version: int = a_count(1)
    why: list[str] = some_words()
    priority: str = a_text()
    opened_at: datetime = a_moment(nullable=False)
    due_at: datetime = a_moment(nullable=False)  # first answer owed by then; escalates after
    deadline: datetime = a_moment(nullable=False)  # patience over
    escalated_at: datetime | None = a_moment()
    claimed_by: str | None = Field(default=None, sa_type=Text)
    lease_until: datetime | None = a_moment()
    for_seniors: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})  # a person handed it up
    four_eyes: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    answered_at: datetime | None = a_moment()


class ReviewVerdict(SQLModel, table=True):
    """What a person said, kept for good; a second pair of eyes is a second row."""

    __tablename__ = "review_verdict"
    __table_args__ = (UniqueConstraint("task_id", "position", name="verdict_once"),)
    id: int = Field(sa_column=Column(BigInteger, Identity(), primary_key=True))
    task_id: str = id_of("review_task.id")
    position: int  # 1 first, 2 second pair of eyes
    task_version: int
    actor_id: str = id_of("actor.id")
    outcome: str = a_text()
    reason: str = a_text()
    body_sealed: bytes = sealed_bytes()  # note, and the terms of a person's counter-offer
    body_digest: bytes = Field(sa_type=LargeBinary)
    answered_at: datetime = a_moment(nullable=False)


# The record -----------------------------------------------------------------------------------


class CaseNote(SQLModel, table=True):
    """What somebody wrote down about a case, for whoever works on it next. Kept for good."""

    __tablename__ = "case_note"
    __table_args__ = (Index("note_of", "application_id"),)
    id: int = Field(sa_column=Column(BigInteger, Identity(), primary_key=True))
    application_id: str = id_of("application.id")
    actor_id: str = id_of("actor.id")
    body_sealed: bytes = sealed_bytes()
    body_digest: bytes = Field(sa_type=LargeBinary)
    written_at: datetime = a_moment(nullable=False)


class DocumentRequest(SQLModel, table=True):
    """A paper the applicant was asked for, and what came."""

    __tablename__ = "document_request"
    __table_args__ = (
        Index(
            "document_owed",
            "application_id",
            "round",
            "code",
            unique=True,
            postgresql_where=OWED,
        ),
        Index("document_of", "application_id", "round"),
    )
    id: str = a_text(primary_key=True)
    application_id: str = id_of("application.id")
    round: int
    code: str = a_text()  # of the product's list
    asked_by: str = id_of("actor.id")
    asked_at: datetime = a_moment(nullable=False)
    until: datetime = a_moment(nullable=False)  # the applicant's time
    received_at: datetime | None = a_moment()
    received_by: str | None = Field(default=None, sa_type=Text)
    paper_sealed: bytes | None = sealed_bytes(nullable=True)  # name, media type and content
    paper_digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    content_digest: bytes | None = Field(default=None, sa_type=LargeBinary)  # of the file, to know it again


class Absence(SQLModel, table=True):
    """Who is away, until when; gone when they take a case again."""

    __tablename__ = "absence"
    actor_id: str = Field(foreign_key="actor.id", primary_key=True, sa_type=Text)
    until: datetime = a_moment(nullable=False)
