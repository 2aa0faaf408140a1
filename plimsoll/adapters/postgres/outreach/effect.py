"""How episodes went, counted by the arm and level they were dealt: nothing younger than the day it is read for."""

from datetime import datetime

from plimsoll.adapters.postgres.database import Database
from plimsoll.domain.outreach.hold_out import Followed

# A clock that a person moved on is no experience: those episodes are left out.
FOLLOWED = """
select i.arm, i.stratum, d.day, count(*)::int as ripe, count(o.missed)::int as known,
       (count(*) filter (where o.missed))::int as missed
from intervention i cross join unnest(%(days)s::int[]) as d(day)
left join intervention_outcome o on o.intervention_id = i.id and o.day = d.day
where i.opened_at + make_interval(days => d.day) <= %(now)s and i.clock_offset = 0
group by i.arm, i.stratum, d.day order by d.day, i.arm, i.stratum
"""
MONTHLY = """
select count(*)::float as n from intervention
where opened_at > %(now)s - interval '30 days' and opened_at <= %(now)s and clock_offset = 0
"""


class EffectCounts:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def followed(self, days: tuple[int, ...], now: datetime) -> tuple[Followed, ...]:
        rows = await self._database.rows(FOLLOWED, {"days": list(days), "now": now})
        return tuple(Followed(**row) for row in rows)

    async def monthly(self, now: datetime) -> float | None:
        """Episodes opened in the last thirty days; None when there was none."""
        row = await self._database.row(MONTHLY, {"now": now})
        return row["n"] if row and row["n"] else None
