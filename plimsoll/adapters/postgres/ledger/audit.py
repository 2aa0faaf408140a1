"""The record as a list for people: what was entered, by whom, why, the newest first."""

import json
from datetime import datetime

from plimsoll.adapters.postgres.database import Database, Row

LOOKS_BACK = 100_000  # entries: a rare name must not read millions of them

# Read from the newest on, until the page is full: what is beside an entry is looked up for these alone. Who did it
# stands in the entry's own bytes, which are canonical: nothing else in them can look like it.
ENTRIES = f"""
with found as materialized (
    select id, application_id, body, recorded_at from ledger_entry
    where (%(before)s::bigint is null or id < %(before)s)
      and id > (select coalesce(max(id), 0) from ledger_entry) - {LOOKS_BACK}
      and (%(about)s::text is null or application_id = %(about)s)
      and (%(kind)s::text is null or kind like %(kind)s)
      and (%(since)s::timestamptz is null or recorded_at >= %(since)s)
      and (%(until)s::timestamptz is null or recorded_at < %(until)s)
      and (%(actors)s::bytea[] is null or exists (
          select 1 from unnest(%(actors)s::bytea[]) as actor(bytes) where position(actor.bytes in body) > 0))
    order by id desc limit %(limit)s
)
select n.id as entry, n.body, n.recorded_at, s.seq, actor.name as actor_name, application.product as of_product
from found n
left join ledger_seal s on s.entry_id = n.id
left join application on application.id = n.application_id
left join actor on actor.id = convert_from(n.body, 'UTF8')::jsonb ->> 'actor'
order by n.id desc
"""
ACTORS = "select id from actor where name = %(actor)s or id = %(actor)s"


class Audit:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def entries(
        self,
        *,
        limit: int,
        before: int | None = None,
        kind: str | None = None,
        actor: str | None = None,
        about: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Row]:
        """Newest first, of the last hundred thousand entries. `kind` is the beginning of one, such as `model.`

        `of_product` is that of the application which an entry is about.
        """
        actors = None
        if actor:
            actors = [_as_written(row["id"]) for row in await self._database.rows(ACTORS, {"actor": actor})]
            if not actors:
                return []
        asked = {"limit": limit, "before": before, "actors": actors, "about": about, "since": since, "until": until}
        rows = await self._database.rows(ENTRIES, asked | {"kind": _beginning(kind)})
        shown = ("entry", "seq", "recorded_at", "actor_name", "of_product")
        return [{**json.loads(bytes(row["body"])), **{name: row[name] for name in shown}} for row in rows]


def _as_written(actor: str) -> bytes:
    """How an entry's canonical bytes name who did it."""
    return b'"actor":' + json.dumps(actor, ensure_ascii=False).encode()


def _beginning(kind: str | None) -> str | None:
    """As a pattern, in which what the caller wrote stands for itself."""
    if not kind:
        return None
    return kind.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
