"""Episodes as those see them who notice something: a trigger opens one, updates the open one, or is refused."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.outreach import record
from plimsoll.adapters.postgres.outreach.record import Connection
from plimsoll.domain.access import SYSTEM, Actor
from plimsoll.domain.errors import Conflict, NotFound
from plimsoll.domain.ids import INTERVENTION, new_id
from plimsoll.domain.outreach.episode import Ending, EpisodeState, Refusal, Trigger, Triggered, TriggerSource
from plimsoll.domain.outreach.hold_out import HOLD_OUT, arm_of, strategy_of
from plimsoll.domain.outreach.moves import LEVEL_ROSE, STOPPED_BY
from plimsoll.domain.outreach.strategy import By, Step, StrategyTable
from plimsoll.domain.outreach.treatment import plan_after, plan_of
from plimsoll.domain.values import RiskLevel

# The person's row is what two triggers of one person wait for; what they read comes in a statement after it.
LOCK = "select id, erased_at from person where id = %(person)s for no key update"
STANDS = """
select seen.intervention_id as seen_intervention, seen.opened as seen_opened, seen.refused_by as seen_refused,
       seen.id is not null as seen, o.*,
       (select max(closed_at) from intervention c where c.person_id = q.person and c.closed_at is not null
          and c.ending <> 'held_out') as last_closed,
       (select s.by from intervention c join intervention_step s on s.intervention_id = c.id
        where c.person_id = q.person and c.ending in ('paid', 'answered', 'kept', 'helped')
          and s.number = c.step order by c.opened_at desc limit 1) as worked,
       (select flags from contact_profile f where f.person_id = q.person) as flags
from (select %(person)s::text as person, %(key)s::text as key) q
left join intervention_trigger seen on seen.person_id = q.person and seen.key = q.key and q.key <> ''
left join intervention o on o.person_id = q.person and o.closed_at is null
"""
NOTE = """
insert into intervention_trigger (person_id, product, level, probability, source, model, key, at, intervention_id,
                                  opened, refused_by)
values (%(person)s, %(product)s, %(level)s, %(probability)s, %(source)s, %(model)s, %(key)s, %(at)s, %(intervention)s,
        %(opened)s, %(refused_by)s)
"""
OPEN = """
with made as (
    insert into intervention (id, person_id, product, source, state, ending, level, stratum, arm, strategy,
                              table_version, table_digest, plan, probability, factors, model, asked_for_help,
                              opened_at, updated_at)
    values (%(id)s, %(person)s, %(product)s, %(source)s, %(state)s, %(ending)s, %(level)s, %(level)s, %(arm)s,
            %(strategy)s, %(table_version)s, %(table_digest)s, %(plan)s, %(probability)s, %(factors)s, %(model)s,
            %(asked_for_help)s, %(now)s, %(now)s) returning id
)
insert into intervention_step (intervention_id, number, by, template, priority, state, began_at)
select made.id, 0, %(by)s, %(template)s, %(priority)s, 'due', %(now)s from made where %(by)s::text is not null
"""
UPDATE = """
update intervention set level = %(level)s, probability = coalesce(%(probability)s, probability),
    factors = %(factors)s, model = coalesce(nullif(%(model)s, ''), model), plan = %(plan)s, state = %(state)s,
    ending = %(ending)s, strategy = %(strategy)s, asked_for_help = asked_for_help or %(asked_for_help)s,
    version = version + 1, updated_at = %(now)s
where id = %(id)s
"""
FIRST_STEP = """
insert into intervention_step (intervention_id, number, by, template, priority, state, began_at)
values (%(id)s, %(number)s, %(by)s, %(template)s, %(priority)s, 'due', %(now)s) on conflict do nothing
"""
LOCK_OPEN = "select * from intervention where id = %(id)s for update"
# A message waits its answer out no longer, or is not sent; a call that is under way becomes the more urgent one.
HASTEN = """
with called as (
    update collector_task set priority = %(priority)s, version = version + 1
    where intervention_id = %(id)s and state in ('open', 'claimed') and priority > %(priority)s
)
update intervention_step set rule = %(rule)s
where intervention_id = %(id)s and number = %(number)s and by <> 'call' and state <> 'over'
"""
CANCEL = """
update intervention set state = 'watching', ending = %(ending)s, reason = %(reason)s, closed_at = %(now)s,
    version = version + 1, updated_at = %(now)s
where id = %(id)s and closed_at is null and ending is null returning id
"""
CLOSE_TASKS = """
update collector_task set state = 'closed', version = version + 1, claimed_by = null, lease_until = null
where intervention_id = %(id)s and state in ('open', 'claimed')
"""
WANTED = """
select 1 from intervention i join intervention_step s on s.intervention_id = i.id and s.number = %(step)s
where i.id = %(id)s and i.state = 'treating' and i.step = %(step)s for share of i
"""


class InterventionStore:
    def __init__(self, database: Database, table: Callable[[], StrategyTable]) -> None:
        self._database = database
        self._table = table

    # What others call in their own transaction -----------------------------------------------

    async def trigger(
        self,
        connection: Connection,
        trigger: Trigger,
        now: datetime,
        *,
        by: Actor = SYSTEM,
        reason: str = "",
        request: str = "",
    ) -> Triggered:
        """Opens an episode, updates the open one, or refuses by a named rule; exactly once with the caller's commit."""
        table = self._table()
        person = await (await connection.execute(LOCK, {"person": trigger.person})).fetchone()
        stands = await (await connection.execute(STANDS, {"person": trigger.person, "key": trigger.key})).fetchone()
        assert stands is not None
        if stands["seen"]:
            return Triggered(
                intervention=stands["seen_intervention"],
                opened=stands["seen_opened"],
                refused_by=stands["seen_refused"],
            )
        said = {"by": by, "reason": reason or trigger.level, "request": request}
        refusal = _refused(trigger, person, stands, table, now)
        if refusal is not None:
            came = Triggered(intervention=None, refused_by=refusal)
        elif stands["id"] is not None:
            came = await self._update(connection, trigger, stands, table, now, said)
        else:
            came = await self._open(connection, trigger, stands, table, now, said)
        await connection.execute(NOTE, _noted(trigger, came))
        return came

    async def wake(self, connection: Connection, intervention: str) -> None:
        """Its run looks again once the caller has committed."""
        await record.wake(connection, intervention)

    async def wake_people(self, connection: Connection, people: Sequence[str]) -> None:
        """The same for whoever of these has an open episode."""
        if people:
            await record.wake_people(connection, list(people))

    async def wants(self, connection: Connection, intervention: str, step: int) -> bool:
        """Whether the episode still wants this step; it cannot end before the caller has committed."""
        found = await connection.execute(WANTED, {"id": intervention, "step": step})
        return await found.fetchone() is not None

    # What people do ---------------------------------------------------------------------------

    async def start(self, trigger: Trigger, *, by: Actor, reason: str, request: str, now: datetime) -> Triggered:
        """As a person asks for it. Raises NotFound, Conflict with the rule that stands against it."""
        async with self._database.transaction() as connection:
            came = await self.trigger(connection, trigger, now, by=by, reason=reason, request=request)
        if came.refused_by is Refusal.UNKNOWN:
            raise NotFound(f"There is no person {trigger.person}: `plimsoll customer show` finds them.")
        if came.intervention is None:
            raise Conflict(f"Nothing was opened: {came.refused_by}.", rule=came.refused_by)
        return came

    async def cancel(self, intervention: str, *, by: Actor, reason: str, request: str, now: datetime) -> Row:
        """Nothing more is done; how it goes is still looked at. Raises NotFound, Conflict when it is over already."""
        async with self._database.transaction() as connection:
            changed = await connection.execute(
                CANCEL, {"id": intervention, "ending": Ending.CANCELLED, "reason": reason, "now": now}
            )
            if await changed.fetchone() is None:
                row = await self.get(intervention)
                raise Conflict(f"{intervention} is over already: {row['ending'] or row['state']}.")
            await connection.execute(CLOSE_TASKS, {"id": intervention})
            await record.enter(
                connection, "intervention.cancelled", intervention, now=now, by=by, reason=reason, request=request
            )
            await record.wake(connection, intervention)
        return await self.get(intervention)

    # Reading ----------------------------------------------------------------------------------

    async def get(self, intervention: str) -> Row:
        """Raises NotFound."""
        row = await self._database.row("select * from intervention where id = %(id)s", {"id": intervention})
        if row is None:
            raise NotFound(f"There is no intervention {intervention}: `plimsoll intervention list` shows them.")
        return row

    async def story(self, intervention: str) -> Row:
        """The episode with its steps, tasks, commitments, outcomes and triggers."""
        row = await self.get(intervention)
        parts = {
            "steps": "select number, by, template, priority, state, tries, rule, result, not_before, until, began_at, "
            "ended_at from intervention_step where intervention_id = %(id)s order by number",
            "contacts": "select id, step, channel, template, template_version, state, rule from contact "
            "where intervention_id = %(id)s order by step, id",
            "tasks": "select t.id, t.step, t.attempt, t.queue, t.script, t.why, t.priority, t.state, t.version, "
            "t.opened_at, t.due_at, t.deadline, t.escalated_at, a.answer, a.answered_at, actor.name as answered_by "
            "from collector_task t left join collector_answer a on a.task_id = t.id "
            "left join actor on actor.id = a.actor_id where t.intervention_id = %(id)s order by t.opened_at",
            "commitments": "select tool, amount, currency, due_on, payments, until, state, agreed_at, settled_at "
            "from commitment where intervention_id = %(id)s order by id",
            "outcomes": "select day, missed, months_late, paid, messages, calls, opted_out, complained, seen_at "
            "from intervention_outcome where intervention_id = %(id)s order by day",
            "triggers": "select level, probability, source, at, opened, refused_by from intervention_trigger "
            "where intervention_id = %(id)s order by id",
        }
        return row | {name: await self._database.rows(sql, {"id": intervention}) for name, sql in parts.items()}

    async def newest(
        self,
        *,
        limit: int,
        after: str | None = None,
        person: str | None = None,
        state: str | None = None,
        level: str | None = None,
        arm: str | None = None,
    ) -> list[Row]:
        return await self._database.rows(
            """
            select i.*, s.by as step_by, s.state as step_state, s.rule as step_rule from intervention i
            left join intervention_step s on s.intervention_id = i.id and s.number = i.step
            where (%(after)s::text is null or i.id < %(after)s)
              and (%(person)s::text is null or i.person_id = %(person)s)
              and (%(state)s::text is null or i.state = %(state)s)
              and (%(level)s::text is null or i.level = %(level)s)
              and (%(arm)s::text is null or i.arm = %(arm)s)
            order by i.id desc limit %(limit)s
            """,
            {"after": after, "person": person, "state": state, "level": level, "arm": arm, "limit": limit},
        )

    async def accounting(self) -> Row:
        """Triggers against what became of them: nothing may be left over."""
        row = await self._database.row(
            """
            select count(*) as triggers, count(*) filter (where opened) as opened,
                   count(*) filter (where intervention_id is not null and not opened and refused_by is null) as updated,
                   count(*) filter (where refused_by is not null) as refused,
                   (select count(*) from intervention) as interventions,
                   (select jsonb_object_agg(refused_by, n) from (
                        select refused_by, count(*) as n from intervention_trigger
                        where refused_by is not null group by refused_by) by_rule) as by_rule
            from intervention_trigger
            """
        )
        assert row is not None
        return row

    # What a trigger does ----------------------------------------------------------------------

    async def _open(
        self, connection: Connection, trigger: Trigger, stands: Row, table: StrategyTable, now: datetime, said: Row
    ) -> Triggered:
        arm = arm_of(table, trigger.person, trigger.level)
        held = arm == HOLD_OUT and not trigger.asked_for_help
        strategy = table.strategy(strategy_of(table, trigger.person))
        worked = By(stands["worked"]) if stands["worked"] else None
        plan = () if held else plan_of(strategy, trigger.level, worked)
        id_ = new_id(INTERVENTION)
        first = plan[0] if plan else None
        await connection.execute(
            OPEN,
            {
                "id": id_,
                "person": trigger.person,
                "product": trigger.product,
                "source": trigger.source,
                "state": EpisodeState.WATCHING if held else EpisodeState.TREATING,
                "ending": Ending.HELD_OUT if held else None,
                "level": trigger.level,
                "arm": arm,
                "strategy": strategy.id,
                "table_version": table.version,
                "table_digest": table.digest,
                "plan": _as_json(plan),
                "probability": trigger.probability,
                "factors": _factors(trigger),
                "model": trigger.model,
                "asked_for_help": trigger.asked_for_help,
                "now": now,
                "by": first.by if first else None,
                "template": first.template if first else "",
                "priority": first.priority if first else 5,
            },
        )
        await record.enter(
            connection,
            "intervention.triggered",
            id_,
            now=now,
            person=trigger.person,
            product=trigger.product,
            level=trigger.level,
            source=trigger.source,
            arm=arm,
            strategy=strategy.id,
            table=table.digest,
            model=trigger.model,
            **_chance(trigger),
            **said,
        )
        await record.start_run(connection, id_, trigger.product, first.priority if first else 5)
        if trigger.level is RiskLevel.CRITICAL:
            await record.alert(connection, "intervention.critical", id_, _alarm(trigger, id_, arm))
        return Triggered(intervention=id_, opened=not held, refused_by=Refusal.HELD_OUT if held else None)

    async def _update(
        self, connection: Connection, trigger: Trigger, stands: Row, table: StrategyTable, now: datetime, said: Row
    ) -> Triggered:
        """The open one is told; a level that rose changes what is still to be done."""
        # Its run may have gone on since it was read.
        found = await (await connection.execute(LOCK_OPEN, {"id": stands["id"]})).fetchone()
        stands = stands | (found or {})
        held, rises, taken = stands["ending"] == Ending.HELD_OUT, _rises(trigger, stands), stands["step"] + 1
        crosses = held and trigger.asked_for_help
        strategy = table.strategy(strategy_of(table, trigger.person))
        plan, state, ending = (
            tuple(Step.model_validate(step) for step in stands["plan"]),
            stands["state"],
            stands["ending"],
        )
        if crosses:
            plan, state, ending = plan_of(strategy, trigger.level), EpisodeState.TREATING, None
            if plan:
                await connection.execute(FIRST_STEP, _step_row(stands["id"], 0, plan[0], now))
        elif rises and state == EpisodeState.TREATING:
            plan = plan_after(strategy, trigger.level, plan, taken)
        await connection.execute(
            UPDATE,
            {
                "id": stands["id"],
                "level": trigger.level,
                "probability": trigger.probability,
                "factors": _factors(trigger),
                "model": trigger.model,
                "plan": _as_json(plan),
                "state": state,
                "ending": ending,
                "strategy": strategy.id,
                "asked_for_help": trigger.asked_for_help,
                "now": now,
            },
        )
        if rises and not crosses and state == EpisodeState.TREATING and plan[taken:]:
            await connection.execute(HASTEN, _hastened(stands, plan[taken:]))
        if rises or crosses:
            await record.enter(
                connection,
                "intervention.updated",
                stands["id"],
                now=now,
                level=trigger.level,
                was=stands["level"],
                source=trigger.source,
                **_chance(trigger),
                **said,
            )
            await record.wake(connection, stands["id"])
            if rises and trigger.level is RiskLevel.CRITICAL:
                await record.alert(
                    connection, "intervention.critical", stands["id"], _alarm(trigger, stands["id"], stands["arm"])
                )
        return Triggered(intervention=stands["id"], refused_by=Refusal.HELD_OUT if held and not crosses else None)


def _refused(trigger: Trigger, person: Row | None, stands: Row, table: StrategyTable, now: datetime) -> Refusal | None:
    """The first rule that stands against opening anything; an open episode is updated all the same."""
    if person is None:
        return Refusal.UNKNOWN
    if person["erased_at"] is not None:
        return Refusal.ERASED
    if stands["id"] is not None:
        return None
    asked = trigger.source is TriggerSource.PERSON
    if any(flag in STOPPED_BY for flag in stands["flags"] or ()) and not asked:
        return Refusal.FLAGGED
    if not table.strategy(strategy_of(table, trigger.person)).ladder(trigger.level):
        return Refusal.NOTHING_TO_DO
    last = stands["last_closed"]
    if not asked and last is not None and now < last + timedelta(days=table.rest_days):
        return Refusal.HELPED_LATELY
    return None


def _rises(trigger: Trigger, stands: Row) -> bool:
    return trigger.level.severity > RiskLevel(stands["level"]).severity


def _noted(trigger: Trigger, came: Triggered) -> dict[str, Any]:
    return {
        "person": trigger.person,
        "product": trigger.product,
        "level": trigger.level,
        "probability": trigger.probability,
        "source": trigger.source,
        "model": trigger.model,
        "key": trigger.key,
        "at": trigger.at,
        "intervention": came.intervention,
        "opened": came.opened,
        "refused_by": came.refused_by,
    }


def _step_row(intervention: str, number: int, step: Step, now: datetime) -> dict[str, Any]:
    return {
        "id": intervention,
        "number": number,
        "by": step.by,
        "template": step.template,
        "priority": step.priority,
        "now": now,
    }


def _hastened(stands: Row, rest: Sequence[Step]) -> dict[str, Any]:
    most_urgent = min(step.priority for step in rest)
    return {"id": stands["id"], "number": stands["step"], "priority": most_urgent, "rule": LEVEL_ROSE}


def _as_json(plan: Sequence[Step]) -> Jsonb:
    return Jsonb([step.model_dump(mode="json") for step in plan])


def _factors(trigger: Trigger) -> Jsonb:
    return Jsonb([factor.model_dump(mode="json") for factor in trigger.factors])


def _chance(trigger: Trigger) -> dict[str, Any]:
    """A ledger holds no floats: readers would round them."""
    return {} if trigger.probability is None else {"probability": repr(trigger.probability)}


def _alarm(trigger: Trigger, intervention: str, arm: str) -> dict[str, Any]:
    """What whoever is alerted gets: ids and codes, the reasons in words staff may say."""
    return {
        "type": "intervention.critical",
        "intervention": intervention,
        "person": trigger.person,
        "product": trigger.product,
        "level": trigger.level,
        "probability": trigger.probability,
        "arm": arm,
        "at": trigger.at.isoformat(),
        "factors": [factor.words or factor.feature for factor in trigger.factors],
    }
