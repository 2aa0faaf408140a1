"""Decisions with what became of them, as columns; what many share is sent once, beside the numbers of all of them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.domain.models.metrics import Shares
from plimsoll.domain.models.outcomes import EARLY, Mark
from plimsoll.domain.models.performance import Judged, Places, Words
from plimsoll.domain.values import Outcome

# Outcomes are gathered once for all cases, and what is read of a decision or a score stands in an index. Few words are
# shared by very many cases: they are sent once, the numbers as arrays.
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
select d.outcome, s.model, s.model_version, s.arm, h.marks, count(*) as n,
       array_agg(date_part('epoch', d.decided_at)) as decided_at,
       array_agg(s.sample_probability) as sample_probability,
       array_agg(s.probability_of_default) as probability_of_default,
       array_agg(h.bad::int::float8) as bad, array_agg(h.amount::float8) as amount
from application a
join decision d on d.application_id = a.id and d.round = a.round
left join score s on s.application_id = a.id and s.round = a.round
left join heard h on h.application_id = a.id
where a.product = %(product)s and d.decided_at < %(until)s
group by 1, 2, 3, 4, 5
"""


class Performance:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def judged(self, product: str, as_of: date) -> Judged:
        """Everything decided until the end of this day (UTC), with what was known of it by then."""
        until = datetime.combine(as_of + timedelta(days=1), time.min, UTC)
        asked = {"product": product, "as_of": as_of, "until": until}
        async with self._database.transaction() as connection:
            await connection.execute("set local work_mem = '64MB'")
            await connection.execute("set local jit = off")  # compiling would take longer than counting
            # Each helper would gather all outcomes for itself: with two it takes half as long again.
            await connection.execute("set local max_parallel_workers_per_gather = 0")
            return _columns(await (await connection.execute(JUDGED, asked, binary=True, prepare=False)).fetchall())


def _columns(groups: Sequence[Row]) -> Judged:
    decided_at = _numbers(groups, "decided_at")
    bad, marks = _numbers(groups, "bad"), {mark: _marks(groups, mark) for mark in EARLY}
    outcome = _words(groups, [row["outcome"] for row in groups])
    # A counter-offer was taken when something is known of how it went.
    heard = np.any(~np.isnan([bad, *marks.values()]), axis=0)
    judged = Judged(
        vintage=_months(decided_at),
        granted=(outcome == Outcome.APPROVE.value) | ((outcome == Outcome.COUNTER_OFFER.value) & heard),
        sample_probability=_numbers(groups, "sample_probability"),
        probability_of_default=_numbers(groups, "probability_of_default"),
        bad=bad,
        amount=_numbers(groups, "amount"),
        model=_words(groups, [row["model"] and f"{row['model']}@{row['model_version']}" for row in groups]),
        arm=_words(groups, [row["arm"] for row in groups]),
        marks=marks,
    )
    return judged.where(np.argsort(decided_at, kind="stable"))


def _months(decided_at: Shares) -> Words:
    """YYYY-MM of seconds; each month is written once, not once for each of its cases."""
    months, month_of = np.unique(
        (decided_at * 1e6).astype("datetime64[us]").astype("datetime64[M]"), return_inverse=True
    )
    return months.astype(str).astype(object)[month_of]


def _numbers(groups: Sequence[Row], name: str) -> Shares:
    return np.concatenate([np.empty(0), *(np.array(row[name], dtype=np.float64) for row in groups)])


def _words(groups: Sequence[Row], said: Sequence[str | None]) -> Words:
    return np.repeat(np.array(said, dtype=object), _counts(groups))


def _marks(groups: Sequence[Row], mark: Mark) -> Shares:
    said = [(row["marks"] or {}).get(mark.value) for row in groups]
    return np.repeat(np.array([np.nan if bad is None else float(bad) for bad in said]), _counts(groups))


def _counts(groups: Sequence[Row]) -> Places:
    return np.array([row["n"] for row in groups], dtype=np.intp)
