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
from plimsoll.adapters.postgres.outreach.episode_facts import known_now
from plimsoll.adapters.postgres.outreach.payments import money_of
from plimsoll.adapters.postgres.outreach.record import Connection
from plimsoll.domain.access import SYSTEM
from plimsoll.domain.ids import TASK, new_id
from plimsoll.domain.outreach import moves
from plimsoll.domain.outreach.contact import LEFT_THE_HOUSE
from plimsoll.domain.outreach.episode import Ending, EpisodeState
from plimsoll.domain.outreach.moves import (
    Episode,
    Known,
    Move,
    StepState,
    Taken,
    next_move,
)
from plimsoll.domain.outreach.strategy import Step, StrategyTable
from plimsoll.faultpoints import faultpoints
from plimsoll.ports.outreach import Reach, Stands

CENTS = Decimal("0.01")
SETTLED = {Ending.KEPT: "kept", Ending.HELPED: "kept", Ending.BROKEN: "broken"}
MOST_MOVES = 100  # of one look; more would be a plan that turns in a circle

LOCK = "select id from intervention where id = %(id)s for update"
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

    @property
    def table(self) -> StrategyTable:
        return self._table()

    @faultpoints("look_at_intervention")
    async def look(self, intervention: str, now: datetime, asked: bool = False) -> Stands:
        """Applies what follows from all that is known. Raises NotFound."""
        async with self._database.pipelined() as connection:
            await connection.execute(LOCK, {"id": intervention})
            return await self.at_rest(*await self.moved(connection, intervention, now, asked), now)

    async def moved(
        self, connection: Connection, intervention: str, now: datetime, asked: bool = False
    ) -> tuple["Look", Move | None]:
        """Whatever follows is done, by whoever holds the lock; and the move that leaves the rest to somebody else."""
        table, look = self.table, None
        for _ in range(MOST_MOVES):
            look = look or Look(connection, *await known_now(connection, intervention, table, now, asked))
            move = next_move(look.episode, look.known, table, now)
            if move is None or isinstance(move, moves.Reach | moves.Wait):
                return look, move
            await look.apply(move, table, now)
            look, asked = look if isinstance(move, moves.IsOut) else None, False
        raise AssertionError(f"{intervention} does not come to rest")

    async def at_rest(self, look: "Look", move: Move | None, now: datetime) -> Stands:
        """Where it stands, written down for whoever looks at the row."""
        if isinstance(move, moves.Reach):
            await look.wait(now, until=None, on="gateway")
            return look.stands(reach=True)
        if isinstance(move, moves.Wait):
            await look.wait(now, until=move.until, on=move.on)
            return look.stands(until=move.until, waits_on=move.on)
        return look.stands()


class Look:
    """One episode, locked and read, and how each move is written down."""

    def __init__(self, connection: Connection, row: Row, episode: Episode, known: Known) -> None:
        self._connection = connection
        self._row = row
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

    async def wait(self, now: datetime, until: datetime | None, on: str) -> None:
        if (self._row["until"], self._row["waits_on"]) != (until, on):
            await self._set(now, until=until, waits_on=on)

    async def apply(self, move: Move, table: StrategyTable, now: datetime) -> None:
        await APPLIED_BY[type(move)](self, move, table, now)

    # Steps ------------------------------------------------------------------------------------

    async def is_out(self, move: moves.IsOut, table: StrategyTable, now: datetime) -> None:
        """Nothing else changes by it, so nothing is read anew."""
        await self._set_step(state=StepState.OUT, until=move.until, rule=None)
        await self._enter("intervention.sent", now, step=self._number, way=self._at.step.by)
        self.episode = self.episode.once_out(move)
        self._row["at"] |= {"state": StepState.OUT, "until": move.until, "rule": None}

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
