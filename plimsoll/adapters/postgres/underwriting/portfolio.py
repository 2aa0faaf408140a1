"""The figures of the overview, counted where the rows are: whatever the number of cases, some dozens of rows leave."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.domain.underwriting.overview import BANDS, Chosen

NEWEST = 5000  # cases whose steps are looked up one by one
HEALTH_LOOKS_BACK = timedelta(hours=24)
FINEST = 0.0025  # of the histogram's bins
COARSER = (1, 2, 4, 8, 10)  # times as wide, so that they fit into this many
MOST_BINS = 40
NEARLY_ALL = 0.99
ROOM = "64MB"  # for sorting and hashing: a hundred thousand cases need not go by way of the disk

# What is read here stands in indexes (`…_cohort`): a row of these tables carries its sealed body along.
CHOSEN = """
from application a
left join decision d on d.application_id = a.id and d.round = a.round
left join score s on s.application_id = a.id and s.round = a.round
"""
FITS = """
where (%(product)s::text is null or a.product = %(product)s)
  and (%(since)s::timestamptz is null or a.accepted_at >= %(since)s)
  and (%(until)s::timestamptz is null or a.accepted_at < %(until)s)
  and (%(outcome)s::text is null or d.outcome = %(outcome)s)
  and (%(arm)s::text is null or s.arm = %(arm)s)
  and (%(version)s::text is null or s.model || '@' || s.model_version = %(version)s)
"""

# Every case is looked at once, into cells of what it is counted by; the figures are sums of those few thousand.
# `decided_at` is the run's clock, which stands still within a task: the end of the step that recorded it is real time.
FIGURES = f"""
with cohort as materialized (
    select a.id, a.round, a.product, a.currency, a.status, a.amount, a.accepted_at, d.outcome, d.outcome_source,
           d.decided_at, s.probability_of_default as risk, t.application_id is not null as referred
    {CHOSEN}
    left join review_task t on t.application_id = a.id and t.round = a.round
    {FITS}
), cells as materialized (
    select status, product, currency, outcome, outcome_source, referred,
           width_bucket(risk, %(bands)s::float8[]) as band,
           date_trunc(%(unit)s::text, accepted_at, %(zone)s::text) as at,
           case when outcome = 'approve'
                then date_trunc('month', decided_at at time zone %(zone)s::text) end as vintage,
           count(*) as n, count(risk) as scored
    from cohort group by 1, 2, 3, 4, 5, 6, 7, 8, 9
), newest_yeses as (
    select id, round, accepted_at from cohort where outcome in ('approve', 'counter_offer')
    order by decided_at desc limit {NEWEST}
), yes_times as (
    select extract(epoch from max(step.started_at + step.duration_ms * interval '1 millisecond')
                              - y.accepted_at) as took
    from newest_yeses y
    join step_attempt step on step.application_id = y.id and step.round = y.round and step.step = 'record'
    group by y.id, y.accepted_at
), ended as (
    select distinct on (o.application_id) o.application_id, o.bad, o.amount
    from outcome o
    where o.mark = 'final' and o.known_on <= current_date
    order by o.application_id, o.known_on desc, o.id desc
), granted as (
    select vintage, product, currency, sum(n) as n from cells where vintage is not null group by 1, 2, 3
), known as (
    select date_trunc('month', c.decided_at at time zone %(zone)s::text) as vintage, c.product, c.currency,
           count(*) as n, count(*) filter (where c.outcome = 'counter_offer') as taken,
           count(*) filter (where e.bad) as bad, sum(e.amount) filter (where e.bad) as lost, sum(c.amount) as lent
    from ended e join cohort c on c.id = e.application_id
    where c.outcome in ('approve', 'counter_offer') group by 1, 2, 3
), loans as (
    select to_char(vintage, 'YYYY-MM') as vintage, product, currency,
           coalesce(g.n, 0) + coalesce(k.taken, 0) as granted, coalesce(k.n, 0) as known,
           coalesce(k.bad, 0) as bad, k.lost, k.lent
    from granted g full join known k using (vintage, product, currency)
)
select (select coalesce(sum(n), 0)::bigint from cells) as applications,
       (select coalesce(sum(n), 0)::bigint from cells where referred) as referred,
       (select coalesce(sum(n), 0)::bigint from cells where referred or outcome is not null) as judged,
       (select coalesce(sum(scored), 0)::bigint from cells) as scored,
       (select jsonb_agg(x) from (select status, sum(n) as n from cells group by 1) x) as by_status,
       (select jsonb_agg(x) from (
            select product, outcome, outcome_source, sum(n) as n from cells where outcome is not null
            group by 1, 2, 3) x) as by_outcome,
       (select jsonb_agg(x order by x.at) from (
            select at, coalesce(outcome, 'open') as outcome, sum(n) as n,
                   coalesce(sum(n) filter (where outcome_source = 'person'), 0) as by_person
            from cells group by 1, 2) x) as over_time,
       (select jsonb_agg(x order by x.bin) from (
            select floor(risk / {FINEST})::int as bin, count(*) as n from cohort where risk is not null
            group by 1) x) as risks,
       (select jsonb_agg(x) from (
            select band, coalesce(outcome, 'open') as outcome, sum(n) as n
            from cells where scored > 0 group by 1, 2 order by 1, 2) x) as bands,
       (select jsonb_build_object('n', count(*), 'p50', percentile_cont(0.5) within group (order by took),
                                  'p95', percentile_cont(0.95) within group (order by took))
            from yes_times) as time_to_yes,
       (select jsonb_build_object('n', count(*), 'against', count(*) filter (
                    where (risk > (%(cuts)s ->> product)::float8) = (outcome in ('approve', 'counter_offer'))))
            from cohort where outcome_source = 'person' and risk is not null and %(cuts)s ? product) as verdicts,
       (select jsonb_agg(x order by x.vintage, x.product) from loans x) as vintages
"""

INQUIRIES = f"""
select a.product, a.currency, e.source, count(*) as n
{CHOSEN} join evidence_request e on e.application_id = a.id and e.sent_at is not null
{FITS} group by 1, 2, 3
"""

WAITING = f"""
select e.source, count(*) as n, min(e.waiting_since) as since
{CHOSEN} join evidence_request e on e.application_id = a.id and e.round = a.round
{FITS} and e.state in ('reserved', 'sent') and e.last_error is not null group by e.source
"""

# Every try counts: a source that answers the third time is not well. The moments of an inquiry are the run's clock.
ANSWERS = f"""
select s.source, count(*) as asked, count(*) filter (where s.result = 'done') as answered,
       percentile_cont(0.5) within group (order by s.duration_ms / 1000) filter (where s.result = 'done') as p50,
       percentile_cont(0.95) within group (order by s.duration_ms / 1000) filter (where s.result = 'done') as p95
from (select id from application where accepted_at >= %(since)s order by accepted_at desc limit {NEWEST}) a
join step_attempt s on s.application_id = a.id and s.step = 'pull' and s.source is not null
group by s.source order by s.source
"""

# From one arm and version to the next along the index: a handful of looks, however many were scored.
ARMS = """
with recursive found as (
    (select arm, model, model_version from score order by 1, 2, 3 limit 1)
    union all
    select next.* from found, lateral (
        select s.arm, s.model, s.model_version from score s
        where (s.arm, s.model, s.model_version) > (found.arm, found.model, found.model_version)
        order by 1, 2, 3 limit 1) next
)
select model || '@' || model_version as version, arm from found
"""


class Portfolio:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def figures(self, chosen: Chosen, cuts: Mapping[str, float]) -> Row:
        """Everything the overview draws. `cuts`: by product, the risk above which the score alone would say no."""
        asked = vars(chosen) | {"cuts": Jsonb(dict(cuts)), "bands": list(BANDS)}
        (row,), inquiries, waiting = await asyncio.gather(
            self._counted(FIGURES, asked), self._counted(INQUIRIES, asked), self._database.rows(WAITING, asked)
        )
        found = {name: [] if value is None else value for name, value in row.items()}
        return found | {"histogram": _histogram(found.pop("risks")), "inquiries": inquiries, "waiting_on": waiting}

    async def _counted(self, statement: str, asked: Mapping[str, Any]) -> list[Row]:
        async with self._database.transaction() as connection:
            await connection.execute(f"set local work_mem = '{ROOM}'")
            return await (await connection.execute(statement, asked)).fetchall()

    async def answers(self, now: datetime) -> list[Row]:
        """How each source answered in the last day, for the newest cases; times in seconds, of answers."""
        return await self._database.rows(ANSWERS, {"since": now - HEALTH_LOOKS_BACK})

    async def first_day(self) -> date | None:
        """Of the first application ever accepted (UTC)."""
        row = await self._database.row("select min(accepted_at)::date as day from application")
        return row["day"] if row else None

    async def arms(self) -> dict[str, Any]:
        """What there is to choose from: versions that ever scored a case, and arms they did it in."""
        rows = await self._database.rows(ARMS)
        return {name: sorted({row[name] for row in rows}) for name in ("version", "arm")}


def _histogram(fine: Sequence[Row]) -> list[Row]:
    """In the narrowest bins of which forty hold nearly all; the last takes what lies beyond."""
    total, below, edge = sum(row["n"] for row in fine), 0, 0
    for row in fine:
        if below >= NEARLY_ALL * total:
            break
        below, edge = below + row["n"], row["bin"] + 1
    times = next((times for times in COARSER if times * MOST_BINS >= edge), COARSER[-1])
    counts: dict[int, int] = {}
    for row in fine:
        place = min(row["bin"] // times, MOST_BINS)
        counts[place] = counts.get(place, 0) + row["n"]
    width = FINEST * times
    return [{"above": place * width, "width": width, "n": n} for place, n in sorted(counts.items())]
