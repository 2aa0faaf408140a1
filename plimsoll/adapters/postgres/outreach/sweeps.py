"""Looks at the whole portfolio: where its ranges begin, and what each sweep came to."""

from collections.abc import Sequence
from datetime import datetime

from plimsoll.adapters.postgres.database import Database
from plimsoll.domain.access import SYSTEM
from plimsoll.domain.ledger import entry

BOUNDARIES = """
select distinct unnest(percentile_disc(%(shares)s::float[]) within group (order by person_id)) as person
from customer_state order by person
"""
# Once: a step that is run again finds its entry.
ENDED = """
insert into ledger_entry (kind, application_id, body, digest)
select 'portfolio.swept', %(about)s, %(body)s, %(digest)s
where not exists (select 1 from ledger_entry where application_id = %(about)s and kind = 'portfolio.swept')
"""


class SweepStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def boundaries(self, ranges: int) -> Sequence[str]:
        """The last customer of every range but the last one."""
        if ranges < 2:
            return []
        shares = [part / ranges for part in range(1, ranges)]
        rows = await self._database.rows(BOUNDARIES, {"shares": shares})
        return [row["person"] for row in rows if row["person"] is not None]

    async def ended(self, key: str, judged: int, triggers: int, now: datetime) -> None:
        written = entry(
            "portfolio.swept",
            application=None,
            actor=SYSTEM.id,
            reason="scheduled",
            request=key,
            at=now,
            sweep=key,
            judged=judged,
            triggers=triggers,
        )
        await self._database.run(ENDED, {"about": f"sweep/{key}", "body": written.body, "digest": written.digest})
