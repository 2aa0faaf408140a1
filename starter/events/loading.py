"""A file of events straight into the log, by COPY, and how far it is kept beside it.

It works on Postgres itself, not through the API: a file of millions would else take the API's
time from those who are being decided about. While Postgres writes one portion the next is read and made ready.
"""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Protocol

from plimsoll.domain.access import Actor
from plimsoll.domain.watching.events import Feed
from plimsoll.ports.watching import AcceptedEvents, FileProgress
from plimsoll.wiring.watching import WatchPorts
from starter.events.files import Portion

Told = Callable[[FileProgress, Portion], None]


class Portions(Protocol):
    @property
    def feed(self) -> Feed: ...

    def portions(self, now: datetime, skip: int = 0) -> Iterator[Portion]: ...


async def load(
    watch: WatchPorts, file: Portions, name: str, progress: FileProgress, *, actor: Actor, told: Told
) -> FileProgress:
    """Everything of the file that is not done yet. What was interrupted goes on behind the last portion on record."""

    async def note(portion: Portion, accepted: AcceptedEvents) -> None:
        nonlocal progress
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
    before: tuple[Portion, asyncio.Task[AcceptedEvents]] | None = None
    while portion := await asyncio.to_thread(next, portions, None):
        ready = await watch.log.made_ready(portion.batch)
        accepted = await before[1] if before else None  # so portions go in one behind the other
        writing = portion, asyncio.create_task(watch.log.take_in(ready))
        if before and accepted:
            await note(before[0], accepted)
        before = writing
    if before:
        await note(before[0], await before[1])
    now = datetime.now(UTC)
    progress = progress.model_copy(update={"ended_at": now})
    await watch.loads.advance(progress, now=now)
    return progress
