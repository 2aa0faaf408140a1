"""Tells who said "stop" that it was heard: one text, within five minutes or not at all, whatever crashes."""

import asyncio
from datetime import UTC, datetime
from typing import Protocol

import structlog

from activities.messages import ContactRef
from activities.outreach import Outreach
from plimsoll.domain.errors import NeedsAPerson, Unavailable
from plimsoll.wiring import Ports

log = structlog.get_logger()

EVERY = 1.0
AWAY = 5.0


class Owed(Protocol):
    async def confirmations_due(self, limit: int = 20) -> list[str]: ...


def confirming(ports: Ports) -> "Confirming":
    outreach = Outreach(ports.outreach.contacts, ports.outreach.gateways.by_channel)
    return Confirming(ports.outreach.contacts, outreach)


class Confirming:
    """No run of its own: what is owed is a row, and the same two-phase sending as any message."""

    def __init__(self, owed: Owed, outreach: Outreach) -> None:
        self._owed = owed
        self._outreach = outreach

    async def run(self) -> None:
        while True:
            try:
                await self.confirm_all(datetime.now(UTC))
                await asyncio.sleep(EVERY)
            except Unavailable as error:
                log.warning("confirming.waits", code=error.code)
                await asyncio.sleep(AWAY)

    async def confirm_all(self, now: datetime) -> None:
        """What is too late is refused by its rule, so nothing is owed for ever. Raises Unavailable."""
        away: Unavailable | None = None
        for contact in await self._owed.confirmations_due():
            try:
                await self._outreach.deliver(ContactRef(contact=contact, now=now))
            except Unavailable as error:
                away = error
            except NeedsAPerson as error:
                log.warning("confirming.gave_up", contact=contact, code=error.code)
        if away:
            raise away
