"""Trainings: one row a run, with its progress; started, stopped and ended on record."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.domain.access import SYSTEM, Actor
from plimsoll.domain.errors import NotFound
from plimsoll.domain.ids import TRAINING, new_id
from plimsoll.domain.ledger import entry
from plimsoll.domain.models.training import TrainingPlan
from plimsoll.domain.models.training_run import (
    TrainingEnded,
    TrainingProgress,
    TrainingRun,
    TrainingState,
    TrainingUnderWay,
    Trigger,
)

RUN = """
select t.*, actor.name as requested_by_name, m.id as model_id, m.version as model_version
from training t join actor on actor.id = t.requested_by left join model m on m.id = t.progress ->> 'model'
"""
START = """
with started as (
    insert into training (id, product, state, trigger, plan, requested_by, started_at, changed_at)
    values (%(id)s, %(product)s, 'running', %(trigger)s, %(plan)s, %(by)s, %(now)s, %(now)s)
)
insert into ledger_entry (kind, body, digest) values ('training.started', %(body)s, %(digest)s)
"""
END = """
with ended as (
    update training set state = %(state)s, error = %(error)s, changed_at = %(now)s, ended_at = %(now)s,
        progress = case when %(model)s::text is null then progress
                   else coalesce(progress, '{"step": "publish"}') || jsonb_build_object('model', %(model)s::text) end
    where id = %(id)s and state = 'running' returning id
)
insert into ledger_entry (kind, body, digest) select 'training.ended', %(body)s, %(digest)s from ended
"""


# What the record says of a training that nobody stopped.
BY_ITSELF = {
    TrainingState.DONE: "it ran to its end",
    TrainingState.STOPPED: "one of its own checks stopped it",
    TrainingState.FAILED: "a step failed again and again",
}


class Trainings:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def start(
        self, product: str, plan: TrainingPlan, trigger: Trigger, *, by: Actor, reason: str, request: str, now: datetime
    ) -> TrainingRun:
        """Raises TrainingUnderWay while another one of this product runs."""
        training = new_id(TRAINING)
        written = entry(
            "training.started",
            application=None,
            actor=by.id,
            reason=reason,
            request=request,
            at=now,
            training=training,
            product=product,
            trigger=trigger.value,
        )
        values = {
            "id": training, "product": product, "trigger": trigger, "plan": Jsonb(plan.model_dump(mode="json")),
            "by": by.id, "now": now, "body": written.body, "digest": written.digest,
        }  # fmt: skip
        try:
            await self._database.run(START, values)
        except psycopg.errors.UniqueViolation:
            raise TrainingUnderWay(
                f"A model of {product} is being trained: wait for it, or stop it with `plimsoll model cancel`."
            ) from None
        return await self.get(training)

    async def get(self, training: str) -> TrainingRun:
        """Raises NotFound."""
        row = await self._database.row(f"{RUN} where t.id = %(id)s", {"id": training})
        if row is None:
            raise NotFound(f"There is no training {training}.")
        return _run(row)

    async def newest(
        self, *, limit: int, after: str | None = None, product: str | None = None, state: str | None = None
    ) -> Sequence[TrainingRun]:
        rows = await self._database.rows(
            f"{RUN} where (%(product)s::text is null or t.product = %(product)s) "
            "and (%(state)s::text is null or t.state = %(state)s) "
            "and (%(after)s::text is null or t.id < %(after)s) order by t.id desc limit %(limit)s",
            {"product": product, "state": state, "after": after, "limit": limit},
        )
        return [_run(row) for row in rows]

    async def report(
        self, training: str, progress: TrainingProgress, now: datetime, findings: dict[str, Any] | None = None
    ) -> bool:
        """Shows how far it is. False when nobody wants it any more."""
        touched = await self._database.run(
            "update training set progress = %(progress)s, changed_at = %(now)s, "
            "findings = coalesce(%(findings)s, findings) where id = %(id)s and state = 'running'",
            {
                "id": training,
                "progress": Jsonb(progress.model_dump(mode="json")),
                "findings": Jsonb(findings) if findings is not None else None,
                "now": now,
            },
        )
        return bool(touched)

    async def end(
        self, training: str, state: TrainingState, now: datetime, error: str | None = None, model: str | None = None,
        by: Actor = SYSTEM, reason: str | None = None, request: str | None = None,
    ) -> TrainingRun:  # fmt: skip
        """Once: what ended stays ended as it did. `model`: what it gave, also when that was there already."""
        written = entry(
            "training.ended",
            application=None,
            actor=by.id,
            reason=reason or BY_ITSELF[state],
            request=request or training,
            at=now,
            training=training,
            state=state.value,
            model=model,
        )
        values = {"id": training, "state": state, "error": error, "now": now, "model": model}
        await self._database.run(END, values | {"body": written.body, "digest": written.digest})
        return await self.get(training)

    async def cancel(self, training: str, *, by: Actor, reason: str, request: str, now: datetime) -> TrainingRun:
        """The run hears of it within seconds. Raises TrainingEnded when there is nothing to stop."""
        found = await self.get(training)
        if not found.wanted:
            raise TrainingEnded(f"The training {training} is {found.state}: there is nothing to stop.")
        said = f"Stopped by {by.name}: {reason}"
        return await self.end(training, TrainingState.STOPPED, now, said, by=by, reason=reason, request=request)


def _run(row: Row) -> TrainingRun:
    return TrainingRun.model_validate(row)
