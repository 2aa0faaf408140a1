"""The figures of the overview, counted where the rows are: whatever the number of cases, some dozens of rows leave."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.domain.overview import BANDS, Chosen

NEWEST = 5000  # cases whose steps are looked up one by one
HEALTH_LOOKS_BACK = timedelta(hours=24)
MOST_BINS = 40

COHORT = """
with cohort as materialized (
    select a.id, a.round, a.product, a.currency, a.status, a.amount, a.accepted_at,
           d.outcome, d.outcome_source, d.decided_at, d.outcome in ('approve', 'counter_offer') as yes,
           t.id is not null as referred, s.probability_of_default as risk
    from application a
    left join decision d on d.application_id = a.id and d.round = a.round
    left join score s on s.application_id = a.id and s.round = a.round
    left join review_task t on t.application_id = a.id and t.round = a.round
    where (%(product)s::text is null or a.product = %(product)s)
      and (%(since)s::timestamptz is null or a.accepted_at >= %(since)s)
      and (%(until)s::timestamptz is null or a.accepted_at < %(until)s)
      and (%(outcome)s::text is null or d.outcome = %(outcome)s)
      and (%(arm)s::text is null or s.arm = %(arm)s)
      and (%(version)s::text is null or s.model || '@' || s.model_version = %(version)s)
)
"""

# `decided_at` is the run's clock, which stands still within a task: the end of the step that recorded it is real time.
FIGURES = f"""
{COHORT}, scale as (
    select min(width) as width from unnest(array[0.0025, 0.005, 0.01, 0.02, 0.025]) as width
    where width * {MOST_BINS} >= (select coalesce(percentile_cont(0.99) within group (order by risk), 0) from cohort)
       or width = 0.025
), newest_yeses as (
    select id, round, accepted_at from cohort where yes order by decided_at desc limit {NEWEST}
), yes_times as (
    select extract(epoch from max(step.started_at + step.duration_ms * interval '1 millisecond')
                              - y.accepted_at) as took
    from newest_yeses y
    join step_attempt step on step.application_id = y.id and step.round = y.round and step.step = 'record'
    group by y.id, y.accepted_at
), ended as (
    select distinct on (o.application_id) o.application_id, o.bad, o.amount
    from outcome o join cohort c on c.id = o.application_id
    where o.mark = 'final' and o.known_on <= current_date
    order by o.application_id, o.known_on desc, o.id desc
), loans as (
    select to_char(c.decided_at at time zone %(zone)s::text, 'YYYY-MM') as vintage, c.product, c.currency, c.amount,
           e.bad, e.amount as lost, e.application_id is not null as known
    from cohort c left join ended e on e.application_id = c.id
    where c.outcome = 'approve' or (c.outcome = 'counter_offer' and e.application_id is not null)
)
select (select count(*) from cohort) as applications,
       (select count(*) from cohort where referred) as referred,
       (select count(risk) from cohort) as scored,
       (select jsonb_agg(x) from (
            select status, count(*) as n from cohort group by 1) x) as by_status,
       (select jsonb_agg(x) from (
            select product, outcome, outcome_source, count(*) as n from cohort where outcome is not null
            group by 1, 2, 3) x) as by_outcome,
       (select jsonb_agg(x order by x.at) from (
            select date_trunc(%(unit)s::text, accepted_at, %(zone)s::text) as at, coalesce(outcome, 'open') as outcome,
                   count(*) as n, count(*) filter (where outcome_source = 'person') as by_person
            from cohort group by 1, 2) x) as over_time,
       (select jsonb_agg(x order by x.above) from (
            select least(floor(risk / width), {MOST_BINS}) * width as above, max(width) as width, count(*) as n
            from cohort, scale where risk is not null group by least(floor(risk / width), {MOST_BINS}), width
            ) x) as histogram,
       (select jsonb_agg(x) from (
            select width_bucket(risk, %(bands)s::float8[]) as band, coalesce(outcome, 'open') as outcome, count(*) as n
            from cohort where risk is not null group by 1, 2 order by 1, 2) x) as bands,
       (select jsonb_build_object('n', count(*), 'p50', percentile_cont(0.5) within group (order by took),
                                  'p95', percentile_cont(0.95) within group (order by took))
            from yes_times) as time_to_yes,
       (select jsonb_build_object('n', count(*), 'against', count(*) filter (
                    where (risk > (%(cuts)s ->> product)::float8) = yes))
            from cohort where outcome_source = 'person' and risk is not null and %(cuts)s ? product) as verdicts,
       (select jsonb_agg(x order by x.vintage, x.product) from (
            select vintage, product, currency, count(*) as granted, count(*) filter (where known) as known,
                   count(*) filter (where bad) as bad, sum(lost) filter (where bad) as lost,
                   sum(amount) filter (where known) as lent
            from loans group by 1, 2, 3) x) as vintages,
       (select jsonb_agg(x) from (
            select c.product, c.currency, e.source, count(*) as n
            from evidence_request e join cohort c on c.id = e.application_id
            where e.sent_at is not null group by 1, 2, 3) x) as inquiries
"""

WAITING = f"""
{COHORT}
select e.source, count(*) as n, min(e.waiting_since) as since
from evidence_request e join cohort c on c.id = e.application_id and c.round = e.round
where e.state in ('reserved', 'sent') and e.last_error is not null group by e.source
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

ARMS = "select distinct model || '@' || model_version as version, arm from score"


class Portfolio:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def figures(self, chosen: Chosen, cuts: Mapping[str, float]) -> Row:
        """Everything the overview draws. `cuts`: by product, the risk above which the score alone would say no."""
        asked = vars(chosen) | {"cuts": Jsonb(dict(cuts)), "bands": list(BANDS)}
        row = await self._database.row(FIGURES, asked)
        assert row is not None
        return {name: [] if value is None else value for name, value in row.items()} | {
            "waiting_on": await self._database.rows(WAITING, asked)
        }

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
