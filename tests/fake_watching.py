"""The log of transactions kept in memory, with the same promises."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import numpy as np

from plimsoll.domain.watching.batch import Batch
from plimsoll.domain.watching.events import Event
from plimsoll.domain.watching.rows import EVENT_ROW, Rows, plain_digest
from plimsoll.ports.watching import AcceptedEvents


class FakeTransactionLog:
    """A customer's person is `per_` and a number of 26 digits."""

    def __init__(self) -> None:
        self._people: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self._rows = np.empty(0, EVENT_ROW)
        self._seq = 0
        self._news = asyncio.Event()

    def person_of(self, customer: str) -> str:
        return self._people.setdefault(customer, f"per_{len(self._people) + 1:026d}")

    async def accept(self, events: Sequence[Event] | Batch, *, now: datetime) -> AcceptedEvents:
        batch = events if isinstance(events, Batch) else Batch.of(events)
        new = 0
        for place, name in enumerate(batch.transaction_ids):
            if name in self._keys:
                continue
            person = self.person_of(batch.customers[place])
            self._keys[name] = person
            self._seq += 1
            row = batch.rows[place : place + 1].copy()
            row["seq"], row["person"] = self._seq, person.encode()
            row["account"] = plain_digest(batch.accounts[place] or "") if batch.accounts[place] else 0
            row["merchant"] = plain_digest(batch.merchants[place] or "") if batch.merchants[place] else 0
            self._rows = np.concatenate([self._rows, row])
            new += 1
        self._news.set()
        return AcceptedEvents(new=new, repeated=len(batch) - new)

    async def made_ready(self, batch: Batch) -> Batch:
        return batch

    async def take_in(self, ready: Batch) -> AcceptedEvents:
        return await self.accept(ready, now=datetime.now(UTC))

    async def after(self, seq: int, limit: int) -> Rows:
        return self._rows[self._rows["seq"] > seq][:limit]

    async def newest(self) -> int:
        return self._seq

    async def history(self, people: Sequence[str], *, known_by: datetime | None = None) -> Rows:
        wanted = np.isin(self._rows["person"], [person.encode() for person in people])
        if known_by:
            wanted &= self._rows["known_at"] <= np.datetime64(known_by.astimezone(UTC).replace(tzinfo=None))
        found = self._rows[wanted]
        return found[np.lexsort((found["seq"], found["person"]))]

    async def scan(
        self, *, after: str = "", people: int = 2000, known_by: datetime | None = None
    ) -> AsyncIterator[Rows]:
        waiting = sorted(person for person in self._people.values() if person > after)
        for start in range(0, len(waiting), people):
            rows = await self.history(waiting[start : start + people], known_by=known_by)
            if len(rows):
                yield rows

    async def erase(self, people: Sequence[str]) -> int:
        gone = np.isin(self._rows["person"], [person.encode() for person in people])
        self._rows = self._rows[~gone]
        self._keys = {name: person for name, person in self._keys.items() if person not in people}
        self._people = {customer: person for customer, person in self._people.items() if person not in people}
        return int(gone.sum())

    async def arrivals(self) -> AsyncIterator[None]:
        while True:
            yield
            self._news.clear()
            await self._news.wait()
