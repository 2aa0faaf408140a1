"""How much is taken in: a limit per client (429) and one for the house (503), both with Retry-After."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

from plimsoll.domain.access import Actor
from plimsoll.domain.errors import TooBusy, TooManyRequests, Unavailable

LOOK = 1.0


class Admission:
    """Keeps an eye on the backlog. While the engine is away everything is taken: it is decided later."""

    def __init__(
        self, backlog: Callable[[], Awaitable[int]], engine_is_up: Callable[[], bool], max_backlog: int
    ) -> None:
        self._count = backlog
        self._engine_is_up = engine_is_up
        self._max = max_backlog
        self._backlog = 0
        self._drained = 50.0  # starts a second, as last seen

    async def watch(self) -> None:
        while True:
            before, began = self._backlog, time.monotonic()
            await asyncio.sleep(LOOK)
            try:
                self._backlog = await self._count()
            except Unavailable:
                continue
            shrunk = (before - self._backlog) / (time.monotonic() - began)
            if shrunk > 0:
                self._drained = 0.7 * self._drained + 0.3 * shrunk

    def must_have_room(self) -> None:
        """Raises TooBusy while more waits than this process is willing to add to."""
        if self._backlog >= self._max and self._engine_is_up():
            wait = math.ceil((self._backlog - self._max / 2) / max(self._drained, 1.0))
            raise TooBusy(
                f"{self._backlog} applications wait to be decided: nothing was taken in, send it again later.",
                retry_after=min(max(wait, 1), 60),
            )


class RateLimit:
    """Requests a minute for one client, counted in this process: a bucket of a minute's worth, refilled evenly."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: dict[str, tuple[float, float]] = {}

    def must_allow(self, actor: Actor) -> None:
        """Raises TooManyRequests with the seconds until the next request is taken."""
        if not self._per_minute:
            return
        now = time.monotonic()
        left, at = self._buckets.get(actor.id, (float(self._per_minute), now))
        left = min(float(self._per_minute), left + (now - at) * self._per_minute / 60)
        if left < 1:
            raise TooManyRequests(
                f"More than {self._per_minute} requests a minute: wait and send it again.",
                retry_after=(1 - left) * 60 / self._per_minute,
            )
        self._buckets[actor.id] = (left - 1, now)
