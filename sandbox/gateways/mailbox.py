"""What was handed over, readable by whoever plays the customer; and what they answered."""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox.journal import timestamp

Status = Literal["accepted", "delivered", "bounced", "failed", "answered", "no_answer"]


class Answer(BaseModel):
    id: str
    text: str
    at: str


class Message(BaseModel):
    """One message as the customer has it."""

    id: str
    channel: str
    key: str
    to: str
    subject: str | None = None
    text: str
    language: str = "en"
    callback: str | None = None
    at: str
    status: Status = "accepted"
    code: str = ""
    answers: list[Answer] = Field(default_factory=list)


class Manners(BaseModel):
    """How a gateway behaves after it took a message. What `PUT /_gateways/{channel}` takes."""

    model_config = ConfigDict(extra="forbid")

    fate: Literal["delivered", "bounced", "failed", "answered", "no_answer", "silent"] | None = Field(
        default=None, description="Of every message; delivered, and of a call answered, when unset."
    )
    after_seconds: float = Field(default=0.3, ge=0, le=86_400, description="How late receipts come.")
    copies: int = Field(default=1, ge=1, le=20, description="How often each callback is made.")
    backwards: bool = Field(default=False, description="The last receipt comes first.")
    forged: bool = Field(default=False, description="Signed with another secret.")
    reply: str | None = Field(default=None, max_length=2000, description="What every customer answers at once.")


class Mailbox:
    def __init__(self) -> None:
        self._messages: dict[str, Message] = {}
        self._by_key: dict[tuple[str, str], str] = {}

    def put(self, message: Message) -> Message:
        self._messages[message.id] = message
        self._by_key[message.channel, message.key] = message.id
        return message

    def get(self, message: str) -> Message | None:
        return self._messages.get(message)

    def under(self, channel: str, key: str) -> Message | None:
        return self._messages.get(self._by_key.get((channel, key), ""))

    def read(self, to: str | None = None, channel: str | None = None, limit: int = 200) -> list[Message]:
        """Newest first."""
        return list(self._found(to, channel, limit))

    def _found(self, to: str | None, channel: str | None, limit: int) -> Iterator[Message]:
        for message in reversed(self._messages.values()):
            if limit and (to is None or to.casefold() in message.to.casefold()) and channel in (None, message.channel):
                limit -= 1
                yield message

    @property
    def size(self) -> int:
        return len(self._messages)


def new_message(number: int, channel: str, key: str, asked: dict[str, Any]) -> Message:
    return Message(id=f"msg_{channel}_{number:08}", channel=channel, key=key, at=timestamp(), **asked)
