"""Circuit breaker and pace of each source, shared by all workers through Postgres."""

import time
from datetime import UTC, datetime, timedelta

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.domain.errors import SourceBusy, SourceUnavailable

FAILURES_TO_OPEN = 5
OPEN_FOR = timedelta(seconds=15)  # then one call is let through to see
MEMORY = 0.5  # seconds a worker trusts what it read of a breaker


class SourceGate:
    """Asked before every call and told after. While a breaker is open calls wait instead of hurting."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: dict[str, tuple[float, int, datetime | None]] = {}

    async def permit(self, source: str, rate_per_second: float | None) -> None:
        """Returns when a call may be made. Raises SourceUnavailable (open) or SourceBusy (our own limit)."""
        _, open_until = await self._state(source)
        now = datetime.now(UTC)
        if open_until and open_until > now:
            wait = (open_until - now).total_seconds()
            raise SourceUnavailable(
                f"The circuit to {source} is open for {wait:.0f} s more.", kind="breaker_open", retry_after=wait
            )
        if rate_per_second:
            await self._take_slot(source, rate_per_second)

    async def succeeded(self, source: str) -> None:
        failures, _ = await self._state(source)
        if failures:
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

    async def _state(self, source: str) -> tuple[int, datetime | None]:
        seen = self._seen.get(source)
        if seen and time.monotonic() - seen[0] < MEMORY:
            return seen[1], seen[2]
        row = await self._database.row(
            "select failures, open_until from source_state where source = %(source)s", {"source": source}
        )
        failures, open_until = (row["failures"], row["open_until"]) if row else (0, None)
        self._seen[source] = (time.monotonic(), failures, open_until)
        return failures, open_until

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
