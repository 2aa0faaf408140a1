"""Lines that were no events: where they stood and what is wrong, for whoever has to mend them."""

from collections.abc import Sequence
from datetime import datetime

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.domain.access import Actor
from plimsoll.domain.watching.events import Feed
from plimsoll.ports import Vault
from plimsoll.ports.watching import RejectedLine

KEEP = """
insert into rejected_line (feed, source, line, problem, digest, actor_id, request_id, at)
select %(feed)s, %(source)s, n.line, n.problem, n.digest, %(actor)s, %(request)s, %(now)s
from unnest(%(lines)s::int[], %(problems)s::text[], %(digests)s::bytea[]) as n(line, problem, digest)
order by n.digest
on conflict (digest) do nothing
"""
LISTED = """
select r.id, r.feed, r.source, r.line, r.problem, actor.name as sent_by, r.request_id, r.at
from rejected_line r join actor on actor.id = r.actor_id
where (%(feed)s::text is null or r.feed = %(feed)s) and (%(before)s::bigint is null or r.id < %(before)s)
order by r.id desc limit %(limit)s
"""


class RejectedLines:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

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
        if lines:
            await self._database.run(
                KEEP,
                {
                    "feed": feed.value,
                    "source": source,
                    "actor": actor.id,
                    "request": request,
                    "now": now,
                    "lines": [line.number for line in lines],
                    "problems": [line.problem for line in lines],
                    "digests": [self._vault.fingerprint(b"rejected/" + line.content) for line in lines],
                },
            )

    async def listed(self, *, limit: int, before: int | None = None, feed: Feed | None = None) -> list[Row]:
        """The newest first."""
        return await self._database.rows(LISTED, {"limit": limit, "before": before, "feed": feed and feed.value})

    async def count(self) -> int:
        row = await self._database.row("select count(*) as n from rejected_line")
        return row["n"] if row else 0

    async def forget_before(self, moment: datetime) -> int:
        return await self._database.run("delete from rejected_line where at < %(moment)s", {"moment": moment})
