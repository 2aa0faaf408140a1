"""Episodes as their runs see them: what is known now, the next move, and the rows that make it true.

Everything of one look is one transaction on the locked row: moves are applied one after the other
until the run has something to do, or somebody else has.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.ledger.stating import STATEMENTS
from plimsoll.adapters.postgres.outreach import record
from plimsoll.adapters.postgres.outreach.payments import Money, money_of
from plimsoll.adapters.postgres.outreach.record import Connection
from plimsoll.domain.access import SYSTEM
from plimsoll.domain.errors import NotFound
from plimsoll.domain.ids import TASK, new_id
from plimsoll.domain.outreach import moves
from plimsoll.domain.outreach.contact import LEFT_THE_HOUSE
from plimsoll.domain.outreach.episode import Ending, EpisodeState
from plimsoll.domain.outreach.moves import (
    Answer,
    Commitment,
    ContactFact,
    Episode,
    Known,
    Move,
    Reply,
    StepState,
    Taken,
    TaskFact,
    next_move,
)
from plimsoll.domain.outreach.strategy import Step, StrategyTable
from plimsoll.domain.values import RiskLevel
from plimsoll.faultpoints import faultpoints
from plimsoll.ports.outreach import Reach, Stands

CENTS = Decimal("0.01")
SETTLED = {Ending.KEPT: "kept", Ending.HELPED: "kept", Ending.BROKEN: "broken"}
MOST_MOVES = 100  # of one look; more would be a plan that turns in a circle

LOCK = "select id from intervention where id = %(id)s for update"
READ = """
select i.*, to_jsonb(s) as at, to_jsonb(t) as task, to_jsonb(c) as contact, f.flags,
       to_jsonb(k) as commitment,
       (select array_agg(o.day order by o.day) from intervention_outcome o where o.intervention_id = i.id) as measured,
       (select to_jsonb(r) from (
            select r.meaning from contact_reply r where r.intervention_id = i.id
            order by r.received_at, r.id offset i.heard limit 1) r) as reply,
       (select count(*) from commitment b where b.intervention_id = i.id and b.state = 'broken') as broken,
       exists (select 1 from customer cu where cu.person_id = i.person_id) as watched,
       coalesce(array_length(f.channels, 1), 0) > 0 and not exists (
            select 1 from unnest(f.channels) way where not exists (
                select 1 from contact_consent n
                where n.person_id = i.person_id and n.channel = way and not n.granted)
       ) as opted_out
from intervention i
left join intervention_step s on s.intervention_id = i.id and s.number = i.step
left join lateral (
    select t.*, a.answer, a.call_back_at,
           (select to_jsonb(m) from commitment m where m.task_id = t.id) as agreed
    from collector_task t left join collector_answer a on a.task_id = t.id
    where t.intervention_id = i.id and t.step = i.step and t.attempt = s.tries limit 1) t on true
left join contact c on c.intervention_id = i.id and c.step = i.step
left join lateral (select * from commitment k where k.intervention_id = i.id and k.state = 'agreed'
                   order by k.id desc limit 1) k on true
left join contact_profile f on f.person_id = i.person_id
where i.id = %(id)s
"""
SET_STEP = """
update intervention_step set state = %(state)s, tries = %(tries)s, rule = %(rule)s, result = %(result)s,
    not_before = %(not_before)s, until = %(until)s, ended_at = %(ended_at)s
where intervention_id = %(id)s and number = %(number)s
"""
BEGIN_STEP = """
insert into intervention_step (intervention_id, number, by, template, priority, state, began_at)
values (%(id)s, %(number)s, %(by)s, %(template)s, %(priority)s, 'due', %(now)s)
on conflict (intervention_id, number) do nothing
"""
SET = """
update intervention set state = %(state)s, ending = %(ending)s, reason = %(reason)s, step = %(step)s, plan = %(plan)s,
    heard = %(heard)s, until = %(until)s, waits_on = %(waits_on)s, closed_at = %(closed_at)s, ended_at = %(ended_at)s,
    version = version + 1, updated_at = %(now)s
where id = %(id)s
"""
OPEN_TASK = """
insert into collector_task (id, intervention_id, person_id, product, step, attempt, queue, script, why, priority,
                            state, opened_at, due_at, deadline)
values (%(task)s, %(id)s, %(person)s, %(product)s, %(step)s, %(attempt)s, %(queue)s, %(script)s, %(why)s,
        %(priority)s, 'open', %(now)s, %(due_at)s, %(deadline)s)
on conflict on constraint collector_task_once do nothing
"""
ESCALATE = """
update collector_task set escalated_at = %(now)s, priority = 1, version = version + 1
where intervention_id = %(id)s and step = %(step)s and state in ('open', 'claimed') and escalated_at is null
"""
HEARD = """
update collector_task set why = array_append(why, %(why)s), version = version + 1
where intervention_id = %(id)s and state in ('open', 'claimed')
"""
CLOSE_TASKS = """
update collector_task set state = 'closed', version = version + 1, claimed_by = null, lease_until = null
where intervention_id = %(id)s and state in ('open', 'claimed')
"""
SETTLE = """
update commitment set state = %(state)s, settled_at = %(now)s
where intervention_id = %(id)s and state = 'agreed' and (%(but)s::bigint is null or id <> %(but)s)
"""
JUDGED_AT = "update commitment set until = %(until)s where id = %(commitment)s"
MEASURED = """
insert into intervention_outcome (intervention_id, day, missed, months_late, paid, messages, calls, opted_out,
                                  complained, seen_at)
select %(id)s, %(day)s, %(missed)s, %(months_late)s, %(paid)s,
       (select count(*) from contact c where c.intervention_id = %(id)s and c.state = any(%(left)s)
          and c.channel <> 'voice'),
       (select count(*) from collector_answer a join collector_task t on t.id = a.task_id
        where t.intervention_id = %(id)s),
       %(opted_out)s, %(complained)s, %(now)s
"""


class EpisodeStore:
    def __init__(self, database: Database, table: Callable[[], StrategyTable]) -> None:
        self._database = database
        self._table = table

    @faultpoints("look_at_intervention")
    async def look(self, intervention: str, now: datetime, asked: bool = False) -> Stands:
        """Applies what follows from all that is known. Raises NotFound."""
        async with self._database.pipelined() as connection:
            found = await (await connection.execute(LOCK, {"id": intervention})).fetchone()
            if found is None:
                raise NotFound(f"There is no intervention {intervention}.")
            return await self._moved(connection, intervention, now, asked)

    async def _moved(self, connection: Connection, intervention: str, now: datetime, asked: bool) -> Stands:
        table = self._table()
        for _ in range(MOST_MOVES):
            look = await _read(connection, intervention, table, now, asked)
            move = next_move(look.episode, look.known, table, now)
            if move is None:
                return look.stands()
            if isinstance(move, moves.Reach):
                await look.wait(move, now, until=None, on="gateway")
                return look.stands(reach=True)
            if isinstance(move, moves.Wait):
                await look.wait(move, now, until=move.until, on=move.on)
                return look.stands(until=move.until, waits_on=move.on)
            await look.apply(move, table, now)
            asked = False
        raise AssertionError(f"{intervention} does not come to rest")


class Look:
    """One episode, locked and read, and how each move is written down."""

    def __init__(self, connection: Connection, row: Row, episode: Episode, known: Known, money: Money | None) -> None:
        self._connection = connection
        self._row = row
        self._money = money
        self.episode = episode
        self.known = known

    def stands(self, *, reach: bool = False, until: datetime | None = None, waits_on: str = "") -> Stands:
        at = self.episode.at
        out = Reach(step=at.number, by=at.step.by, template=at.step.template) if reach and at else None
        return Stands(
            id=self.episode.id,
            person=self.episode.person,
            product=self.episode.product,
            state=self.episode.state,
            ending=self.episode.ending,
            reach=out,
            until=until,
            waits_on=waits_on,
        )

    async def wait(self, move: Move, now: datetime, until: datetime | None, on: str) -> None:
        if (self._row["until"], self._row["waits_on"]) != (until, on):
            await self._set(now, until=until, waits_on=on)

    async def apply(self, move: Move, table: StrategyTable, now: datetime) -> None:
        await APPLIED_BY[type(move)](self, move, table, now)

    # Steps ------------------------------------------------------------------------------------

    async def is_out(self, move: moves.IsOut, table: StrategyTable, now: datetime) -> None:
        await self._set_step(state=StepState.OUT, until=move.until, rule=None)
        await self._enter("intervention.sent", now, step=self._number, way=self._at.step.by)

    async def call(self, move: moves.Call, table: StrategyTable, now: datetime) -> None:
        await self._open_task(table, now)
        await self._set_step(state=StepState.OUT)

    async def _open_task(self, table: StrategyTable, now: datetime) -> None:
        at, task = self._at, new_id(TASK)
        due = now + timedelta(hours=at.step.answer_within_hours)
        await self._run(
            OPEN_TASK,
            task=task,
            person=self.episode.person,
            product=self.episode.product,
            step=at.number,
            attempt=at.tries,
            queue=table.collectors.queue,
            script=at.step.template,
            why=[self._row["at"]["rule"]] if self._row["at"]["rule"] else [],
            priority=at.step.priority,
            now=now,
            due_at=due,
            deadline=max(now + timedelta(hours=table.collectors.patience_hours), due),
        )
        await self._enter(
            "collector_task.opened", now, task=task, step=at.number, attempt=at.tries, script=at.step.template
        )

    async def reschedule(self, move: moves.Reschedule, table: StrategyTable, now: datetime) -> None:
        tries = self._at.tries + (1 if move.tried else 0)
        await self._set_step(state=StepState.DUE, not_before=move.at, rule=move.rule, tries=tries)
        await self._enter(
            "intervention.rescheduled", now, reason=move.rule, step=self._number, not_before=move.at.isoformat()
        )

    async def next_step(self, move: moves.NextStep, table: StrategyTable, now: datetime) -> None:
        number = self._number + 1
        await self._end_step(move.result, move.rule, now)
        await self._run(CLOSE_TASKS)
        await self._enter("intervention.step_over", now, reason=move.rule or move.result, step=self._number)
        await self._begin(number, self.episode.plan, now)

    async def to_a_person(self, move: moves.ToAPerson, table: StrategyTable, now: datetime) -> None:
        """Beside the plan, right after the present step."""
        at, plan = self.episode.at, self.episode.plan
        number = at.number + 1 if at else len(plan)
        if at is not None:
            await self._end_step("to_a_person", move.why, now)
        plan = (*plan[:number], move.step, *plan[number:])
        await self._begin(number, plan, now, heard=self._replies_acted_on(move.why), state=EpisodeState.TREATING)
        await self._run(
            "update intervention_step set rule = %(why)s where intervention_id = %(id)s and number = %(number)s",
            why=move.why,
            number=number,
        )
        await self._enter("intervention.escalated", now, reason=move.why, step=number)

    async def _begin(self, number: int, plan: tuple[Step, ...], now: datetime, **changes: Any) -> None:
        if number < len(plan):
            step = plan[number]
            await self._run(
                BEGIN_STEP, number=number, by=step.by, template=step.template, priority=step.priority, now=now
            )
        as_json = [step.model_dump(mode="json") for step in plan]
        await self._set(now, step=number, plan=as_json, until=None, waits_on=None, **changes)

    async def escalate(self, move: moves.Escalate, table: StrategyTable, now: datetime) -> None:
        await self._run(ESCALATE, step=self._number, now=now)
        await self._enter("collector_task.escalated", now, reason="nobody took it in time", step=self._number)

    async def heard(self, move: moves.Heard, table: StrategyTable, now: datetime) -> None:
        await self._run(HEARD, why=f"reply:{move.reply}")
        await self._set(now, heard=self._row["heard"] + 1)

    async def _end_step(self, result: str, rule: str | None, now: datetime) -> None:
        await self._set_step(state=StepState.OVER, result=result, rule=rule, ended_at=now)

    # Promises ---------------------------------------------------------------------------------

    async def promise(self, move: moves.Promise, table: StrategyTable, now: datetime) -> None:
        agreed = self._row["task"]["agreed"]
        await self._end_step("promised", None, now)
        await self._run(SETTLE, state="replaced", now=now, but=agreed["id"])
        await self._run(JUDGED_AT, commitment=agreed["id"], until=move.until)
        plan = [step.model_dump(mode="json") for step in self.episode.plan[: self._number + 1]]
        await self._set(now, state=EpisodeState.PROMISED, plan=plan, until=move.until, waits_on="promise")
        await self._enter("intervention.promised", now, until=move.until.isoformat(), tool=move.commitment.tool)

    async def go_on_waiting(self, move: moves.GoOnWaiting, table: StrategyTable, now: datetime) -> None:
        await self._set(now, state=EpisodeState.PROMISED)

    async def broken(self, move: moves.Broken, table: StrategyTable, now: datetime) -> None:
        await self._run(SETTLE, state="broken", now=now, but=None)
        await self._enter("intervention.promise_broken", now)
        number = len(self.episode.plan)
        plan = (*self.episode.plan, table.after_a_broken_promise)
        await self._begin(number, plan, now, state=EpisodeState.TREATING)

    # Endings ----------------------------------------------------------------------------------

    async def close(self, move: moves.Close, table: StrategyTable, now: datetime) -> None:
        if self.episode.at is not None and self.episode.at.state is not StepState.OVER:
            await self._end_step(move.result, None, now)
        await self._run(CLOSE_TASKS)
        await self._run(SETTLE, state=SETTLED.get(move.ending, "replaced"), now=now, but=None)
        await self._set(
            now,
            state=EpisodeState.WATCHING,
            ending=move.ending,
            reason=move.result,
            heard=self._replies_acted_on(move.result),
            closed_at=now,
            until=None,
            waits_on=None,
        )
        await self._enter("intervention.closed", now, reason=move.result, ending=move.ending)

    async def measure(self, move: moves.Measure, table: StrategyTable, now: datetime) -> None:
        """By the clock of the world: that is how payments are dated."""
        since = self._row["recorded_at"]
        until = since + timedelta(days=move.day) if not self._row["clock_offset"] else now
        money = await money_of(self._connection, self.episode.person, since, max(until, since + timedelta(days=1)))
        seen = {
            "intervention_id": self.episode.id,
            "day": move.day,
            "missed": money.missed(),
            "months_late": money.months_late,
            "paid": money.paid.quantize(CENTS) if money.events else None,
            "opted_out": self.known.opted_out or self.episode.ending is Ending.OPTED_OUT,
            "complained": "complaint" in self.known.flags,
        }
        await self._run(MEASURED, **seen, left=[state.value for state in LEFT_THE_HOUSE], now=now)
        stated = STATEMENTS["intervention_outcome"].row_digest(None, seen)
        await self._enter("intervention.measured", now, day=move.day, missed=seen["missed"], row=stated)

    async def end(self, move: moves.End, table: StrategyTable, now: datetime) -> None:
        closed = self._row["closed_at"] or now
        await self._set(now, state=EpisodeState.ENDED, closed_at=closed, ended_at=now, until=None, waits_on=None)
        await self._enter("intervention.ended", now, reason=str(self.episode.ending or ""))

    # Rows -------------------------------------------------------------------------------------

    @property
    def _at(self) -> Taken:
        assert self.episode.at is not None
        return self.episode.at

    @property
    def _number(self) -> int:
        return self._at.number

    def _replies_acted_on(self, why: str) -> int:
        """A reply that a move acted on is not acted on again."""
        return self._row["heard"] + (1 if why.startswith("reply:") else 0)

    async def _run(self, sql: str, **values: Any) -> None:
        await self._connection.execute(sql, {"id": self.episode.id} | values)

    async def _set(self, now: datetime, **changes: Any) -> None:
        names = ("state", "ending", "reason", "step", "heard", "until", "waits_on", "closed_at", "ended_at", "plan")
        kept: Mapping[str, Any] = {name: self._row[name] for name in names}
        values = {**kept, **changes}
        await self._run(SET, **{**values, "plan": Jsonb(values["plan"]), "now": now})

    async def _set_step(self, **changes: Any) -> None:
        names = ("state", "tries", "rule", "result", "not_before", "until", "ended_at")
        kept = {name: self._row["at"][name] for name in names}
        await self._run(SET_STEP, **{**kept, **changes}, number=self._number)

    async def _enter(self, kind: str, now: datetime, reason: str = "", **facts: Any) -> None:
        await record.enter(self._connection, kind, self.episode.id, now=now, by=SYSTEM, reason=reason, **facts)


APPLIED_BY: dict[type[Move], Callable[..., Any]] = {
    moves.IsOut: Look.is_out,
    moves.Call: Look.call,
    moves.Reschedule: Look.reschedule,
    moves.NextStep: Look.next_step,
    moves.ToAPerson: Look.to_a_person,
    moves.Escalate: Look.escalate,
    moves.Heard: Look.heard,
    moves.Promise: Look.promise,
    moves.GoOnWaiting: Look.go_on_waiting,
    moves.Broken: Look.broken,
    moves.Close: Look.close,
    moves.Measure: Look.measure,
    moves.End: Look.end,
}


async def _read(connection: Connection, intervention: str, table: StrategyTable, now: datetime, asked: bool) -> Look:
    row = await (await connection.execute(READ, {"id": intervention})).fetchone()
    assert row is not None
    money = None
    if row["watched"] and EpisodeState(row["state"]).open:
        since = row["commitment"]["recorded_at"] if row["commitment"] else row["recorded_at"]
        money = await money_of(connection, row["person_id"], _moment(since), now + timedelta(days=2))
    episode = _episode(row)
    return Look(connection, row, episode, _known(row, episode, table, money, asked), money)


def _episode(row: Row) -> Episode:
    at, agreed = row["at"], row["commitment"]
    plan = tuple(Step.model_validate(step) for step in row["plan"])
    taken = None
    if at is not None and at["number"] < len(plan):
        taken = Taken(
            number=at["number"],
            step=plan[at["number"]],
            state=StepState(at["state"]),
            tries=at["tries"],
            rule=at["rule"],
            not_before=at["not_before"],
            began_at=at["began_at"],
            until=at["until"],
        )
    return Episode(
        id=row["id"],
        person=row["person_id"],
        product=row["product"],
        state=EpisodeState(row["state"]),
        ending=Ending(row["ending"]) if row["ending"] else None,
        level=RiskLevel(row["level"]),
        strategy=row["strategy"],
        plan=plan,
        at=taken,
        treats=bool(plan),
        asked_for_help=row["asked_for_help"],
        opened_at=row["opened_at"],
        commitment=_commitment(agreed) if agreed and agreed["until"] else None,
        kept_until=agreed["until"] if agreed else None,
        measured=tuple(row["measured"] or ()),
    )


def _known(row: Row, episode: Episode, table: StrategyTable, money: Money | None, asked: bool) -> Known:
    agreed = episode.commitment
    return Known(
        flags=tuple(row["flags"] or ()),
        opted_out=bool(row["opted_out"]),
        paid=money is not None and money.is_paid(table.paid_share),
        kept=money is not None and agreed is not None and _is_kept(agreed, money),
        broken=row["broken"],
        reply=_reply(row["reply"]),
        contact=_contact(row["contact"]),
        task=_task(row["task"]),
        asked=asked,
    )


def _is_kept(agreed: Commitment, money: Money) -> bool:
    return money.paid >= agreed.amount if agreed.amount is not None else money.payments > 0


def _contact(found: Row | None) -> ContactFact | None:
    if not found:
        return None
    return ContactFact(state=found["state"], rule=found["rule"], again_at=found["again_at"])


def _task(found: Row | None) -> TaskFact | None:
    if not found or not found.get("id"):
        return None
    return TaskFact(
        answered=Answer(found["answer"]) if found["answer"] else None,
        call_back_at=found["call_back_at"],
        commitment=_commitment(found["agreed"]) if found["agreed"] else None,
        escalated=found["escalated_at"] is not None,
        due_at=found["due_at"],
        deadline=found["deadline"],
    )


def _commitment(found: Row) -> Commitment:
    return Commitment(
        tool=found["tool"],
        amount=found["amount"],
        currency=found["currency"],
        due_on=found["due_on"],
        payments=found["payments"],
    )


def _reply(found: Row | None) -> Reply | None:
    if not found:
        return None
    return {"opt_out": Reply.STOP, "help": Reply.HELP, "fine": Reply.FINE}.get(found["meaning"], Reply.OTHER)


def _moment(value: Any) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
