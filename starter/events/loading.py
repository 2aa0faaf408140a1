"""A file of events straight into the log, by COPY, and how far it is kept beside it.

It works on Postgres itself, not through the API: a file of millions would else take the API's
time from those who are being decided about. While Postgres writes one portion the next is read.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Protocol

from plimsoll.domain.access import Actor
from plimsoll.domain.watching.events import Feed
from plimsoll.ports.watching import AcceptedEvents, FileProgress
from plimsoll.wiring.watching import WatchPorts
from starter.events.files import Portion

UNDER_WAY = 2  # portions that Postgres is given ahead of the one it writes
Told = Callable[[FileProgress, Portion], None]


class Portions(Protocol):
    @property
    def feed(self) -> Feed: ...

    def portions(self, now: datetime, skip: int = 0) -> Iterator[Portion]: ...


async def load(
    watch: WatchPorts, file: Portions, name: str, progress: FileProgress, *, actor: Actor, told: Told
) -> FileProgress:
    """Everything of the file that is not done yet. What was interrupted goes on behind the last portion on record."""
    under_way: deque[tuple[Portion, asyncio.Task[AcceptedEvents]]] = deque()

    async def settle() -> None:
        nonlocal progress
        portion, accepting = under_way.popleft()
        accepted = await accepting
        now = datetime.now(UTC)
        await watch.rejected.keep(portion.rejected, feed=file.feed, source=name, actor=actor, request=None, now=now)
        progress = progress.model_copy(
            update={
                "lines": progress.lines + len(portion.numbers),
                "new": progress.new + accepted.new,
                "repeated": progress.repeated + accepted.repeated,
                "rejected": progress.rejected + len(portion.rejected),
            }
        )
        await watch.loads.advance(progress, now=now)
        told(progress, portion)

    portions = file.portions(datetime.now(UTC), progress.lines)
    while portion := await asyncio.to_thread(next, portions, None):
        accepting = asyncio.create_task(watch.log.accept(portion.batch, now=datetime.now(UTC)))
        under_way.append((portion, accepting))
        while len(under_way) > UNDER_WAY:
            await settle()
    while under_way:
        await settle()
    now = datetime.now(UTC)
    progress = progress.model_copy(update={"ended_at": now})
    await watch.loads.advance(progress, now=now)
    return progress
