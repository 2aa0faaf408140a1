"""What must still happen at the engine: starts and signals, kept until they are delivered."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from plimsoll.adapters.postgres.database import Database
from plimsoll.faultpoints import faultpoints
from plimsoll.ports import EngineTask, OpenRun, OwedAlert, RunTask

# A claim is a short lease on the row: a dispatcher that dies leaves nothing locked. Oldest first, and not
# longest due first: every attempt postpones a row, so after an outage the last come would be served first.
CLAIM = """
with due as (
    select o.id from outbox o
    where o.lane = %(lane)s and o.delivered_at is null and o.not_before <= now()
    order by o.id limit %(limit)s for update skip locked
), claimed as (
    update outbox set not_before = now() + %(lease)s, attempts = attempts + 1
    where id in (select id from due) returning id, kind, run_kind, application_id, payload, attempts
)
select c.*, a.round, a.run_suffix, a.lane, a.priority, a.product, a.status
from claimed c left join application a on a.id = c.application_id and c.run_kind is null order by c.id
"""

# Ten seconds, twenty, forty… an hour.
CLAIM_ALERTS = """
with due as (
    select id from outbox where lane = 'alert' and delivered_at is null and not_before <= now()
    order by id limit %(limit)s for update skip locked
)
update outbox set attempts = attempts + 1,
    not_before = now() + least(interval '1 hour', interval '10 seconds' * power(2, least(attempts, 10)))
where id in (select id from due) returning id, kind, application_id, payload
"""
GIVE_UP = "delete from outbox where lane = 'alert' and created_at < now() - interval '3 days'"

LEASE = timedelta(seconds=15)

OPEN_CASES = """
select id as application_id, round, run_suffix, lane, priority, product, status from application
where closed_at is null and accepted_at < now() - %(older_than)s
  and not exists (
      select 1 from outbox o where o.application_id = application.id and o.lane = 'engine' and o.kind = 'start'
        and o.delivered_at is null
  )
order by accepted_at
"""


class Outbox:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, limit: int, lane: str = "engine") -> Sequence[EngineTask | RunTask]:
        """Up to `limit` due tasks, leased: whatever is not confirmed comes back by itself."""
        rows = await self._database.rows(CLAIM, {"lane": lane, "limit": limit, "lease": LEASE})
        return [_run_task(row) if row["run_kind"] else _task(row) for row in rows]

    async def claim_alerts(self, limit: int) -> Sequence[OwedAlert]:
        """What somebody outside is to be told of. Whatever nobody takes comes back later and later, for three days."""
        rows = await self._database.rows(CLAIM_ALERTS, {"limit": limit})
        return [
            OwedAlert(id=row["id"], key=f"{row['application_id']}/{row['kind']}/{row['id']}", event=row["payload"])
            for row in rows
        ]

    async def given_up(self) -> int:
        """Alerts that nobody took in all that time; the ledger knows what they were about."""
        return await self._database.run(GIVE_UP)

    @faultpoints("deliver")
    async def delivered(self, *tasks: int) -> None:
        await self._database.run("delete from outbox where id = any(%(ids)s)", {"ids": list(tasks)})

    async def failed(self, task: int, error: str, again_in: float) -> None:
        await self._database.run(
            "update outbox set last_error = %(error)s, not_before = now() + make_interval(secs => %(secs)s) "
            "where id = %(id)s",
            {"id": task, "error": error, "secs": again_in},
        )

    async def backlog(self) -> int:
        """Accepted applications that nobody has started yet."""
        row = await self._database.row(
            "select count(*) as n from outbox where lane = 'engine' and kind = 'start' and run_kind is null "
            "and delivered_at is null"
        )
        return row["n"] if row else 0

    async def open_cases(self, older_than: timedelta) -> Sequence[EngineTask]:
        """Undecided cases that should have a live run by now."""
        rows = await self._database.rows(OPEN_CASES, {"older_than": older_than})
        return [_task(row | {"id": 0, "kind": "start"}) for row in rows]

    async def has_ended(self, application: str) -> bool:
        row = await self._database.row(
            "select closed_at is not null as ended from application where id = %(id)s", {"id": application}
        )
        return bool(row and row["ended"])

    async def start_under_new_id(self, application: str) -> int:
        """The engine holds a finished run of this id (restored from a backup): count the suffix up."""
        row = await self._database.row(
            "update application set run_suffix = run_suffix + 1 where id = %(id)s returning run_suffix",
            {"id": application},
        )
        assert row is not None
        return row["run_suffix"]


def _task(row: dict[str, Any]) -> EngineTask:
    return EngineTask(
        id=row["id"],
        kind=row["kind"],
        application=row["application_id"],
        round=row["round"],
        run_suffix=row["run_suffix"],
        lane=row["lane"],
        priority=row["priority"],
        product=row["product"],
        status=row["status"],
        attempts=row.get("attempts", 1),
        payload=row.get("payload", {}),
    )


def _run_task(row: dict[str, Any]) -> RunTask:
    payload = row["payload"]
    return RunTask(
        id=row["id"],
        kind=row["kind"],
        run=OpenRun(
            kind=row["run_kind"],
            id=row["application_id"],
            product=payload.get("product", ""),
            priority=payload.get("priority", 3),
        ),
    )
