"""Outcomes on record: each report stands alone, and each row has its ledger entry in the same statement."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.ledger.stating import STATEMENTS
from plimsoll.domain.access import Actor
from plimsoll.domain.errors import NotFound, PlimsollError
from plimsoll.domain.ledger import Entry, entry
from plimsoll.domain.models.outcomes import Candidate, Mark, OutcomeReport, Said, problem_of, the_one_meant

# Locked in the order of their ids, so that two loads at once wait for each other and never for ever.
CANDIDATES = """
with meant as (
    select a.id from application a
    where (a.id = any(%(ids)s) or a.external_id = any(%(numbers)s))
      and (%(mine)s::text is null or a.accepted_by = %(mine)s)
    order by a.id for no key update
)
select a.id, a.external_id, a.product, a.status, d.decided_at
from meant join application a on a.id = meant.id
left join decision d on d.application_id = a.id and d.round = a.round
order by a.id
"""

NEWEST = """
select distinct on (application_id, mark) application_id, mark, bad, observed_on, known_on, amount
from outcome where application_id = any(%(ids)s)
order by application_id, mark, known_on desc, id desc
"""

RECORD = """
with news as (
    select * from unnest(%(application_id)s::text[], %(mark)s::text[], %(bad)s::boolean[], %(observed_on)s::date[],
        %(known_on)s::date[], %(amount)s::numeric[], %(kind)s::text[], %(body)s::bytea[], %(digest)s::bytea[])
        as n(application_id, mark, bad, observed_on, known_on, amount, kind, body, digest)
), made as (
    insert into outcome (application_id, mark, bad, observed_on, known_on, amount, source, recorded_by, recorded_at)
    select application_id, mark, bad, observed_on, known_on, amount, %(source)s, %(actor)s, %(now)s from news
)
insert into ledger_entry (kind, application_id, body, digest)
select kind, application_id, body, digest from news
"""

HISTORY = """
select o.application_id, o.mark, case when o.bad then 'bad' else 'good' end as label, o.observed_on, o.known_on,
       o.amount, o.source, actor.name as recorded_by, o.recorded_at
from outcome o join actor on actor.id = o.recorded_by
where o.application_id = %(application)s order by o.mark, o.known_on, o.id
"""

FINAL_LABELS = """
select distinct on (o.application_id) o.application_id, o.bad, o.observed_on, o.known_on, o.amount
from outcome o join application a on a.id = o.application_id
where a.product = %(product)s and o.mark = 'final' and o.known_on <= %(known_by)s
order by o.application_id, o.known_on desc, o.id desc
"""


@dataclass(frozen=True)
class Reported:
    """What became of one report: `recorded`, `repeated` (it was on record) or `refused`, and then why."""

    report: OutcomeReport
    result: str
    application: str | None = None
    error: PlimsollError | None = None


class Outcomes:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def report(
        self,
        reports: Sequence[OutcomeReport],
        *,
        actor: Actor,
        own_only: bool,
        source: str,
        request: str,
        now: datetime,
    ) -> list[Reported]:
        """Takes what can be taken, in order; the rest comes back with its reason."""
        async with self._database.transaction() as connection:
            candidates = await self._candidates(connection, reports, actor.id if own_only else None)
            said = await self._said(connection, candidates)
            answers, news = [], []
            for report in reports:
                answer = _judge(report, candidates, said, now.date())
                answers.append(answer)
                if answer.result == "recorded" and answer.application:
                    row = _row_of(report, answer.application, now.date())
                    said[answer.application, report.mark] = _as_said(row)
                    news.append((report, row))
            if news:
                await self._record(connection, news, actor, source, request, now)
        return answers

    async def of(self, application: str) -> list[Row]:
        """Every row about one application, corrections after what they correct. Raises NotFound."""
        if not await self._database.row("select 1 from application where id = %(id)s", {"id": application}):
            raise NotFound(f"There is no application {application}.")
        return await self._database.rows(HISTORY, {"application": application})

    async def final_labels(self, product: str, known_by: date) -> list[Row]:
        """How each application ended, as far as it could be known by that day: nothing may learn from more."""
        return await self._database.rows(FINAL_LABELS, {"product": product, "known_by": known_by})

    async def _candidates(
        self, connection: AsyncConnection[DictRow], reports: Sequence[OutcomeReport], mine: str | None
    ) -> dict[str, list[Candidate]]:
        """By id and by the lender's number."""
        asked = {
            "ids": [report.application_id for report in reports if report.application_id],
            "numbers": [report.external_id for report in reports if report.external_id],
            "mine": mine,
        }
        found: dict[str, list[Candidate]] = defaultdict(list)
        for row in await (await connection.execute(CANDIDATES, asked)).fetchall():
            candidate = Candidate(
                application=row["id"],
                product=row["product"],
                status=row["status"],
                decided_on=row["decided_at"].date() if row["decided_at"] else None,
            )
            found[f"id {row['id']}"].append(candidate)
            found[f"number {row['external_id']}"].append(candidate)
        return found

    async def _said(
        self, connection: AsyncConnection[DictRow], candidates: dict[str, list[Candidate]]
    ) -> dict[tuple[str, Mark], Said]:
        ids = sorted({found.application for group in candidates.values() for found in group})
        rows = await (await connection.execute(NEWEST, {"ids": ids})).fetchall()
        return {(row["application_id"], Mark(row["mark"])): _as_said(row) for row in rows}

    async def _record(
        self,
        connection: AsyncConnection[DictRow],
        news: Sequence[tuple[OutcomeReport, dict[str, Any]]],
        actor: Actor,
        source: str,
        request: str,
        now: datetime,
    ) -> None:
        entries = [_entry(report, row | {"source": source}, actor, request, now) for report, row in news]
        rows = [row for _, row in news]
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        columns |= {name: [getattr(made, name) for made in entries] for name in ("kind", "body", "digest")}
        await connection.execute(RECORD, columns | {"source": source, "actor": actor.id, "now": now})


def _judge(
    report: OutcomeReport,
    candidates: dict[str, list[Candidate]],
    said: dict[tuple[str, Mark], Said],
    today: date,
) -> Reported:
    known = candidates.get(f"id {report.application_id}" if report.application_id else f"number {report.external_id}")
    try:
        if not known or not any(report.product in (None, found.product) for found in known):
            raise NotFound(f"There is no application {report.name!r}{_of_product(report)}.")
        found = the_one_meant(report, known)
        on_record = said.get((found.application, report.mark))
        if on_record and on_record.repeats(report):
            return Reported(report, "repeated", found.application)
        problem = problem_of(report, found, on_record, today)
    except PlimsollError as error:
        return Reported(report, "refused", error=error)
    if problem:
        return Reported(report, "refused", found.application, problem)
    return Reported(report, "recorded", found.application)


def _of_product(report: OutcomeReport) -> str:
    return f" of the product {report.product!r}" if report.product else ""


def _row_of(report: OutcomeReport, application: str, today: date) -> dict[str, Any]:
    return {
        "application_id": application,
        "mark": report.mark,
        "bad": report.bad,
        "observed_on": report.observed_on,
        "known_on": report.known_on or today,
        "amount": report.amount,
    }


def _as_said(row: dict[str, Any]) -> Said:
    return Said(bad=row["bad"], observed_on=row["observed_on"], known_on=row["known_on"], amount=row["amount"])


def _entry(report: OutcomeReport, row: dict[str, Any], actor: Actor, request: str, now: datetime) -> Entry:
    return entry(
        "outcome.corrected" if report.correction else "outcome.reported",
        application=row["application_id"],
        actor=actor.id,
        reason=report.mark,
        request=request,
        at=now,
        label=report.label,
        observed_on=row["observed_on"].isoformat(),
        known_on=row["known_on"].isoformat(),
        row=STATEMENTS["outcome"].row_digest(None, row | {"recorded_by": actor.id}),
    )
