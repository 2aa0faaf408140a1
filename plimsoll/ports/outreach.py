"""What reaching a customer needs of the outside."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from plimsoll.domain.outreach.episode import Trigger, Triggered


class Interventions(Protocol):
    """Episodes as those see them who notice something. `connection` is the caller's open transaction (psycopg)."""

    async def trigger(self, connection: Any, trigger: Trigger, now: datetime) -> Triggered:
        """Opens an episode, updates the open one, or refuses by a named rule; exactly once with the caller's commit."""
        ...

    async def wake(self, connection: Any, intervention: str) -> None:
        """Its run looks again once the caller has committed. For whatever a run waits on."""
        ...

    async def wake_people(self, connection: Any, people: Sequence[str]) -> None:
        """The same for whoever of these has an open episode: they paid, they were flagged, they opted out."""
        ...
