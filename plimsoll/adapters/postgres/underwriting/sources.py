"""Circuit breaker and pace of each source, shared by all workers through Postgres."""

import time
from datetime import timedelta
from typing import NamedTuple

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.domain.errors import SourceBusy, SourceUnavailable

FAILURES_TO_OPEN = 5
OPEN_FOR = timedelta(seconds=15)  # then one call is let through to see, and another each time as long passes
MEMORY = 0.5  # seconds a worker trusts what it read of a breaker


class Circuit(NamedTuple):
    """As this worker last read it. Postgres counts the time that is left, so that no machine's clock matters."""

    failures: int
    open_until: float  # on this process's monotonic clock
    read_at: float

    @property
    def open_for(self) -> float:
        return self.open_until - time.monotonic()

    @property
    def needs_a_probe(self) -> bool:
        return self.failures >= FAILURES_TO_OPEN


class SourceGate:
    """Asked before every call and told after. While a breaker is open calls wait instead of hurting."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: dict[str, Circuit] = {}

    async def permit(self, source: str, rate_per_second: float | None) -> None:
        """Returns when a call may be made. Raises SourceUnavailable (open) or SourceBusy (our own limit)."""
        circuit = await self._state(source)
        if circuit.open_for > 0:
            raise still_open(source, circuit.open_for)
        if rate_per_second:
            await self._take_slot(source, rate_per_second)
        if circuit.needs_a_probe:
            await self._take_the_probe(source)

    async def succeeded(self, source: str) -> None:
        if (await self._state(source)).failures:
            await self.close_circuit(source)

    async def failed(self, source: str) -> None:
        """Counts a failure; the fifth in a row opens the circuit."""
        await self._database.run(
            """
            insert into source_state (source, failures) values (%(source)s, 1)
            on conflict (source) do update set failures = source_state.failures + 1, changed_at = now(),
                open_until = case when source_state.failures + 1 >= %(limit)s then now() + %(open_for)s
                             else source_state.open_until end
            """,
            {"source": source, "limit": FAILURES_TO_OPEN, "open_for": OPEN_FOR},
        )
        self._seen.pop(source, None)

    async def states(self) -> list[Row]:
        return await self._database.rows("select * from source_state order by source")

    async def close_circuit(self, source: str) -> None:
        """Forgets past failures, whatever this worker remembers: the source is back."""
        await self._database.run(
            "update source_state set failures = 0, open_until = null, changed_at = now() where source = %(source)s",
            {"source": source},
        )
        self._seen.pop(source, None)

    async def _state(self, source: str) -> Circuit:
        seen = self._seen.get(source)
        if seen and time.monotonic() - seen.read_at < MEMORY:
            return seen
        return await self._read(source)

    async def _read(self, source: str) -> Circuit:
        now = time.monotonic()  # before asking: then a wait is never held to be longer than it is
        row = await self._database.row(
            """
            select failures, coalesce(extract(epoch from open_until - now()), 0)::float8 as open_for
            from source_state where source = %(source)s
            """,
            {"source": source},
        )
        failures, open_for = (row["failures"], row["open_for"]) if row else (0, 0.0)
        self._seen[source] = Circuit(failures, open_until=now + open_for, read_at=now)
        return self._seen[source]

    async def _take_the_probe(self, source: str) -> None:
        """The time is over: of all who ask, the one whose update finds it over may try, and the others wait on."""
        won = await self._database.run(
            """
            update source_state set open_until = now() + %(open_for)s, changed_at = now()
            where source = %(source)s and failures >= %(limit)s
                and coalesce(open_until, now()) <= now()
            """,
            {"source": source, "limit": FAILURES_TO_OPEN, "open_for": OPEN_FOR},
        )
        circuit = await self._read(source)
        if not won and circuit.needs_a_probe:  # somebody else tries; a circuit closed meanwhile stops nobody
            raise still_open(source, circuit.open_for)

    async def _take_slot(self, source: str, rate_per_second: float) -> None:
        """GCRA with a burst of one second, as one upsert."""
        row = await self._database.row(
            """
            insert into source_state as s (source, next_slot) values (%(source)s, now() + %(gap)s)
            on conflict (source) do update set next_slot = greatest(coalesce(s.next_slot, now()), now()) + %(gap)s
                where greatest(coalesce(s.next_slot, now()), now()) <= now() + interval '1 second'
            returning next_slot
            """,
            {"source": source, "gap": timedelta(seconds=1 / rate_per_second)},
        )
        if row is None:
            raise SourceBusy(
                f"Our own limit of {rate_per_second:g} calls a second to {source} is used up.", retry_after=1.0
            )


def still_open(source: str, wait: float) -> SourceUnavailable:
    return SourceUnavailable(
        f"The circuit to {source} is open for {wait:.0f} s more.", kind="breaker_open", retry_after=wait
    )
