"""The figures of the overview, counted where the rows are: whatever the number of cases, some dozens of rows leave."""

import asyncio
from bisect import bisect
from collections import Counter, defaultdict
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
YES = ("approve", "counter_offer")
LOAN = ("vintage", "product", "currency")
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

# Every case is looked at once and counted four ways: what became of it, when it came, its risk, its vintage; those
# that are alike in all of it are put together first, for there are some thousands of them instead of all. Moments
# are found among the edges of weeks and months: to cut each by itself in a zone costs more than all the counting.
# `over`, only of a person's verdicts: whether the live cut would have said no.
COUNTED = f"""
with edge as materialized (
    select array(select generate_series(date_trunc(%(unit)s, greatest(min(accepted_at), %(since)s), %(zone)s),
                                        max(accepted_at), ('1 ' || %(unit)s)::interval, %(zone)s)) as ats,
           (select array(select generate_series(date_trunc('month', min(decided_at), %(zone)s),
                                                max(decided_at), '1 month', %(zone)s)) from decision) as months
    from application
), one as (
    select a.status, a.product, a.currency, d.outcome, d.outcome_source, t.application_id is not null as referred,
           floor(s.probability_of_default / {FINEST})::int as bin,
           width_bucket(a.accepted_at, (select ats from edge)) as at,
           case when d.outcome = 'approve' then width_bucket(d.decided_at, (select months from edge)) end as vintage,
           case when d.outcome_source = 'person' and %(cuts)s ? a.product
                then s.probability_of_default > (%(cuts)s ->> a.product)::float8 end as over
    {CHOSEN}
    left join review_task t on t.application_id = a.id and t.round = a.round
    {FITS}
), alike as (
    select status, product, currency, outcome, outcome_source, referred, over, bin, at, vintage, count(*) as n
    from one group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
)
select (array['state', 'moment', 'risk', 'vintage'])[g] as counted_by, status, product, currency, outcome,
       outcome_source, referred, over, bin, ats[at] as at,
       to_char(months[vintage] at time zone %(zone)s, 'YYYY-MM') as vintage, n
from edge, (
    select case 0 when grouping(status) then 1 when grouping(at) then 2 when grouping(bin) then 3 else 4 end as g,
           status, product, currency, outcome, outcome_source, referred, over, bin, at, vintage, sum(n)::bigint as n
    from alike
    group by grouping sets ((status, product, outcome, outcome_source, referred, over), (at, outcome, outcome_source),
                            (bin, outcome), (vintage, product, currency))
) counted
order by at, bin
"""

# `decided_at` is the run's clock, which stands still within a task: the end of the step that recorded it is real time.
YES_TIMES = f"""
with newest as (
    select a.id, a.round, a.accepted_at
    {CHOSEN}
    {FITS} and d.outcome in ('approve', 'counter_offer')
    order by a.accepted_at desc limit {NEWEST}
), yes_time as (
    select extract(epoch from max(step.started_at + step.duration_ms * interval '1 millisecond')
                              - y.accepted_at) as took
    from newest y
    join step_attempt step on step.application_id = y.id and step.round = y.round and step.step = 'record'
    group by y.id, y.accepted_at
)
select count(*) as n, percentile_cont(0.5) within group (order by took) as p50,
       percentile_cont(0.95) within group (order by took) as p95
from yes_time
"""

# Loans whose end is known, by month of decision; `taken` are offers that became loans.
ENDED = f"""
with ended as (
    select distinct on (o.application_id) o.application_id, o.bad, o.amount
    from outcome o
    where o.mark = 'final' and o.known_on <= current_date
    order by o.application_id, o.known_on desc, o.id desc
), known as (
    select date_trunc('month', d.decided_at at time zone %(zone)s) as vintage, a.product, a.currency,
           count(*) as known, count(*) filter (where d.outcome = 'counter_offer') as taken,
           count(*) filter (where e.bad) as bad, sum(e.amount) filter (where e.bad) as lost, sum(a.amount) as lent
    {CHOSEN}
    join ended e on e.application_id = a.id
    {FITS} and d.outcome in ('approve', 'counter_offer')
    group by 1, 2, 3
)
select to_char(vintage, 'YYYY-MM') as vintage, product, currency, known, taken, bad, lost, lent from known
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
        asked = vars(chosen) | {"cuts": Jsonb(dict(cuts))}
        counts, yes_times, ended, inquiries, waiting = await asyncio.gather(
            self._counted(COUNTED, asked),
            self._counted(YES_TIMES, asked),
            self._counted(ENDED, asked),
            self._counted(INQUIRIES, asked),
            self._database.rows(WAITING, asked),
        )
        by: dict[str, list[Row]] = defaultdict(list)
        for count in counts:
            by[count["counted_by"]].append(count)
        return (
            _by_state(by["state"])
            | _by_risk(by["risk"])
            | {
                "over_time": _over_time(by["moment"]),
                "vintages": _vintages(by["vintage"], ended),
                "time_to_yes": yes_times[0],
                "inquiries": inquiries,
                "waiting_on": waiting,
            }
        )

    async def _counted(self, statement: str, asked: Mapping[str, Any]) -> list[Row]:
        """Planned anew each time: a plan for any choice there could be takes twice as long as one for this choice. By
        one process each: they run beside one another already, and helpers would read the same rows once more."""
        async with self._database.transaction() as connection:
            await connection.execute(f"set local work_mem = '{ROOM}'")
            await connection.execute("set local max_parallel_workers_per_gather = 0")
            return await (await connection.execute(statement, asked, prepare=False)).fetchall()

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


# Sums of some hundreds of counts ------------------------------------------------------------------


def _by_state(rows: Sequence[Row]) -> Row:
    verdicts = [row for row in rows if row["over"] is not None]
    return {
        "applications": sum(row["n"] for row in rows),
        "referred": sum(row["n"] for row in rows if row["referred"]),
        "judged": sum(row["n"] for row in rows if row["referred"] or row["outcome"]),
        "by_status": _sums(rows, "status"),
        "by_outcome": _sums([row for row in rows if row["outcome"]], "product", "outcome", "outcome_source"),
        "verdicts": {
            "n": sum(row["n"] for row in verdicts),
            "against": sum(row["n"] for row in verdicts if row["over"] == (row["outcome"] in YES)),
        },
    }


def _by_risk(rows: Sequence[Row]) -> Row:
    scored = [row for row in rows if row["bin"] is not None]
    return {
        "scored": sum(row["n"] for row in scored),
        "histogram": _histogram(_sums(scored, "bin")),
        "bands": sorted(
            _sums([{"band": bisect(BANDS, row["bin"] * FINEST), "outcome": row["outcome"] or "open", "n": row["n"]}
                   for row in scored], "band", "outcome"),
            key=lambda row: (row["band"], row["outcome"]),
        ),
    }  # fmt: skip


def _over_time(rows: Sequence[Row]) -> list[Row]:
    by_person = {(row["at"], row["outcome"]): row["n"] for row in rows if row["outcome_source"] == "person"}
    return [
        {"at": row["at"], "outcome": row["outcome"] or "open", "n": row["n"],
         "by_person": by_person.get((row["at"], row["outcome"]), 0)}
        for row in _sums(rows, "at", "outcome")
    ]  # fmt: skip


def _vintages(granted: Sequence[Row], ended: Sequence[Row]) -> list[Row]:
    """Granted are all that were approved, and the offers that are known to have become loans."""
    loans: dict[tuple[str, ...], Row] = {}
    for row in granted:
        if row["vintage"]:
            loans[_loan(row)] = {"granted": row["n"], "known": 0, "bad": 0, "lost": None, "lent": None}
    for row in ended:
        before = loans.get(_loan(row), {"granted": 0})
        known = {name: row[name] for name in ("known", "bad", "lost", "lent")}
        loans[_loan(row)] = known | {"granted": before["granted"] + row["taken"]}
    return [dict(zip(LOAN, loan, strict=True)) | found for loan, found in sorted(loans.items())]


def _loan(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in LOAN)


def _sums(rows: Sequence[Row], *by: str) -> list[Row]:
    sums: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        sums[tuple(row[name] for name in by)] += row["n"]
    return [dict(zip(by, key, strict=True)) | {"n": n} for key, n in sums.items()]


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
