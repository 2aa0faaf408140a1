"""The sandbox's gateways, and any of your own that speak the same few words (docs/contact.md)."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field, ValidationError

from plimsoll.adapters.messages.http import REFUSED, Answer, GatewayClient
from plimsoll.adapters.messages.telling import STATES, Status, Word, read_event
from plimsoll.domain.outreach.contact import (
    Channel,
    GatewayEvent,
    GatewayRefused,
    GatewayUnavailable,
    Outgoing,
    Receipt,
)


class Taken(Word):
    id: str = Field(min_length=1, max_length=200)
    status: Status
    code: str = Field(default="", max_length=100)


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
        return [read_event(self._secret, headers, body, at)]


def _code_of(answer: Answer) -> str:
    content: Any = answer.content
    error = content.get("error") if isinstance(content, dict) else None
    return str(error.get("code", "refused"))[:100] if isinstance(error, dict) else "refused"
