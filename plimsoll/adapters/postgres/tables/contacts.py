"""Who may be reached where, every contact with anybody, what came back, and the texts that may be sent."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary, Text, UniqueConstraint, text
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


def _maybe_text() -> Any:
    return Field(default=None, sa_type=Text)


class ContactProfile(SQLModel, table=True):
    """How a person may be reached. Addresses are sealed; beside them stands what the governor needs of them."""

    __tablename__ = "contact_profile"
    person_id: str = Field(foreign_key="person.id", sa_type=Text, primary_key=True)
    zone: str | None = _maybe_text()
    region: str | None = _maybe_text()
    areas: list[str] = some_words()  # regions that their numbers point to
    language: str | None = _maybe_text()
    preferred: str | None = _maybe_text()
    flags: list[str] = some_words()
    channels: list[str] = some_words()  # of which there is an address
    addresses_sealed: bytes | None = sealed_bytes(nullable=True)  # {"sms": …, "email": …, "name": …}
    version: int = a_count(1)
    changed_by: str = id_of("actor.id")
    changed_at: datetime = a_moment(nullable=False)


class ContactAddress(SQLModel, table=True):
    """Whose address is this? A keyed hash: found by who has the address, read by nobody."""

    __tablename__ = "contact_address"
    __table_args__ = (Index("contact_address_of", "person_id"),)
    channel: str = a_text(primary_key=True)
    fingerprint: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    person_id: str = Field(foreign_key="person.id", sa_type=Text, primary_key=True)


class ContactConsent(SQLModel, table=True):
    """What a person said last of one channel. Every earlier word is in the ledger."""

    __tablename__ = "contact_consent"
    person_id: str = Field(foreign_key="person.id", sa_type=Text, primary_key=True)
    channel: str = a_text(primary_key=True)
    granted: bool
    source: str = a_text()  # api | reply | call
    evidence: str = a_text()  # reference of a form or a recording, id of a reply
    said_at: datetime = a_moment(nullable=False)
    recorded_by: str = id_of("actor.id")


class Contact(SQLModel, table=True):
    """One message or call. `permitted` is the permit; the row moves to `sending` in the transaction that uses it."""

    __table_args__ = (
        UniqueConstraint("intervention_id", "step", name="contact_once"),
        UniqueConstraint("task_id", name="contact_call_once"),
        UniqueConstraint("confirms", name="contact_confirms_once"),
        Index("contact_of_person", "person_id", "sending_at"),
        Index("contact_by_time", "permitted_at"),
        Index("contact_unsettled", "state", postgresql_where=text("state in ('sending', 'unknown')")),
        Index("contact_by_reference", "gateway", "reference", postgresql_where=text("reference is not null")),
        Index("contact_confirming", "permitted_at", postgresql_where=text("confirms is not null and sent_at is null")),
    )
    id: str = a_text(primary_key=True)
    person_id: str = id_of("person.id")
    intervention_id: str | None = _maybe_text()
    step: int | None = Field(default=None)
    task_id: str | None = _maybe_text()  # of a collector's call
    confirms: int | None = Field(default=None, sa_type=BigInteger)  # the reply whose "no" it confirms
    channel: str = a_text()
    template: str = a_text()
    template_version: int | None = Field(default=None)
    language: str | None = _maybe_text()
    due_on: date | None = Field(default=None)
    by: str = id_of("actor.id")
    state: str = a_text()
    rule: str | None = _maybe_text()  # of the governor, or the gateway's code
    again_at: datetime | None = a_moment()
    instead: str | None = _maybe_text()
    attempts: int = a_count()
    gateway: str | None = _maybe_text()
    reference: str | None = _maybe_text()  # the gateway's own id
    last_error: str | None = _maybe_text()
    talked: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    permitted_at: datetime = a_moment(nullable=False)
    sending_at: datetime | None = a_moment()
    sent_at: datetime | None = a_moment()
    settled_at: datetime | None = a_moment()
    body_sealed: bytes | None = sealed_bytes(nullable=True)  # address, subject and text as they were handed over
    body_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


class ContactReply(SQLModel, table=True):
    """What a person answered."""

    __tablename__ = "contact_reply"
    __table_args__ = (
        UniqueConstraint("gateway", "event", "person_id", name="contact_reply_once"),
        Index("contact_reply_of_person", "person_id", "received_at"),
        Index("contact_reply_of_intervention", "intervention_id", "received_at"),
    )
    id: int = Field(sa_column=Column(BigInteger, Identity(), primary_key=True))
    person_id: str = id_of("person.id")
    intervention_id: str | None = _maybe_text()
    contact_id: str | None = Field(default=None, sa_type=Text, foreign_key="contact.id")
    channel: str = a_text()
    meaning: str = a_text()  # opt_out | help | fine | other
    text_sealed: bytes = sealed_bytes()
    text_digest: bytes = Field(sa_type=LargeBinary)
    gateway: str = a_text()
    event: str = a_text()
    received_at: datetime = a_moment(nullable=False)


class ContactCallback(SQLModel, table=True):
    """What gateways told us, each once."""

    __tablename__ = "contact_callback"
    gateway: str = a_text(primary_key=True)
    event: str = a_text(primary_key=True)
    kind: str = a_text()
    contact_id: str | None = _maybe_text()
    received_at: datetime = a_moment(nullable=False)


class MessageTemplate(SQLModel, table=True):
    """A text as somebody proposed it; it is sent once somebody else approved it."""

    __tablename__ = "message_template"
    __table_args__ = (
        Index(
            "message_template_live", "name", "version",
            postgresql_where=text("approved_at is not null and retired_at is null"),
        ),
    )  # fmt: skip
    name: str = a_text(primary_key=True)
    version: int = Field(primary_key=True)
    channel: str = a_text()
    digest: str = a_text()
    content: dict[str, Any] = some_json(nullable=False)
    proposed_by: str = id_of("actor.id")
    proposed_at: datetime = a_moment(nullable=False)
    approved_by: str | None = Field(default=None, sa_type=Text, foreign_key="actor.id")
    approved_at: datetime | None = a_moment()
    retired_by: str | None = Field(default=None, sa_type=Text, foreign_key="actor.id")
    retired_at: datetime | None = a_moment()
