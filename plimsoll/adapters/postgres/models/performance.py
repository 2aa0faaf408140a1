"""Decisions with what became of them, as columns: read in portions, since there may be very many."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.domain.models.outcomes import EARLY
from plimsoll.domain.models.performance import Judged
from plimsoll.domain.values import Outcome

PORTION = 5000

# Outcomes are gathered once for all cases, and what is read of a decision or a score stands in an index.
JUDGED = """
with told as (
    select distinct on (application_id, mark) application_id, mark, bad, amount
    from outcome where known_on <= %(as_of)s
    order by application_id, mark, known_on desc, id desc
), heard as (
    select application_id, bool_or(bad) filter (where mark = 'final') as bad,
           max(amount) filter (where mark = 'final') as amount,
           jsonb_object_agg(mark, bad) filter (where mark <> 'final') as marks
    from told group by application_id
)
select to_char(d.decided_at at time zone 'UTC', 'YYYY-MM') as vintage, d.outcome, s.sample_probability,
       s.probability_of_default, s.model || '@' || s.model_version as model, s.arm, h.bad, h.amount, h.marks
from application a
join decision d on d.application_id = a.id and d.round = a.round
left join score s on s.application_id = a.id and s.round = a.round
left join heard h on h.application_id = a.id
where a.product = %(product)s and d.decided_at < %(until)s
order by d.decided_at, a.id
"""


class Performance:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def judged(self, product: str, as_of: date) -> Judged:
        """Everything decided until the end of this day (UTC), with what was known of it by then."""
        until = datetime.combine(as_of + timedelta(days=1), time.min, UTC)
        asked = {"product": product, "as_of": as_of, "until": until}
        parts = [_columns(rows) async for rows in self._portions(asked)] or [_columns([])]
        names = parts[0].keys()
        joined = {name: np.concatenate([part[name] for part in parts]) for name in names}
        marks = {mark: joined.pop(mark.value) for mark in EARLY}
        return Judged(**joined, marks=marks)

    async def _portions(self, asked: dict[str, Any]) -> AsyncIterator[list[Row]]:
        async with self._database.transaction() as connection, connection.cursor("judged") as cursor:
            # All of it is read, so the first rows need not come early at the price of the last.
            await connection.execute("set local cursor_tuple_fraction = 1")
            await connection.execute("set local work_mem = '64MB'")
            await cursor.execute(JUDGED, asked)
            while rows := await cursor.fetchmany(PORTION):
                yield rows


def _columns(rows: Sequence[Row]) -> dict[str, Any]:
    told = {
        "vintage": np.array([row["vintage"] for row in rows], dtype=object),
        "granted": np.array([_granted(row) for row in rows], dtype=np.bool_),
        "model": np.array([row["model"] for row in rows], dtype=object),
        "arm": np.array([row["arm"] for row in rows], dtype=object),
    }
    for name in ("sample_probability", "probability_of_default", "bad", "amount"):
        told[name] = _numbers([row[name] for row in rows])
    for mark in EARLY:
        told[mark.value] = _numbers([(row["marks"] or {}).get(mark.value) for row in rows])
    return told


def _granted(row: Row) -> bool:
    """A counter-offer was taken when something is known of how it went."""
    if row["outcome"] == Outcome.COUNTER_OFFER:
        return row["bad"] is not None or row["marks"] is not None
    return row["outcome"] == Outcome.APPROVE


def _numbers(values: Sequence[Any]) -> Any:
    return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)
