"""Tells receivers outside of every stage event, in order, until they take it: a loop beside the outreach queue."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from plimsoll.domain.errors import Unavailable
from plimsoll.domain.telling import Receiver, pause_after
from plimsoll.ports.telling import DeliveryBook, EventSender, ReceiverList

log = structlog.get_logger()

AT_ONCE = 50
CONFIRMED_EVERY = 10  # events; a crash tells so many again
IDLE = 0.5
AWAY = 5.0


class Telling:
    """Several may run: a lease lets one tell a receiver at a time. At least once, each under the same id."""

    def __init__(self, receivers: ReceiverList, book: DeliveryBook, sender: EventSender) -> None:
        self._receivers = receivers
        self._book = book
        self._sender = sender

    async def run(self) -> None:
        while True:
            try:
                told = await self.tell_all(datetime.now(UTC))
                await asyncio.sleep(0 if told else IDLE)
            except Unavailable as error:
                log.warning("telling.waits", code=error.code)
                await asyncio.sleep(AWAY)

    async def tell_all(self, now: datetime) -> int:
        """Some events to everybody; how many were taken. One who is away holds up nobody else."""
        receivers: Mapping[str, Receiver] = self._receivers.all()
        return sum(await asyncio.gather(*(self._tell(name, to, now) for name, to in receivers.items())))

    async def _tell(self, name: str, receiver: Receiver, now: datetime) -> int:
        delivery = await self._book.claim(name, receiver.after, now)
        if delivery is None:
            return 0
        events, upto = await self._book.next(delivery.seq, receiver.types, AT_ONCE)
        stretch = _Stretch(self._book, name, delivery.seq, now)
        for number, event in enumerate(events, start=1):
            try:
                await self._sender.send(receiver, event)
            except Unavailable as error:
                await self._not_taken(stretch, delivery.attempts, error)
                return number - 1
            stretch.taken = event.seq
            if number % CONFIRMED_EVERY == 0 and not await stretch.confirm():
                return number
        await stretch.end(upto)
        return len(events)

    async def _not_taken(self, stretch: "_Stretch", attempts: int, error: Unavailable) -> None:
        """What was taken before it is, and the next stretch begins with this one."""
        attempts = 1 if stretch.taken else attempts + 1
        if await stretch.confirm():
            log.warning("telling.not_taken", receiver=stretch.name, attempts=attempts, code=error.code)
            await self._book.not_taken(stretch.name, str(error), stretch.now + pause_after(attempts))


@dataclass
class _Stretch:
    """Some events on their way to one receiver, and how far they were taken."""

    book: DeliveryBook
    name: str
    told: int  # on record
    begun: datetime
    taken: int = 0
    _began: float = field(default_factory=time.monotonic)

    @property
    def now(self) -> datetime:
        return self.begun + timedelta(seconds=time.monotonic() - self._began)

    async def confirm(self) -> bool:
        """Puts on record what was taken; False when somebody moved the receiver meanwhile."""
        return self.taken <= self.told or await self._write(self.taken, done=False)

    async def end(self, upto: int) -> None:
        await self._write(upto, done=True)

    async def _write(self, seq: int, *, done: bool) -> bool:
        was, self.told = self.told, seq
        return await self.book.told(self.name, was, seq, self.now, told=self.taken > 0, done=done)
