"""The sandbox's gateways, and any of your own that speak the same few words (docs/contact.md)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from plimsoll.adapters.messages.http import REFUSED, Answer, GatewayClient
from plimsoll.adapters.messages.signing import must_be_signed
from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.outreach.contact import (
    Channel,
    ContactState,
    GatewayEvent,
    GatewayRefused,
    GatewayUnavailable,
    Outgoing,
    Receipt,
)

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


class Taken(Word):
    id: str = Field(min_length=1, max_length=200)
    status: Status
    code: str = Field(default="", max_length=100)


class Event(Word):
    id: str = Field(min_length=1, max_length=200)
    type: Literal["receipt", "answer"]
    key: str | None = Field(default=None, max_length=100)
    message: str | None = Field(default=None, max_length=200)
    status: Status | None = None
    code: str = Field(default="", max_length=100)
    sender: str | None = Field(default=None, alias="from", max_length=320)
    text: str | None = Field(default=None, max_length=20_000)


class SandboxGateway:
    """Keeps what it took under our key, so the same key is the same message and it can be asked for it."""

    dedupes = True
    tells = True

    def __init__(
        self, channel: Channel, base_url: str, callbacks: str, secret: str | None, client: GatewayClient
    ) -> None:
        self.name = f"sandbox-{channel}"
        self.channel = channel
        self._messages = f"{base_url.rstrip('/')}/gateways/{channel}/messages"
        self._callback = f"{callbacks.rstrip('/')}/v1/callbacks/{self.name}"
        self._secret = secret
        self._client = client

    async def hand_over(self, message: Outgoing) -> Receipt:
        body = {
            "to": message.to,
            "subject": message.subject,
            "text": message.text,
            "language": message.language,
            "callback": self._callback,
        }
        headers = {"idempotency-key": message.contact}
        answer = await self._client.ask(self.name, "POST", self._messages, json=body, headers=headers)
        if answer.status in REFUSED:
            raise GatewayRefused(f"{self.name} will not carry it.", reason=_code_of(answer))
        return self._receipt(answer)

    async def status(self, message: Outgoing) -> Receipt | None:
        answer = await self._client.ask(self.name, "GET", self._messages, params={"key": message.contact})
        if answer.status == 404 and _code_of(answer) == "unknown_key":
            return None
        return self._receipt(answer)

    def _receipt(self, answer: Answer) -> Receipt:
        try:
            taken = Taken.model_validate(answer.content)
        except ValidationError:
            raise GatewayUnavailable(f"{self.name} answered what we cannot read.", kind="garbage", sent=True) from None
        return Receipt(state=STATES[taken.status], reference=taken.id, code=taken.code)

    def read_callback(self, url: str, headers: Mapping[str, str], body: bytes, at: int) -> Sequence[GatewayEvent]:
        """Raises CallbackForged, InvalidRequest."""
        must_be_signed(self._secret, headers, body, at)
        try:
            event = Event.model_validate(json.loads(body))
        except (ValidationError, ValueError, RecursionError):
            raise InvalidRequest("This callback is no event we know: see docs/contact.md for its fields.") from None
        if event.type == "answer" and event.text is None:
            raise InvalidRequest("An answer needs its `text`.")
        return [
            GatewayEvent(
                id=event.id,
                contact=event.key,
                reference=event.message,
                receipt=STATES[event.status] if event.status and event.type == "receipt" else None,
                code=event.code,
                sender=event.sender,
                text=event.text if event.type == "answer" else None,
            )
        ]


def _code_of(answer: Answer) -> str:
    content: Any = answer.content
    error = content.get("error") if isinstance(content, dict) else None
    return str(error.get("code", "refused"))[:100] if isinstance(error, dict) else "refused"
