"""Waiting for a decision in Postgres: at once when this process makes it, within a beat otherwise.

One query per beat for all who wait; LISTEN would serialise commits on the notify lock.
"""

import asyncio

from plimsoll.adapters.postgres.underwriting.reading import Reading
from plimsoll.domain.errors import Unavailable

BEAT = 0.05


class Bell:
    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._waiting: dict[str, asyncio.Event] = {}
        self._watch: asyncio.Task[None] | None = None

    def ring(self, application: str) -> None:
        """This process has just brought the application to rest."""
        event = self._waiting.get(application)
        if event:
            event.set()

    async def wait(self, application: str, seconds: float) -> bool:
        """True when it came to rest (decided, ended, or with a person) within that time."""
        event = self._waiting.setdefault(application, asyncio.Event())
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._watch_all())
        try:
            await asyncio.wait_for(event.wait(), seconds)
            return True
        except TimeoutError:
            return False
        finally:
            self._waiting.pop(application, None)

    async def _watch_all(self) -> None:
        await asyncio.sleep(BEAT)
        while self._waiting:
            try:
                for application in await self._reading.statuses(list(self._waiting)):
                    self.ring(application)
            except Unavailable:
                pass  # Postgres is away for a moment; whoever waits has a time limit of their own
            await asyncio.sleep(BEAT)
