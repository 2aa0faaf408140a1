"""What reaching a customer needs of the outside."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Protocol

from plimsoll.domain.access import Actor
from plimsoll.domain.outreach.contact import Begun, Channel, Contact, Outgoing, Receipt
from plimsoll.domain.outreach.episode import Ending, EpisodeState, Trigger, Triggered
from plimsoll.domain.outreach.strategy import By
from plimsoll.domain.outreach.templates import Text
from plimsoll.domain.values import Value


class Interventions(Protocol):
    """Episodes as those see them who notice something. `connection` is the caller's open transaction (psycopg)."""

    async def trigger(self, connection: Any, trigger: Trigger, now: datetime) -> Triggered:
        """Opens an episode, updates the open one, or refuses by a named rule; exactly once with the caller's commit."""
        ...

    async def wake(self, connection: Any, intervention: str) -> None:
        """Its run looks again once the caller has committed. For whatever a run waits on."""
        ...

    async def wants(self, connection: Any, intervention: str, step: int) -> bool:
        """Whether the episode still wants this step; it cannot be cancelled before the caller has committed."""
        ...

    async def wake_people(self, connection: Any, people: Sequence[str]) -> None:
        """The same for whoever of these has an open episode: they paid, they were flagged, they opted out."""
        ...


class Reach(Value):
    """A message that is due."""

    step: int
    by: By
    template: str


class Stands(Value):
    """Where an episode stands after a look: a message is due, it waits, or it has ended."""

    id: str
    person: str
    product: str
    state: EpisodeState
    ending: Ending | None
    reach: Reach | None = None
    until: datetime | None = None
    waits_on: str = ""


class Episodes(Protocol):
    """Episodes as their runs see them."""

    async def look(self, intervention: str, now: datetime, asked: bool = False) -> Stands:
        """Does what follows from all that is known; `asked`: the governor's word of a moment ago. Raises NotFound."""
        ...


class OutUntil(Value):
    """What an episode waits for once its message has left."""

    answer_by: datetime
    wakes_at: datetime
    waits_on: str


class Opening(Value):
    """How an episode begins: where it stands, or its first message in the hands of this very caller."""

    stands: Stands
    begun: Begun | None = None
    once_out: OutUntil | None = None


class FirstMessages(Protocol):
    """The first message of an episode, as quickly as it can be sent without being sent twice."""

    async def begin(self, intervention: str, now: datetime) -> Opening:
        """Looks, and where a message is due the governor is asked and it is begun, all at once. Raises NotFound."""
        ...

    async def is_out(self, opening: Opening, receipt: Receipt, now: datetime) -> Stands:
        """What the gateway said of it, and where the episode stands by that."""
        ...


class Gateway(Protocol):
    """Whoever carries messages of one channel."""

    name: str
    dedupes: bool  # the same contact id again is the same message
    tells: bool  # it can be asked what became of a contact id

    async def hand_over(self, message: Outgoing) -> Receipt:
        """With the contact's id as key. Raises GatewayUnavailable, GatewayRefused."""
        ...

    async def status(self, message: Outgoing) -> Receipt | None:
        """What became of a message handed over earlier; None when it never arrived there. Only where it `tells`."""
        ...


class Contacts(Protocol):
    """Every contact with anybody, and the governor's word on each, given inside the transaction that acts on it."""

    async def permit(
        self,
        intervention: str,
        person: str,
        step: int,
        channel: Channel,
        template: str,
        due_on: date | None,
        now: datetime,
    ) -> Contact:
        """The contact of this step, made unless it is there; `permitted`, or `refused` by a named rule."""
        ...

    async def get(self, contact: str) -> Contact:
        """Raises NotFound."""
        ...

    async def begin(self, contact: str, now: datetime) -> Begun:
        """The governor looks once more, and the row moves to `sending`: only this caller then holds the message."""
        ...

    async def outgoing(self, contact: str) -> Outgoing:
        """The message again, for asking what became of it."""
        ...

    async def heard(self, contact: str, receipt: Receipt, now: datetime) -> Contact:
        """What the gateway said itself, in answer to us. An earlier state never follows a later one."""
        ...

    async def interrupted(self, contact: Contact, why: str, arrived: bool, now: datetime) -> None:
        """A call failed. When it surely never arrived, the row goes back to `permitted`."""
        ...

    async def take_back(self, contact: Contact, now: datetime) -> Contact:
        """The call that was under way never arrived, or may be repeated without harm: the governor is asked anew."""
        ...

    async def park(self, contact: Contact, now: datetime) -> Contact:
        """Nobody can tell what became of it: a person finds out."""
        ...


class Calls(Protocol):
    """Calls that people make: the same governor, the same counting. `connection` is the caller's open transaction."""

    async def call_within(
        self, connection: Any, task: str, intervention: str, person: str, template: str, *, by: Actor, now: datetime
    ) -> Contact:
        """About to dial: counted from now on, or refused by a named rule. One task, one call."""
        ...

    async def called(self, connection: Any, task: str, talked: bool, now: datetime) -> None:
        """How it went: a talk begins a pause of its own."""
        ...

    async def script(self, person: str, template: str) -> Text:
        """What to say, filled in. Raises NotFound."""
        ...

    async def number_of(self, person: str) -> str | None: ...


class Sweeps(Protocol):
    """Looks at the whole portfolio."""

    async def boundaries(self, ranges: int) -> Sequence[str]:
        """The last customer of every range but the last one."""
        ...

    async def ended(self, key: str, judged: int, triggers: int, now: datetime) -> None: ...
