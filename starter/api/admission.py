"""How much is taken in: a limit per client (429) and one for the house (503), both with Retry-After."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from plimsoll.domain.access import Actor
from plimsoll.domain.errors import TooBusy, TooManyRequests, Unavailable

LOOK = 1.0  # seconds from one look at Postgres to the next
MEMORY = 10.0  # seconds of looks that make the pace
ENOUGH = 50  # undecided cases that keep everybody who decides busy
LONGEST_RETRY = 60  # seconds


@dataclass(frozen=True)
class Look:
    """The house at one moment, as Postgres sees it, whichever process does the work."""

    at: float  # seconds on this process's clock
    undecided: int
    weighed: int  # cases ever brought to a proposal


class Pace:
    """How fast the house decides when it has enough to do. With less to do, one would measure who applies."""

    def __init__(self) -> None:
        self._looks: deque[Look] = deque()

    def see(self, look: Look) -> None:
        self._looks.append(look)
        while self._looks[0].at < look.at - MEMORY:
            self._looks.popleft()

    @property
    def a_second(self) -> float | None:
        """None while nobody can tell: too little to do lately, or nothing decided at all."""
        busy = [(a, b) for a, b in pairwise(self._looks) if min(a.undecided, b.undecided) >= ENOUGH]
        weighed = sum(b.weighed - a.weighed for a, b in busy)
        return weighed / sum(b.at - a.at for a, b in busy) if weighed else None


class Admission:
    """Turns applications away while more work lies ahead than is done in `max_seconds`.

    The number `max_backlog` bounds what no pace is known for: a house in which nothing is decided
    for now takes in that many. While the engine is away everything is taken: it is decided later.
    """

    def __init__(
        self,
        workload: Callable[[], Awaitable[Mapping[str, int]]],
        engine_is_up: Callable[[], bool],
        max_backlog: int,
        max_seconds: float,
    ) -> None:
        self._workload = workload
        self._engine_is_up = engine_is_up
        self._max_backlog = max_backlog
        self._max_seconds = max_seconds
        self._pace = Pace()
        self._a_second: float | None = None
        self._undecided = 0

    async def watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            try:
                found = await self._workload()
            except Unavailable:
                continue
            self.see(Look(time.monotonic(), found["undecided"], found["weighed"]))

    def see(self, look: Look) -> None:
        self._pace.see(look)
        self._a_second, self._undecided = self._pace.a_second, look.undecided

    def must_have_room(self) -> None:
        """Raises TooBusy while more waits than may; counts whoever it lets in until the next look."""
        most = self._most
        if self._undecided >= most and self._engine_is_up():
            raise TooBusy(
                f"{self._undecided} applications wait to be decided: nothing was taken in, send it again later.",
                retry_after=self._seconds_until(most / 2),  # so that whoever comes back finds room
            )
        self._undecided += 1

    @property
    def _most(self) -> float:
        at_this_pace = math.inf if self._a_second is None else self._a_second * self._max_seconds
        return min(self._max_backlog, at_this_pace)

    def _seconds_until(self, undecided: float) -> int:
        if self._a_second is None:
            return LONGEST_RETRY
        return min(max(math.ceil((self._undecided - undecided) / self._a_second), 1), LONGEST_RETRY)


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
