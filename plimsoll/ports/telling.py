"""What telling others of stage events needs of the outside."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from plimsoll.domain.telling import Delivery, Receiver, StageEvent


class ReceiverList(Protocol):
    def all(self) -> Mapping[str, Receiver]:
        """By name. Raises Unavailable when it cannot be read."""
        ...


class EventSender(Protocol):
    async def send(self, receiver: Receiver, event: StageEvent) -> None:
        """Raises Unavailable unless it was taken."""
        ...


class DeliveryBook(Protocol):
    """How far each receiver was told; one process at a time tells one."""

    async def claim(self, name: str, after: int | None, now: datetime) -> Delivery | None: ...

    async def next(self, after: int, types: Sequence[str], limit: int) -> tuple[Sequence[StageEvent], int]:
        """The next events of these kinds, and up to where there is no other."""
        ...

    async def told(self, name: str, was: int, seq: int, now: datetime, *, told: bool, done: bool) -> bool:
        """From `was` up to this number everything was taken, or was nothing for it; False when it was moved since."""
        ...

    async def not_taken(self, name: str, error: str, again: datetime) -> None: ...
