"""Tells whoever the operator named of what cannot wait: critical risks, as they are written down."""

import asyncio

import structlog

from plimsoll.domain.errors import Unavailable
from plimsoll.ports import AlertOutbox, AlertSink, OwedAlert

log = structlog.get_logger()

AT_ONCE = 10
IDLE = 1.0
AWAY = 5.0


class Alerting:
    """Beside the outreach queue. Several may run: each claims other rows. Without an address nobody is called: the
    ledger and the console say the same."""

    def __init__(self, outbox: AlertOutbox, sink: AlertSink) -> None:
        self._outbox = outbox
        self._sink = sink

    async def run(self) -> None:
        while True:
            try:
                await asyncio.sleep(0 if await self.tell_some() else IDLE)
            except Unavailable as error:
                log.warning("alerting.waits", code=error.code)
                await asyncio.sleep(AWAY)

    async def tell_some(self) -> int:
        """One batch. Returns how many were told, or had nobody to be told to."""
        owed = await self._outbox.claim_alerts(AT_ONCE)
        if not owed and (lost := await self._outbox.given_up()):
            log.error("alerting.given_up", alerts=lost)
        told = await asyncio.gather(*(self._tell(alert) for alert in owed))
        return sum(told)

    async def _tell(self, alert: OwedAlert) -> bool:
        if self._sink.wanted:
            try:
                await self._sink.send(alert.key, alert.event)
            except Unavailable as error:
                log.warning("alerting.not_taken", alert=alert.key, code=error.code)
                return False
        await self._outbox.delivered(alert.id)
        return True
