"""What watching a portfolio needs of the outside."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from plimsoll.domain.access import Actor
from plimsoll.domain.values import Value
from plimsoll.domain.watching.batch import Batch
from plimsoll.domain.watching.clocks import Clock
from plimsoll.domain.watching.events import Event, Feed
from plimsoll.domain.watching.judging import Judged, Judgement, Known
from plimsoll.domain.watching.rows import Rows
from plimsoll.domain.watching.state import Records


class AcceptedEvents(Value):
    """What became of events that were handed in: each is new, or was there before."""

    new: int = 0
    repeated: int = 0


class RejectedLine(NamedTuple):
    """A line that is no event, by its number where it stood. What it says is kept as a keyed digest alone."""

    number: int
    problem: str
    content: bytes


class FileProgress(Value):
    """A file on its way in: how many of its lines are done, and what became of them."""

    id: int
    lines: int = 0
    new: int = 0
    repeated: int = 0
    rejected: int = 0
    started_at: datetime
    ended_at: datetime | None = None


class RejectedLineStore(Protocol):
    """Lines that were no events, for whoever has to mend them."""

    async def keep(
        self,
        lines: Sequence[RejectedLine],
        *,
        feed: Feed,
        source: str,
        actor: Actor,
        request: str | None,
        now: datetime,
    ) -> None:
        """Names them on record; a line that comes again is kept once."""
        ...


class FeedPage(Value):
    """One page of somebody else's account: lines as a sender would write them, and where the next one begins."""

    lines: tuple[dict[str, Any], ...]
    cursor: str
    has_more: bool


class TransactionFeed(Protocol):
    """An account elsewhere, read page by page."""

    async def page(self, cursor: str) -> FeedPage:
        """What comes after this cursor ("" at the very beginning). Raises SourceBusy, SourceUnavailable."""
        ...


class FeedBook(Protocol):
    """The feeds this house reads, and how far each is read."""

    def names(self) -> Sequence[str]: ...

    def names_of(self, provider: str) -> Sequence[str]: ...

    def feed(self, name: str) -> TransactionFeed:
        """Raises NotFound."""
        ...

    async def fits(self, provider: str, headers: Mapping[str, str], body: bytes, at: int) -> bool:
        """Whether a notice is signed as its provider signs. Raises Unavailable when that cannot be found out now."""
        ...

    async def cursor(self, name: str) -> str:
        """Where the next page begins; "" at the very beginning."""
        ...

    async def move(self, name: str, cursor: str, *, now: datetime) -> None: ...


class TransactionLog(Protocol):
    """Every event once, in the order of acceptance: whoever has read up to a number misses nothing below it."""

    async def accept(self, events: Sequence[Event] | Batch, *, now: datetime) -> AcceptedEvents:
        """Commits what is new of these events, in any order and however often they come."""
        ...

    async def made_ready(self, batch: Batch) -> Any:
        """For `take_in`: what may be done while others are being written."""
        ...

    async def take_in(self, ready: Any) -> AcceptedEvents:
        """Commits what is new of a batch that was made ready, as `accept` does."""
        ...

    async def after(self, seq: int, limit: int) -> Rows:
        """The next events after this number, in order; none that is committed later will stand before them."""
        ...

    async def newest(self) -> int:
        """The number of the event accepted last; 0 when there is none."""
        ...

    async def history(self, people: Sequence[str], *, known_by: datetime | None = None) -> Rows:
        """Everything of these people that could be known by then, by person and then in order of acceptance."""
        ...

    def scan(self, *, after: str = "", people: int = 2000, known_by: datetime | None = None) -> AsyncIterator[Rows]:
        """The history of every person after this one, so many people a time, in order of their ids."""
        ...

    async def erase(self, people: Sequence[str]) -> int:
        """Deletes every event of these people, whose keys are destroyed already; says how many there were."""
        ...

    def arrivals(self) -> AsyncIterator[None]:
        """A beat whenever something new is there to be read, and when some may have been missed; never ends."""
        ...


class Cursor(Value):
    """How far the stream is read, and when the newest of it was known."""

    name: str
    seq: int
    watermark: datetime | None = None


@dataclass(frozen=True)
class StateBlock:
    """Records of some customers; `private` holds what is sensitive, apart."""

    people: npt.NDArray[np.bytes_]
    states: Records
    private: Records
    clocks: npt.NDArray[np.int32]  # by which each goes
    due: npt.NDArray[np.int64]  # the day by which something regular will have failed to come; NOTHING_DUE

    @cached_property
    def names(self) -> list[str]:
        return [person.decode() for person in self.people.tolist()]

    def tells_the_same_as(self, other: "StateBlock") -> bool:
        """Of the same people the same records: then both are judged alike."""
        return (self.people.tobytes(), self.states.tobytes(), self.private.tobytes()) == (
            other.people.tobytes(), other.states.tobytes(), other.private.tobytes(),
        )  # fmt: skip

    def of(self, places: npt.NDArray[np.int64]) -> "StateBlock":
        """Copies of those at these places."""
        return StateBlock(
            self.people[places], self.states[places], self.private[places], self.clocks[places], self.due[places]
        )


class WatchedStore(Protocol):
    """States and risks of customers. `connection` is the open transaction (psycopg) that
    `reading`, `waiting_for` or `beside` gave."""

    def reading(self, name: str, now: datetime) -> AbstractAsyncContextManager[tuple[Any, Cursor] | None]:
        """A transaction that holds this reader's cursor; None when somebody else does."""
        ...

    def waiting_for(self, name: str, now: datetime) -> AbstractAsyncContextManager[tuple[Any, Cursor]]:
        """The same for whoever may wait until it is their turn."""
        ...

    def beside(self, name: str, now: datetime) -> AbstractAsyncContextManager[tuple[Any, Cursor]]:
        """A transaction that waits for nobody, to read ahead in: as long as the cursor stays, no record changes."""
        ...

    async def move(
        self, connection: Any, cursor: Cursor, now: datetime, *, events: int = 0, judged: int = 0, triggers: int = 0
    ) -> None:
        """Moves the cursor, and counts."""
        ...

    async def states(self, connection: Any, people: Sequence[str]) -> StateBlock:
        """Of those who have one, in order of their ids."""
        ...

    async def outdated(self, connection: Any, people: Sequence[str]) -> list[str]:
        """Those whose record is of an older layout: it is to be made anew from their history."""
        ...

    async def block(self, connection: Any, after: str, upto: str | None, limit: int) -> StateBlock:
        """The next customers after this id, up to the other."""
        ...

    async def due(self, connection: Any, today: Mapping[int, date], limit: int) -> list[str]:
        """Of whom something regular will not have come by the day that it is by their clock."""
        ...

    async def clocks_of(self, connection: Any, people: Sequence[str]) -> npt.NDArray[np.int32]:
        """The clock of each one's product, in this order; that of no product for whom none was said."""
        ...

    async def clocks(self, connection: Any) -> dict[int, Clock]:
        """Where every clock stands."""
        ...

    async def set_clocks(self, connection: Any, clocks: Mapping[int, Clock]) -> None: ...

    async def write_states(self, connection: Any, block: StateBlock, now: datetime) -> None: ...

    async def known(self, connection: Any, people: Sequence[str]) -> dict[str, Known]:
        """Of those who were judged before."""
        ...

    async def at_risk(self, connection: Any, people: Sequence[str]) -> dict[str, Known]:
        """Of those who are, or were handed over."""
        ...

    async def write_risks(
        self,
        connection: Any,
        judged: Sequence[tuple[str, Judgement, str, bool]],
        help_offers: dict[str, Sequence[str]],
        now: datetime,
    ) -> None:
        """Each with person, why it was looked at, and whether it was handed over. Changes of level are kept."""
        ...

    async def touch_risks(
        self, connection: Any, people: Any, judged: Judged, places: Any, because: str, now: datetime
    ) -> None:
        """Of those at no risk who were at none before: probability, and no reasons."""
        ...
