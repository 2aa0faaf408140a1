"""Retrainings: one row a run, with what was tried; asked for and ended on record."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.domain.access import SYSTEM, Actor
from plimsoll.domain.errors import NotFound
from plimsoll.domain.ids import RETRAINING, new_id
from plimsoll.domain.ledger import entry
from plimsoll.domain.models.retraining import Cause
from plimsoll.domain.models.retraining_run import CameOf, LabelsKnown, RetrainingRun, RetrainingUnderWay, TriedOut
from plimsoll.domain.models.training import TrainingPlan
from plimsoll.domain.models.training_run import Trigger
from plimsoll.domain.values import Value

RUN = """
select r.*, actor.name as requested_by_name, champion.name || '@' || champion.version as champion,
       challenger.name || '@' || challenger.version as challenger
from retraining r join actor on actor.id = r.requested_by
left join model champion on champion.id = r.champion_id left join model challenger on challenger.id = r.challenger_id
"""
START = """
with started as (
    insert into retraining
        (id, product, state, trigger, asked, plan, causes, tried, requested_by, started_at, changed_at)
    values (%(id)s, %(product)s, 'running', %(trigger)s, %(asked)s, %(plan)s, '[]', '[]', %(by)s, %(now)s, %(now)s)
)
insert into ledger_entry (kind, body, digest) values ('retraining.started', %(body)s, %(digest)s)
"""
NOTE = """
update retraining set changed_at = %(now)s, causes = coalesce(%(causes)s, causes),
    trigger = coalesce(%(trigger)s, trigger), champion_id = coalesce(%(champion)s, champion_id),
    labels_known = coalesce(%(labels_known)s, labels_known), held_out = coalesce(%(held_out)s, held_out),
    training_id = coalesce(%(training)s, training_id), tried = coalesce(%(tried)s, tried)
where id = %(id)s and state = 'running'
"""
END = """
with ended as (
    update retraining set state = %(state)s, why = %(why)s, challenger_id = %(challenger)s, changed_at = %(now)s,
        ended_at = %(now)s
    where id = %(id)s and state = 'running' returning id
)
insert into ledger_entry (kind, body, digest) select 'retraining.ended', %(body)s, %(digest)s from ended
"""


class Retrainings:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def start(
        self, product: str, plan: TrainingPlan, trigger: Trigger, *, by: Actor, reason: str, request: str, now: datetime
    ) -> RetrainingRun:
        """Raises RetrainingUnderWay while another one of this product runs."""
        retraining = new_id(RETRAINING)
        written = entry(
            "retraining.started",
            application=None,
            actor=by.id,
            reason=reason,
            request=request,
            at=now,
            retraining=retraining,
            product=product,
            trigger=trigger.value,
        )
        values = {
            "id": retraining, "product": product, "trigger": trigger, "asked": reason, "by": by.id, "now": now,
            "plan": Jsonb(plan.model_dump(mode="json")), "body": written.body, "digest": written.digest,
        }  # fmt: skip
        try:
            await self._database.run(START, values)
        except psycopg.errors.UniqueViolation:
            raise RetrainingUnderWay(
                f"A retraining of {product} is under way: `plimsoll retraining list` shows it."
            ) from None
        return await self.get(retraining)

    async def get(self, retraining: str) -> RetrainingRun:
        """Raises NotFound."""
        row = await self._database.row(f"{RUN} where r.id = %(id)s", {"id": retraining})
        if row is None:
            raise NotFound(f"There is no retraining {retraining}.")
        return _run(row)

    async def newest(
        self, *, limit: int, after: str | None = None, product: str | None = None, state: str | None = None
    ) -> Sequence[RetrainingRun]:
        rows = await self._database.rows(
            f"{RUN} where (%(product)s::text is null or r.product = %(product)s) "
            "and (%(state)s::text is null or r.state = %(state)s) "
            "and (%(after)s::text is null or r.id < %(after)s) order by r.id desc limit %(limit)s",
            {"product": product, "state": state, "after": after, "limit": limit},
        )
        return [_run(row) for row in rows]

    async def note(
        self,
        retraining: str,
        now: datetime,
        *,
        causes: Sequence[Cause] | None = None,
        champion: str | None = None,
        labels: LabelsKnown | None = None,
        training: str | None = None,
        tried: Sequence[TriedOut] | None = None,
    ) -> RetrainingRun:
        """What is known of it by now; what is not given stays, and so does what has ended."""
        values = {
            "id": retraining,
            "now": now,
            "causes": _json(causes),
            "trigger": causes[0].trigger.value if causes else None,
            "champion": champion,
            "labels_known": labels.known if labels else None,
            "held_out": Jsonb(labels.held_out.model_dump(mode="json")) if labels and labels.held_out else None,
            "training": training,
            "tried": _json(tried),
        }
        await self._database.run(NOTE, values)
        return await self.get(retraining)

    async def end(self, retraining: str, came: CameOf, now: datetime) -> RetrainingRun:
        """Once: what ended stays ended as it did."""
        found = await self.get(retraining)
        written = entry(
            "retraining.ended",
            application=None,
            actor=SYSTEM.id,
            reason=came.why,
            request=retraining,
            at=now,
            retraining=retraining,
            product=found.product,
            state=came.state.value,
            champion=found.champion_id,
            model=came.challenger_id,
            training=found.training_id,
        )
        values = {"id": retraining, "state": came.state, "why": came.why, "challenger": came.challenger_id, "now": now}
        await self._database.run(END, values | {"body": written.body, "digest": written.digest})
        return await self.get(retraining)


def _run(row: Row) -> RetrainingRun:
    return RetrainingRun.model_validate(row)


def _json(values: Sequence[Value] | None) -> Any:
    return None if values is None else Jsonb([value.model_dump(mode="json") for value in values])
