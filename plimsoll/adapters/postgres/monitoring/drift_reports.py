"""Drift reports: one row a check, written once, with its ledger entry; what its actions came to is in the ledger."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.domain.access import Actor
from plimsoll.domain.errors import NotFound
from plimsoll.domain.ledger import Entry, digest, entry
from plimsoll.domain.models.scoring import ModelPin
from plimsoll.domain.monitoring.alerts import Alert, PastCheck
from plimsoll.domain.monitoring.drift import Drift
from plimsoll.domain.monitoring.drift_report import DriftReport, Trigger

LOOKS_BACK = 60  # checks a rule may look back on: 50 windows in a row and some by hand

SAVE = """
with made as (
    insert into drift_report (id, product, model_digest, trigger, window_from, window_to, n_reference, n_current, level,
                              body, actions, page, page_digest, checked_at)
    values (%(id)s, %(product)s, %(model_digest)s, %(trigger)s, %(window_from)s, %(window_to)s, %(n_reference)s,
            %(n_current)s, %(level)s, %(body)s, %(actions)s, %(page)s, %(page_digest)s, %(checked_at)s)
    on conflict (id) do nothing returning id
)
insert into ledger_entry (kind, application_id, body, digest)
select 'drift.checked', id, %(entry_body)s, %(entry_digest)s from made
"""

# `application_id` is how entries are found by what they are about; here that is a report.
ENTER = """
insert into ledger_entry (kind, application_id, body, digest)
select %(kind)s, %(report)s, %(body)s, %(digest)s
where not exists (select 1 from ledger_entry e where e.application_id = %(report)s and e.kind = %(kind)s
                  and convert_from(e.body, 'UTF8')::jsonb ->> 'rule' = %(rule)s)
"""

LIST = """
select id, product, model_digest, trigger, window_from, window_to, n_reference, n_current, level, actions, page,
       checked_at, body -> 'model' as model, body ->> 'summary' as summary
from drift_report
where (%(product)s::text is null or product = %(product)s) and (%(level)s::text is null or level = %(level)s)
  and (%(after)s::text is null or id < %(after)s)
order by id desc limit %(limit)s
"""

PAST = """
select * from drift_report where product = %(product)s and model_digest = %(digest)s and window_to < %(before)s
order by window_to desc, id desc limit %(limit)s
"""

HISTORY = """
select r.id, r.window_to, r.trigger, c ->> 'feature' as feature, (c ->> 'psi')::float as psi,
       (c ->> 'effect_size')::float as effect_size, (c ->> 'n_current')::int as n_current, c ->> 'level' as level
from (select * from drift_report where product = %(product)s order by window_to desc, id desc limit %(limit)s) r,
     lateral (select jsonb_array_elements(r.body -> 'drift' -> 'features') as c
              union all select r.body -> 'drift' -> 'score'
              where jsonb_typeof(r.body -> 'drift' -> 'score') = 'object') columns
order by r.window_to, r.id, feature
"""


class DriftReports:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, report: DriftReport, by: Actor, request: str) -> None:
        """Once: a check that is run again finds its row."""
        body = report.model_dump(mode="json", include={"model", "drift"}) | {"summary": report.summary}
        actions = [alert.model_dump(mode="json") for alert in report.alerts]
        written = _checked(report, by, request, body, actions)
        await self._database.run(
            SAVE,
            {
                "id": report.id, "product": report.product, "model_digest": report.model.digest,
                "trigger": report.trigger, "window_from": report.window_from, "window_to": report.window_to,
                "n_reference": report.drift.n_reference, "n_current": report.drift.n_current,
                "level": report.drift.level, "body": Jsonb(body), "actions": Jsonb(actions), "page": report.page,
                "page_digest": report.page_digest, "checked_at": report.checked_at,
                "entry_body": written.body, "entry_digest": written.digest,
            },
        )  # fmt: skip

    async def did(self, report: str, kind: str, rule: str, by: Actor, reason: str, now: datetime, **facts: Any) -> None:
        """What an action came to, once for each rule."""
        written = entry(
            kind,
            application=None,
            actor=by.id,
            reason=reason,
            request=report,
            at=now,
            report=report,
            rule=rule,
            **facts,
        )
        await self._database.run(
            ENTER, {"kind": kind, "report": report, "rule": rule, "body": written.body, "digest": written.digest}
        )

    async def find(self, report: str) -> DriftReport | None:
        row = await self._database.row("select * from drift_report where id = %(id)s", {"id": report})
        return _report(row) if row else None

    async def get(self, report: str) -> DriftReport:
        """Raises NotFound."""
        found = await self.find(report)
        if found is None:
            raise NotFound(f"There is no drift report {report}: `plimsoll drift list` shows them.")
        return found

    async def came_to(self, report: str) -> list[Row]:
        """What was done about it, in order."""
        rows = await self._database.rows(
            "select kind, body, recorded_at from ledger_entry "
            "where application_id = %(id)s and kind <> 'drift.checked' order by id",
            {"id": report},
        )
        return [_done(row) for row in rows]

    async def newest(
        self, *, product: str | None, level: str | None = None, after: str | None = None, limit: int
    ) -> list[Row]:
        return await self._database.rows(LIST, {"product": product, "level": level, "after": after, "limit": limit})

    async def past(self, product: str, model_digest: str, before: datetime) -> Sequence[PastCheck]:
        """Newest first."""
        rows = await self._database.rows(
            PAST, {"product": product, "digest": model_digest, "before": before, "limit": LOOKS_BACK}
        )
        return [_report(row).as_past() for row in rows]

    async def history(self, product: str, limit: int) -> list[Row]:
        """PSI of every feature and of the score at each of the latest checks, oldest first."""
        return await self._database.rows(HISTORY, {"product": product, "limit": limit})


def _checked(report: DriftReport, by: Actor, request: str, body: dict[str, Any], actions: list[Any]) -> Entry:
    return entry(
        "drift.checked",
        application=None,
        actor=by.id,
        reason=report.trigger,
        request=request,
        at=report.checked_at,
        report=report.id,
        product=report.product,
        model=f"{report.model.name}@{report.model.version}",
        level=report.drift.level,
        rows=report.drift.n_current,
        rules=[alert.rule for alert in report.alerts],
        page=report.page_digest,
        body=digest(json.dumps([body, actions], sort_keys=True, separators=(",", ":")).encode()).hex(),
    )


def _report(row: Row) -> DriftReport:
    return DriftReport(
        id=row["id"],
        product=row["product"],
        model=ModelPin.model_validate(row["body"]["model"]),
        trigger=Trigger(row["trigger"]),
        window_from=row["window_from"],
        window_to=row["window_to"],
        drift=Drift.model_validate(row["body"]["drift"]),
        alerts=tuple(Alert.model_validate(alert) for alert in row["actions"]),
        page=row["page"],
        page_digest=row["page_digest"],
        checked_at=row["checked_at"],
    )


def _done(row: Row) -> Row:
    body = json.loads(bytes(row["body"]))
    told = {name: body[name] for name in ("rule", "result", "training", "rollout") if name in body}
    return {"what": row["kind"], "at": row["recorded_at"], **told}
