"""Experiments: one row each, moved together with the role it means and its ledger entry."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from psycopg import AsyncConnection, errors
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.ledger.entering import enter
from plimsoll.adapters.postgres.ledger.standing import STANDING
from plimsoll.adapters.postgres.models.performance import Performance
from plimsoll.adapters.postgres.models.registry import Registry
from plimsoll.domain.access import Actor
from plimsoll.domain.errors import Conflict, NotFound
from plimsoll.domain.ids import EXPERIMENT, new_id
from plimsoll.domain.ledger import entry
from plimsoll.domain.models.assignment import CHALLENGER
from plimsoll.domain.models.experiment_plans import baseline_of, plan
from plimsoll.domain.models.experiment_readings import read
from plimsoll.domain.models.experiments import Compared, Design, Metric, Plan, Question, Reading
from plimsoll.domain.models.performance import performance_report
from plimsoll.domain.models.registry import ModelRecord, ModelState, NotApproved, RoleName
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.values import Outcome

Connection = AsyncConnection[DictRow]
PORTION = 5000
RECENT = timedelta(days=90)
SHORTEST_SPAN = timedelta(days=30)  # a day of much work is no pace of work
A_MONTH = timedelta(days=30.4375)

VIEW = """
select e.*, m.version as challenger_version, c.version as champion_version, m.digest as challenger_digest,
       actor.name as planned_by_name
from experiment e
join model m on m.id = e.challenger_id
join model c on c.id = e.champion_id
join actor on actor.id = e.planned_by
"""

PACE = """
select count(*) as decided, count(*) filter (where d.outcome = 'approve') as granted, min(d.decided_at) as first
from decision d join application a on a.id = d.application_id and a.round = d.round
where a.product = %(product)s and d.decided_at >= %(since)s and d.decided_at < %(now)s
"""

INSERT = """
insert into experiment (id, name, product, state, plan, champion_id, challenger_id, planned_by, planned_at)
values (%(id)s, %(name)s, %(product)s, %(state)s, %(plan)s, %(champion_id)s, %(challenger_id)s, %(planned_by)s,
        %(planned_at)s)
"""

MOVE = """
update experiment set state = %(state)s, started_at = %(started_at)s, stopped_at = %(stopped_at)s where id = %(id)s
"""

# The first application of each person: who applies twice would otherwise count twice in the same arm.
ROWS = """
select * from (
    select distinct on (a.person_id) coalesce(s.arm, a.model_pin ->> 'arm') as arm, d.outcome, d.decided_at,
           s.sample_probability as score, shadow.sample_probability as shadow_score, final.bad,
           exists (select 1 from outcome o where o.application_id = a.id and o.known_on <= %(on)s) as seen
    from application a
    left join score s on s.application_id = a.id and s.round = a.round
    left join decision d on d.application_id = a.id and d.round = a.round
    left join lateral (
        select p.sample_probability from prediction p
        where p.application_id = a.id and p.kind = 'shadow' and p.model_digest = %(challenger_digest)s
        order by p.id limit 1) shadow on true
    left join lateral (
        select o.bad from outcome o
        where o.application_id = a.id and o.mark = 'final' and o.known_on <= %(on)s
        order by o.known_on desc, o.id desc limit 1) final on true
    where a.product = %(product)s and a.accepted_at >= %(started_at)s
      and (%(stopped_at)s::timestamptz is null or a.accepted_at < %(stopped_at)s)
    order by a.person_id, a.accepted_at, a.id) dealt
where arm is not null
"""


class Experiments:
    def __init__(self, database: Database, registry: Registry, performance: Performance) -> None:
        self._database = database
        self._registry = registry
        self._performance = performance

    # Reading --------------------------------------------------------------------------------

    async def get(self, experiment: str) -> Row:
        """Raises NotFound."""
        row = await self._database.row(f"{VIEW} where e.id = %(id)s", {"id": experiment})
        if row is None:
            raise NotFound(f"There is no experiment {experiment}: `plimsoll experiment list` shows them.")
        return row

    async def newest(self, *, product: str | None, after: str | None, limit: int) -> list[Row]:
        return await self._database.rows(
            f"{VIEW} where (%(product)s::text is null or e.product = %(product)s) "
            "and (%(after)s::text is null or e.id < %(after)s) order by e.id desc limit %(limit)s",
            {"product": product, "after": after, "limit": limit},
        )

    # What people say ------------------------------------------------------------------------

    async def plan(self, question: Question, product: Product, *, by: Actor, request: str, now: datetime) -> Row:
        """Puts the plan on record. Raises NotApproved, Conflict, InvalidRequest, NotFound."""
        challenger = await self._registry.find(question.challenger)
        champion = await self._champion(challenger, product)
        made = await self._plan(question, product, champion, now)
        values: Row = {
            **dict.fromkeys(STANDING["experiment"].columns),
            "id": new_id(EXPERIMENT),
            "name": challenger.name,
            "product": product.id,
            "state": "planned",
            "plan": made.model_dump(mode="json"),
            "champion_id": champion.id,
            "challenger_id": challenger.id,
            "planned_by": by.id,
            "planned_at": now,
        }
        async with self._database.transaction() as connection:
            await connection.execute(INSERT, values | {"plan": Jsonb(values["plan"])})
            await _enter(connection, "experiment.planned", values, by, question.metric, request, now)
        return await self.get(values["id"])

    async def start(self, experiment: str, *, by: Actor, reason: str, request: str, now: datetime) -> Row:
        """Gives the challenger its share. Raises Conflict beside another experiment or a roll-out."""
        try:
            async with self._database.transaction() as connection:
                row = await _held(connection, experiment)
                _must_be(row, "planned")
                await self._refuse_beside_others(connection, row)
                await self._give_role(connection, row, by, reason, request, now)
                await _move(connection, row, "experiment.started", by, reason, request, now, state="running",
                            started_at=now)  # fmt: skip
        except errors.UniqueViolation:
            raise _beside_another() from None
        return await self.get(experiment)

    async def stop(self, experiment: str, *, by: Actor, reason: str, request: str, now: datetime) -> Row:
        """The challenger decides for nobody any more. What was dealt stays dealt, and can be read when it is ripe."""
        async with self._database.transaction() as connection:
            row = await _held(connection, experiment)
            _must_be(row, "planned", "running")
            if row["state"] == "running":
                await self._take_role(connection, row, by, reason, request, now)
            await _move(connection, row, "experiment.stopped", by, reason, request, now, state="stopped",
                        stopped_at=now)  # fmt: skip
        return await self.get(experiment)

    async def read(self, experiment: str, product: Product, *, by: Actor, request: str, now: datetime) -> Reading:
        """What may be said today; a planned look that is due is taken and goes on record. Raises Conflict."""
        compared = await self._compared(await self._begun(experiment), now.date())
        async with self._database.transaction() as connection:
            row = await _held(connection, experiment)
            earlier = Reading.model_validate(row["reading"]).looks if row["reading"] else ()
            found = await asyncio.to_thread(
                read, Plan.model_validate(row["plan"]), compared, product.outcomes, product.risk, now.date(), earlier
            )
            await connection.execute(
                "update experiment set reading = %(reading)s where id = %(id)s",
                {"id": experiment, "reading": Jsonb(found.model_dump(mode="json"))},
            )
            if len(found.looks) > len(earlier):
                look = found.looks[-1]
                await _enter(
                    connection, "experiment.looked", row, by, f"look {look.number}", request, now,
                    verdict=look.verdict.value, p=repr(look.comparison.p), level=repr(look.level),
                    difference=repr(look.comparison.difference),
                )  # fmt: skip
        return found

    # Below ----------------------------------------------------------------------------------

    async def _champion(self, challenger: ModelRecord, product: Product) -> ModelRecord:
        if challenger.product != product.id or challenger.name != product.model:
            raise Conflict(f"{challenger.called} was trained for {challenger.product} and cannot score {product.id}.")
        if challenger.state is not ModelState.APPROVED:
            raise NotApproved(f"{challenger.called} is {challenger.state}: an experiment needs two approved models.")
        champion = await self._registry.find(product.model)
        if champion.plays(RoleName.CHAMPION) is None:
            raise Conflict(f"No version of {product.model} is champion, so there is nothing to compare with.")
        if champion.id == challenger.id:
            raise Conflict(f"{challenger.called} is the champion itself: name another version.")
        return champion

    async def _plan(self, question: Question, product: Product, champion: ModelRecord, now: datetime) -> Plan:
        judged = await self._performance.judged(product.id, now.date())
        report = await asyncio.to_thread(performance_report, product, judged, now.date())
        pace = await self._database.row(PACE, {"product": product.id, "since": now - RECENT, "now": now})
        assert pace is not None
        counted = pace["decided"] if question.metric is Metric.COST else pace["granted"]
        span = max(now - pace["first"], SHORTEST_SPAN) if pace["first"] else SHORTEST_SPAN
        baseline = baseline_of(
            question,
            product,
            report,
            granted=float(judged.granted.mean()) if len(judged) else None,
            monthly=counted / (span / A_MONTH),
            auc_in_training=(champion.manifest.get("metrics") or {}).get("auc"),
        )
        return plan(question, baseline, product.outcomes, secrets.token_hex(8))

    async def _refuse_beside_others(self, connection: Connection, row: Row) -> None:
        # Every version of the model is held, as a roll-out holds its own first: one of the two waits and then sees.
        await connection.execute("select id from model where name = %(name)s order by id for update", row)
        rollout = await _first(connection, "select id from rollout where name = %(name)s and ended_at is null", row)
        if rollout:
            raise Conflict(f"The roll-out {rollout['id']} shares out the applicants of {row['name']}: end it first.")
        if await _first(connection, "select 1 from experiment where name = %(name)s and state = 'running'", row):
            raise _beside_another()
        roles = await (
            await connection.execute("select role, model_id from model_role where name = %(name)s", row)
        ).fetchall()
        holders = {found["role"]: found["model_id"] for found in roles}
        if holders.get(RoleName.CHAMPION) != row["champion_id"]:
            raise Conflict("Another version became champion since this was planned: plan it anew.")
        if holders.get(_role(row), row["challenger_id"]) != row["challenger_id"]:
            raise Conflict(f"Another version of {row['name']} is {_role(row)} now: take that role from it first.")

    async def _give_role(
        self, connection: Connection, row: Row, by: Actor, reason: str, request: str, now: datetime
    ) -> None:
        question = Plan.model_validate(row["plan"]).question
        await self._registry.set_role_in(
            connection, row["challenger_id"], _role(row), share=question.share, salt=row["plan"]["salt"], by=by,
            reason=reason, request=request, now=now,
        )  # fmt: skip

    async def _take_role(
        self, connection: Connection, row: Row, by: Actor, reason: str, request: str, now: datetime
    ) -> None:
        holder = await _first(
            connection,
            "select model_id from model_role where name = %(name)s and role = %(role)s",
            {"name": row["name"], "role": _role(row)},
        )
        if holder and holder["model_id"] == row["challenger_id"]:
            await self._registry.clear_role_in(
                connection, row["name"], _role(row), by=by, reason=reason, request=request, now=now
            )

    async def _begun(self, experiment: str) -> Row:
        row = await self.get(experiment)
        if row["started_at"] is None:
            raise Conflict(f"{experiment} is {row['state']} and has not begun: there is nothing to read.")
        return row

    async def _compared(self, row: Row, on: date) -> Compared:
        asked = {name: row[name] for name in ("product", "started_at", "stopped_at", "challenger_digest")} | {"on": on}
        parts = [_columns(rows) async for rows in self._portions(asked)] or [_columns([])]
        return Compared(**{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})

    async def _portions(self, asked: dict[str, Any]) -> AsyncIterator[list[Row]]:
        async with self._database.transaction() as connection, connection.cursor("dealt") as cursor:
            await cursor.execute(ROWS, asked)
            while rows := await cursor.fetchmany(PORTION):
                yield rows


def _role(row: Row) -> RoleName:
    shadow = row["plan"]["question"]["design"] == Design.SHADOW
    return RoleName.SHADOW if shadow else RoleName.CHALLENGER


def _must_be(row: Row, *states: str) -> None:
    if row["state"] not in states:
        raise Conflict(f"{row['id']} is {row['state']} and not {' or '.join(states)}.")


def _beside_another() -> Conflict:
    return Conflict(
        "Another experiment with this model is running: `plimsoll experiment list` shows it; stop it first."
    )


def _columns(rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "challenger": np.array([row["arm"] == CHALLENGER for row in rows], dtype=np.bool_),
        "vintage": np.array([_month(row["decided_at"]) for row in rows], dtype=object),
        "decided": np.array([row["decided_at"] is not None for row in rows], dtype=np.bool_),
        "granted": np.array([_granted(row) for row in rows], dtype=np.bool_),
        **{name: _numbers([row[name] for row in rows]) for name in ("bad", "score", "shadow_score")},
    }


def _month(decided_at: datetime | None) -> str:
    return f"{decided_at.astimezone(UTC):%Y-%m}" if decided_at else ""


def _granted(row: Row) -> bool:
    return row["outcome"] == Outcome.APPROVE or (row["outcome"] == Outcome.COUNTER_OFFER and row["seen"])


def _numbers(values: Sequence[Any]) -> Any:
    return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)


async def _first(connection: Connection, sql: str, asked: Row) -> Row | None:
    return await (await connection.execute(sql, asked)).fetchone()


async def _held(connection: Connection, experiment: str) -> Row:
    row = await _first(connection, "select * from experiment where id = %(id)s for update", {"id": experiment})
    if row is None:
        raise NotFound(f"There is no experiment {experiment}: `plimsoll experiment list` shows them.")
    return row


async def _move(
    connection: Connection, row: Row, kind: str, by: Actor, reason: str, request: str, now: datetime, **changes: Any
) -> None:
    moved = row | changes
    await connection.execute(MOVE, {name: moved[name] for name in ("id", "state", "started_at", "stopped_at")})
    await _enter(connection, kind, moved, by, reason, request, now)


async def _enter(
    connection: Connection, kind: str, row: Row, by: Actor, reason: str, request: str, now: datetime, **facts: str
) -> None:
    written = entry(
        kind, application=None, actor=by.id, reason=reason, request=request, at=now, about=row["id"],
        row=STANDING["experiment"].row_digest(row), champion=row["champion_id"], challenger=row["challenger_id"],
        **facts,
    )  # fmt: skip
    await enter(connection, written)
