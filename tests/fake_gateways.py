"""Gateways and episodes that live in the test; like real ones, a gateway keeps what it took."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from plimsoll.domain.outreach.contact import Channel, ContactState, GatewayUnavailable, Outgoing, Receipt


@dataclass
class FakeGateway:
    """`taken` is the witness: every message that would have reached somebody, in order."""

    channel: Channel = Channel.SMS
    dedupes: bool = True
    tells: bool = True
    taken: list[Outgoing] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)  # before it does anything, in turn
    loses: int = 0  # answers lost on their way back
    hangs: asyncio.Event | None = None
    called: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        return f"fake-{self.channel}"

    async def hand_over(self, message: Outgoing) -> Receipt:
        self.calls.append(message.contact)
        self.called.set()
        if self.fails:
            raise self.fails.pop(0)
        if self.hangs:
            await self.hangs.wait()
        if not (self.dedupes and self._of(message)):
            self.taken.append(message)
        if self.loses:
            self.loses -= 1
            raise GatewayUnavailable("the line went dead", kind="timeout", sent=True)
        return self._receipt(message)

    async def status(self, message: Outgoing) -> Receipt | None:
        return self._receipt(message) if self._of(message) else None

    def _of(self, message: Outgoing) -> bool:
        return any(taken.contact == message.contact for taken in self.taken)

    def _receipt(self, message: Outgoing) -> Receipt:
        return Receipt(state=ContactState.SENT, reference=f"msg_{message.contact}")


@dataclass
class FakeEpisodes:
    """Whoever waits for contacts: remembers whom it was woken for, and wants every step until told otherwise."""

    wanted: bool = True
    woken: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)

    async def trigger(self, connection: Any, trigger: Any, now: Any) -> Any:
        raise NotImplementedError("nobody triggers here")

    async def wake(self, connection: Any, intervention: str) -> None:
        self.woken.append(intervention)

    async def wake_people(self, connection: Any, people: Sequence[str]) -> None:
        self.people.extend(people)

    async def wants(self, connection: Any, intervention: str, step: int) -> bool:
        return self.wanted
