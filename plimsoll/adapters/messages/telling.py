"""How a gateway without a dialect of its own tells us what happened: one signed event a call (docs/contact.md)."""

import json
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from plimsoll.adapters.messages.signing import must_be_signed
from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.outreach.contact import ContactState, GatewayEvent

Status = Literal["accepted", "delivered", "bounced", "failed", "answered", "no_answer"]
STATES: dict[str, ContactState] = {
    "accepted": ContactState.SENT,
    "delivered": ContactState.DELIVERED,
    "bounced": ContactState.BOUNCED,
    "failed": ContactState.FAILED,
    "answered": ContactState.DELIVERED,  # of a call
    "no_answer": ContactState.BOUNCED,
}


class Word(BaseModel):
    """What a gateway says; strict about what we read, blind to the rest."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Event(Word):
    id: str = Field(min_length=1, max_length=200)
    type: Literal["receipt", "answer"]
    key: str | None = Field(default=None, max_length=100)
    message: str | None = Field(default=None, max_length=200)
    status: Status | None = None
    code: str = Field(default="", max_length=100)
    sender: str | None = Field(default=None, alias="from", max_length=320)
    text: str | None = Field(default=None, max_length=20_000)


def read_event(secret: str | None, headers: Mapping[str, str], body: bytes, at: int) -> GatewayEvent:
    """Raises CallbackForged, InvalidRequest."""
    must_be_signed(secret, headers, body, at)
    try:
        event = Event.model_validate(json.loads(body))
    except (ValidationError, ValueError, RecursionError):
        raise InvalidRequest("This callback is no event we know: see docs/contact.md for its fields.") from None
    if (event.text if event.type == "answer" else event.status) is None:
        raise InvalidRequest("A receipt needs its `status`, an answer its `text`.")
    return GatewayEvent(
        id=event.id,
        contact=event.key,
        reference=event.message,
        receipt=STATES[event.status] if event.status and event.type == "receipt" else None,
        code=event.code,
        sender=event.sender,
        text=event.text if event.type == "answer" else None,
    )
