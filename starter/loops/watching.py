"""The reader of the stream: a loop beside queue `outreach`. Several processes may run it; one reads at a time.

What it takes in, and why that counts exactly once, is in `activities/watching.py`.
"""

import asyncio
import contextlib
from datetime import UTC, datetime

import structlog

from activities.watching import Done, Watch
from plimsoll.domain.errors import Unavailable
from plimsoll.ports.watching import TransactionLog

log = structlog.get_logger()

IDLE = 1.0  # seconds, unless something arrives
STANDING_BY = 2.0  # between two looks whether the reader of today is still there
AWAY = 5.0


class Watching:
    def __init__(self, watch: Watch, transactions: TransactionLog) -> None:
        self._watch = watch
        self._transactions = transactions
        self._news = asyncio.Event()

    async def run(self) -> None:
        """For ever."""
        listening = asyncio.create_task(self._listen())
        try:
            while True:
                await self._once()
        finally:
            listening.cancel()

    async def _once(self) -> None:
        self._news.clear()
        try:
            done = await self._watch.take_events(datetime.now(UTC))
        except Unavailable as error:
            log.warning("watching.waits", code=error.code)
            await asyncio.sleep(AWAY)
            return
        if done is None:
            await asyncio.sleep(STANDING_BY)
        elif done == Done():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), IDLE)

    async def _listen(self) -> None:
        async for _ in self._transactions.arrivals():
            self._news.set()
