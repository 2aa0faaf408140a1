"""What should be under way besides applications, for the reconciler and `plimsoll redrive`."""

from collections.abc import Sequence
from datetime import timedelta

from plimsoll.adapters.postgres.database import Database
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


class OpenRunList:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_runs(self, older_than: timedelta) -> Sequence[OpenRun]:
        return [OpenRun(**row) for row in await self._database.rows(OPEN, {"older_than": older_than})]
