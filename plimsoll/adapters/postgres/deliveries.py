"""How far each receiver was told, and what comes next for it: sealed entries in their order, so nothing is skipped."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.domain.access import Actor
from plimsoll.domain.errors import NotFound
from plimsoll.domain.ledger import entry
from plimsoll.domain.telling import Delivery, StageEvent, without_free_text

LEASE = timedelta(minutes=2)  # more than ten events that each take as long as they may
BEGIN = """
insert into webhook_delivery (name, seq)
select %(name)s, coalesce(%(after)s, (select max(seq) from ledger_seal), 0) on conflict do nothing
"""
# One process at a time tells a receiver, or events would overtake each other.
CLAIM = """
update webhook_delivery set lease_until = %(now)s + %(lease)s
where name = %(name)s and coalesce(lease_until, '-infinity') <= %(now)s and coalesce(not_before, '-infinity') <= %(now)s
returning *
"""
SEALED = "select coalesce(max(seq), 0) as seq from ledger_seal"
NEXT = """
select s.seq, e.body, encode(e.digest, 'hex') as digest from ledger_seal s join ledger_entry e on e.id = s.entry_id
where s.seq > %(after)s and s.seq <= %(upto)s and (%(kinds)s::text[] is null or e.kind like any(%(kinds)s))
order by s.seq limit %(limit)s
"""
TOLD = """
update webhook_delivery set seq = %(seq)s, attempts = 0, not_before = null, last_error = null,
    told_at = case when %(told)s then %(now)s else told_at end,
    lease_until = case when %(done)s then null else %(now)s + %(lease)s end
where name = %(name)s and seq = %(was)s
"""
NOT_TAKEN = """
update webhook_delivery set attempts = attempts + 1, not_before = %(again)s, last_error = %(error)s, lease_until = null
where name = %(name)s
"""
MOVE = """
with moved as (
    update webhook_delivery set seq = %(seq)s, attempts = 0, not_before = null, lease_until = null, last_error = null
    where name = %(name)s returning name
), entered as (
    insert into ledger_entry (kind, application_id, body, digest)
    select 'webhook.moved', null, %(body)s, %(digest)s from moved
)
select name from moved
"""
LIST = "select *, (select coalesce(max(seq), 0) from ledger_seal) as newest from webhook_delivery order by name"


class Deliveries:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, name: str, after: int | None, now: datetime) -> Delivery | None:
        """Where this receiver stands; None while it rests after a failure or another process tells it.

        One that is new begins behind `after`, or with the next event.
        """
        asked = {"name": name, "after": after, "now": now, "lease": LEASE}
        row = await self._database.row(CLAIM, asked)
        if row is None and await self._database.run(BEGIN, asked):
            row = await self._database.row(CLAIM, asked)
        return None if row is None else _delivery(row)

    async def next(self, after: int, types: Sequence[str], limit: int) -> tuple[Sequence[StageEvent], int]:
        """The next events of these kinds, and up to where there is no other."""
        sealed = await self._database.row(SEALED)
        upto = sealed["seq"] if sealed else 0
        asked = {"after": after, "upto": upto, "kinds": beginnings(types), "limit": limit}
        rows = await self._database.rows(NEXT, asked)
        events = [
            StageEvent(seq=row["seq"], id=f"evt_{row['seq']}_{row['digest'][:16]}", body=_as_told(row)) for row in rows
        ]
        return events, events[-1].seq if len(events) == limit else max(upto, after)

    async def told(self, name: str, was: int, seq: int, now: datetime, *, told: bool, done: bool) -> bool:
        """From `was` up to this number everything was taken, or was nothing for it; False when it was moved since."""
        said = {"name": name, "was": was, "seq": seq, "now": now, "told": told, "done": done, "lease": LEASE}
        return await self._database.run(TOLD, said) == 1

    async def not_taken(self, name: str, error: str, again: datetime) -> None:
        await self._database.run(NOT_TAKEN, {"name": name, "error": error, "again": again})

    async def move(self, name: str, seq: int, *, by: Actor, reason: str, request: str, now: datetime) -> None:
        """The next one told is the first after this number. Raises NotFound."""
        written = entry(
            "webhook.moved", application=None, actor=by.id, reason=reason, request=request, at=now, webhook=name,
            after=seq,
        )  # fmt: skip
        said = {"name": name, "seq": seq, "body": written.body, "digest": written.digest}
        if await self._database.row(MOVE, said) is None:
            raise NotFound(f"Nobody called {name!r} is told of anything: `plimsoll webhook list` shows who is.")

    async def all(self) -> list[Row]:
        return await self._database.rows(LIST)


def beginnings(types: Sequence[str]) -> list[str] | None:
    """As patterns, in which what was written stands for itself; None for every kind."""
    escaped = (each.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for each in types)
    return [f"{each}%" for each in escaped] or None


def _delivery(row: Row) -> Delivery:
    return Delivery.model_validate({name: row[name] for name in Delivery.model_fields})


def _as_told(row: Row) -> bytes:
    """As `GET /v1/events` shows it, with the id under which a repeat is recognised, and without what staff wrote."""
    said = without_free_text(json.loads(bytes(row["body"])))
    event = {"id": f"evt_{row['seq']}_{row['digest'][:16]}", "seq": row["seq"], **said}
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
