"""What is under way besides applications: for the reconciler and `plimsoll redrive`, and for people to look at."""

from collections.abc import Sequence
from datetime import timedelta

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.ports import OpenRun

OPEN = """
select 'training' as kind, id, product from training
where ended_at is null and started_at < now() - %(older_than)s
  and not exists (select 1 from retraining r where r.training_id = training.id and r.ended_at is null) -- its parent's
union all
select 'retraining', id, product from retraining
where ended_at is null and started_at < now() - %(older_than)s
union all
select 'rollout', id, product from rollout
where ended_at is null and started_at < now() - %(older_than)s
union all
select 'intervention', id, product from intervention
where ended_at is null and recorded_at < now() - %(older_than)s
  and not exists (select 1 from outbox o where o.application_id = intervention.id and o.kind = 'start')
order by id
"""

UNDER_WAY = """
select 'training' as kind, id, product, state, started_at, null::text as waits_on, null::timestamptz as until
from training where ended_at is null
union all
select 'retraining', id, product, state, started_at, null, null from retraining where ended_at is null
union all
select 'rollout', id, product, state, started_at, 'phase ' || (phase + 1), deadline from rollout where ended_at is null
union all
select 'intervention', id, product, state, recorded_at, waits_on, until from intervention where ended_at is null
"""
LIST = f"""
select * from ({UNDER_WAY}) as run
where (%(kind)s::text is null or kind = %(kind)s) and (%(after)s::text is null or id < %(after)s)
order by id desc limit %(limit)s
"""
COUNTS = f"select kind, count(*) as n from ({UNDER_WAY}) as run group by kind order by kind"


class OpenRunList:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_runs(self, older_than: timedelta) -> Sequence[OpenRun]:
        return [OpenRun(**row) for row in await self._database.rows(OPEN, {"older_than": older_than})]

    async def under_way(self, kind: str | None, after: str | None, limit: int) -> list[Row]:
        """Those that have not ended, the newest first, with what each waits on."""
        return await self._database.rows(LIST, {"kind": kind, "after": after, "limit": limit})

    async def counts(self) -> list[Row]:
        """How many of each kind have not ended."""
        return await self._database.rows(COUNTS)
