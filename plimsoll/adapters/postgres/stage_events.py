"""What happened, in order, for whoever follows: the sealed record, without what is nobody else's business.

The numbers are the chain's: they rise by one, and nothing appears later below one that was read.
"""

import json
from typing import Any

from plimsoll.adapters.postgres.database import Database, Row

AFTER = """
select s.seq, e.kind, e.application_id, e.body, s.sealed_at
from ledger_seal s join ledger_entry e on e.id = s.entry_id
where s.seq > %(after)s and (%(kinds)s::text[] is null or e.kind like any(%(kinds)s))
order by s.seq limit %(limit)s
"""
# Who did it and why, and digests of what was sealed, are for whoever reads the ledger.
KEPT_BACK = {"v", "kind", "application", "actor", "reason", "request", "at", "body", "row", "digest"}


class StageEvents:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def after(self, seq: int, limit: int, kinds: tuple[str, ...] = ()) -> list[Row]:
        """`kinds`: beginnings, such as `intervention.`."""
        patterns = [f"{kind.replace('%', '')}%" for kind in kinds] or None
        rows = await self._database.rows(AFTER, {"after": seq, "kinds": patterns, "limit": limit})
        return [_event(row) for row in rows]

    async def newest(self) -> int:
        row = await self._database.row("select coalesce(max(seq), 0) as seq from ledger_seal")
        assert row is not None
        return row["seq"]


def _event(row: Row) -> dict[str, Any]:
    body = json.loads(bytes(row["body"]))
    return {
        "seq": row["seq"],
        "type": row["kind"],
        "about": row["application_id"],
        "at": body["at"],
        "sealed_at": row["sealed_at"],
        "facts": {name: value for name, value in body.items() if name not in KEPT_BACK},
    }
