"""Roll-outs: one row each, moved by compare-and-set together with the roles it means and its ledger entry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection, errors
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.ledger.entering import enter
from plimsoll.adapters.postgres.models.registry import Registry
from plimsoll.domain.access import SYSTEM, Actor
from plimsoll.domain.errors import Conflict, NotFound
from plimsoll.domain.ids import ROLLOUT, new_id
from plimsoll.domain.ledger import entry
from plimsoll.domain.models.gates import GateReading, GateVerdict
from plimsoll.domain.models.registry import ModelRecord, RoleName
from plimsoll.domain.models.rollout import Judgement, Move, Phase, RolloutPlan, RolloutState, RolloutView

Connection = AsyncConnection[DictRow]
UNDER_WAY = ("running", "paused")

VIEW = """
select r.*, m.digest as model_digest, m.version as model_version, c.digest as champion_digest,
       c.version as champion_version, actor.name as started_by_name
from rollout r
join model m on m.id = r.model_id
join model c on c.id = r.champion_id
join actor on actor.id = r.started_by
"""
INSERT = """
insert into rollout (id, name, product, model_id, champion_id, state, plan, phase, phase_since, deadline, started_by,
                     started_at)
values (%(id)s, %(name)s, %(product)s, %(model_id)s, %(champion_id)s, 'running', %(plan)s, 0, %(now)s, %(deadline)s,
        %(by)s, %(now)s)
"""
MOVE = """
update rollout set state = %(state)s, phase = %(phase)s, phase_since = %(phase_since)s, deadline = %(deadline)s,
    reason = %(reason)s, ended_at = %(ended_at)s
where id = %(id)s
"""
EVALUATED = """
insert into rollout_evaluation (rollout_id, phase, verdict, gates, evaluated_at)
values (%(id)s, %(phase)s, %(verdict)s, %(gates)s, %(now)s)
"""


@dataclass(frozen=True)
class Word:
    """Who moves a roll-out, why, under which request and when: said of every change."""

    by: Actor
    reason: str
    request: str
    now: datetime

    @property
    def parts(self) -> dict[str, Any]:
        return {"by": self.by, "reason": self.reason, "request": self.request, "now": self.now}


class Rollouts:
    def __init__(self, database: Database, registry: Registry) -> None:
        self._database = database
        self._registry = registry

    # Reading --------------------------------------------------------------------------------

    async def get(self, rollout: str) -> Row:
        row = await self._database.row(f"{VIEW} where r.id = %(id)s", {"id": rollout})
        if row is None:
            raise NotFound(f"There is no roll-out {rollout}: `plimsoll rollout list` shows them.")
        return row

    async def view(self, rollout: str) -> RolloutView:
        return _view(await self.get(rollout))

    async def newest(self, *, product: str | None, after: str | None, limit: int) -> list[Row]:
        return await self._database.rows(
            f"{VIEW} where (%(product)s::text is null or r.product = %(product)s) "
            "and (%(after)s::text is null or r.id < %(after)s) order by r.id desc limit %(limit)s",
            {"product": product, "after": after, "limit": limit},
        )

    async def evaluations(self, rollout: str, limit: int = 100) -> list[Row]:
        """The newest first."""
        return await self._database.rows(
            "select phase, verdict, gates, evaluated_at from rollout_evaluation where rollout_id = %(id)s "
            "order by id desc limit %(limit)s",
            {"id": rollout, "limit": limit},
        )

    # What people say ------------------------------------------------------------------------

    async def start(self, model: str, plan: RolloutPlan, *, by: Actor, reason: str, request: str, now: datetime) -> str:
        """Begins with the first phase. Raises Conflict beside another roll-out or a running experiment."""
        word = Word(by, reason, request, now)
        rollout = new_id(ROLLOUT)
        try:
            async with self._database.transaction() as connection:
                record = await self._registry.locked(connection, model)
                await _refuse_beside_an_experiment(connection, record.name)
                champion = await _champion_before(connection, record)
                await _end_what_was_only_kept(connection, record.name, now)
                values = {
                    "id": rollout,
                    "name": record.name,
                    "product": record.product,
                    "model_id": record.id,
                    "champion_id": champion,
                    "plan": Jsonb(plan.model_dump(mode="json")),
                    "deadline": now + plan.phases[0].lasts,
                }
                await connection.execute(INSERT, values | {"now": now, "by": by.id})
                await self._share_out(connection, values, plan.phases[0], word)
                await _enter(connection, "rollout.started", values, word, phase=0)
        except errors.UniqueViolation:
            raise Conflict(
                "Another roll-out of this model is under way: `plimsoll rollout list` shows it; end it first."
            ) from None
        return rollout

    async def pause(self, rollout: str, *, by: Actor, reason: str, request: str, now: datetime) -> RolloutView:
        """Applicants stay where they are and no phase follows until it is resumed. A breach still goes back."""
        return await self._hold(rollout, ("running",), RolloutState.PAUSED, Word(by, reason, request, now))

    async def resume(self, rollout: str, *, by: Actor, reason: str, request: str, now: datetime) -> RolloutView:
        return await self._hold(rollout, ("paused",), RolloutState.RUNNING, Word(by, reason, request, now))

    async def promote(self, rollout: str, *, by: Actor, reason: str, request: str, now: datetime) -> RolloutView:
        """To everybody at once, whatever the clock says."""
        async with self._database.transaction() as connection:
            row = await _held(connection, rollout, UNDER_WAY)
            await self._promote(connection, row, Word(by, reason, request, now))
        return await self.view(rollout)

    async def roll_back(self, rollout: str, *, by: Actor, reason: str, request: str, now: datetime) -> RolloutView:
        """The old model decides from the next application on; also while it is only kept."""
        async with self._database.transaction() as connection:
            row = await _held(connection, rollout, (*UNDER_WAY, "promoted"))
            await self._roll_back(connection, row, Word(by, reason, request, now))
        return await self.view(rollout)

    async def roll_back_under_way(self, name: str, *, reason: str, request: str, now: datetime) -> str | None:
        """What an alarm does: takes back the release of this model that is under way, if there is one."""
        row = await self._database.row(
            "select id from rollout where name = %(name)s and state in ('running', 'paused')", {"name": name}
        )
        if row is None:
            return None
        await self.roll_back(row["id"], by=SYSTEM, reason=reason, request=request, now=now)
        return row["id"]

    # What its run does ----------------------------------------------------------------------

    async def apply(
        self, rollout: str, phase: int, judgement: Judgement, readings: Sequence[GateReading], now: datetime
    ) -> RolloutView:
        """Writes an evaluation down and does what it concludes, unless somebody moved the phase meanwhile."""
        async with self._database.transaction() as connection:
            row = await _locked(connection, rollout)
            if row["state"] in UNDER_WAY and row["phase"] == phase:
                await _evaluated(connection, row, readings, now)
                await self._do(connection, row, judgement.move, Word(SYSTEM, judgement.reason, rollout, now))
        return await self.view(rollout)

    async def let_go(self, rollout: str, now: datetime) -> RolloutView:
        """The old model was kept long enough."""
        await self._database.run(
            "update rollout set ended_at = %(now)s where id = %(id)s and state = 'promoted' and ended_at is null",
            {"id": rollout, "now": now},
        )
        return await self.view(rollout)

    async def _do(self, connection: Connection, row: Row, move: Move, word: Word) -> None:
        if move is Move.ROLL_BACK:
            await self._roll_back(connection, row, word)
        elif row["state"] == RolloutState.PAUSED:
            return
        elif move is Move.ASK_A_PERSON:
            await _move(connection, row, word, state=RolloutState.PAUSED)
            await _enter(connection, "rollout.paused", row, word)
        elif move is Move.ADVANCE:
            await self._advance(connection, row, word)

    async def _advance(self, connection: Connection, row: Row, word: Word) -> None:
        following = _plan(row).phases[row["phase"] + 1]
        if following.share >= 1.0:
            await self._promote(connection, row, word)
            return
        phase, until = row["phase"] + 1, word.now + following.lasts
        await _move(connection, row, word, phase=phase, phase_since=word.now, deadline=until)
        await self._share_out(connection, row, following, word)
        await _enter(connection, "rollout.advanced", row, word, phase=phase)

    # What a move means for the roles --------------------------------------------------------

    async def _share_out(self, connection: Connection, row: Row, phase: Phase, word: Word) -> None:
        role, other = RoleName.CHALLENGER, RoleName.SHADOW
        if phase.share == 0:
            role, other = other, role
        await self._registry.clear_role_in(connection, row["name"], other, **word.parts)
        await self._registry.set_role_in(connection, row["model_id"], role, share=phase.share, **word.parts)

    async def _promote(self, connection: Connection, row: Row, word: Word) -> None:
        plan = _plan(row)
        last, until = len(plan.phases) - 1, word.now + plan.keeps_old
        await _move(
            connection, row, word, state=RolloutState.PROMOTED, phase=last, phase_since=word.now, deadline=until
        )
        await self._registry.set_role_in(connection, row["model_id"], RoleName.CHAMPION, **word.parts)
        await _enter(connection, "rollout.promoted", row, word)

    async def _roll_back(self, connection: Connection, row: Row, word: Word) -> None:
        await _move(connection, row, word, state=RolloutState.ROLLED_BACK, deadline=None, ended_at=word.now)
        if row["state"] == RolloutState.PROMOTED:
            await self._registry.set_role_in(connection, row["champion_id"], RoleName.CHAMPION, **word.parts)
        for role in (RoleName.CHALLENGER, RoleName.SHADOW):
            await self._registry.clear_role_in(connection, row["name"], role, **word.parts)
        await _enter(connection, "rollout.rolled_back", row, word)

    async def _hold(self, rollout: str, held: tuple[str, ...], to: RolloutState, word: Word) -> RolloutView:
        async with self._database.transaction() as connection:
            row = await _held(connection, rollout, held)
            await _move(connection, row, word, state=to)
            kind = "rollout.paused" if to is RolloutState.PAUSED else "rollout.resumed"
            await _enter(connection, kind, row, word)
        return await self.view(rollout)


async def _champion_before(connection: Connection, record: ModelRecord) -> str:
    """What the release would go back to. Raises Conflict when there is nothing, or it is the same version."""
    found = await connection.execute(
        "select model_id from model_role where name = %(name)s and role = 'champion'", {"name": record.name}
    )
    row = await found.fetchone()
    if row is None:
        raise Conflict(f"{record.name} has no champion to compare with: `plimsoll model promote` makes the first one.")
    if row["model_id"] == record.id:
        raise Conflict(f"{record.called} is the champion already.")
    return row["model_id"]


async def _refuse_beside_an_experiment(connection: Connection, name: str) -> None:
    found = await connection.execute(
        "select id from experiment where name = %(name)s and state = 'running'", {"name": name}
    )
    row = await found.fetchone()
    if row:
        raise Conflict(f"The experiment {row['id']} shares out the applicants of {name}: stop it before a roll-out.")


async def _end_what_was_only_kept(connection: Connection, name: str, now: datetime) -> None:
    """A new release does not wait for the week in which the last one could still be taken back."""
    await connection.execute(
        "update rollout set ended_at = %(now)s where name = %(name)s and state = 'promoted' and ended_at is null",
        {"name": name, "now": now},
    )


async def _locked(connection: Connection, rollout: str) -> Row:
    found = await connection.execute("select * from rollout where id = %(id)s for update", {"id": rollout})
    row = await found.fetchone()
    if row is None:
        raise NotFound(f"There is no roll-out {rollout}: `plimsoll rollout list` shows them.")
    return row


async def _held(connection: Connection, rollout: str, states: Sequence[str]) -> Row:
    """The row, locked, in one of these states and not over. Raises Conflict with the state it is in."""
    row = await _locked(connection, rollout)
    if row["state"] not in states or row["ended_at"] is not None:
        over = " and over" if row["ended_at"] else ""
        state = RolloutState(row["state"]).value.replace("_", " ")
        raise Conflict(f"The roll-out {rollout} is {state}{over}: this can be done only while it is {_or(states)}.")
    return row


async def _move(connection: Connection, row: Row, word: Word, **changes: Any) -> None:
    kept = {name: row[name] for name in ("id", "state", "phase", "phase_since", "deadline", "ended_at")}
    await connection.execute(MOVE, kept | changes | {"reason": word.reason})


async def _evaluated(connection: Connection, row: Row, readings: Sequence[GateReading], now: datetime) -> None:
    verdicts = {reading.verdict for reading in readings}
    worst = next((v for v in (GateVerdict.BREACH, GateVerdict.WAIT) if v in verdicts), GateVerdict.PASS)
    gates = Jsonb([reading.model_dump(mode="json") for reading in readings])
    await connection.execute(
        EVALUATED, {"id": row["id"], "phase": row["phase"], "verdict": worst, "gates": gates, "now": now}
    )


async def _enter(connection: Connection, kind: str, row: Row, word: Word, **facts: Any) -> None:
    written = entry(
        kind,
        application=None,
        actor=word.by.id,
        reason=word.reason,
        request=word.request,
        at=word.now,
        rollout=row["id"],
        model=row["model_id"],
        before=row["champion_id"],
        **facts,
    )
    await enter(connection, written)


def _plan(row: Row) -> RolloutPlan:
    return RolloutPlan.model_validate(row["plan"])


def _or(states: Sequence[str]) -> str:
    return " or ".join(states)


def _view(row: Row) -> RolloutView:
    return RolloutView(
        rollout=row["id"],
        product=row["product"],
        state=RolloutState(row["state"]),
        plan=_plan(row),
        phase=row["phase"],
        since=row["phase_since"],
        deadline=row["deadline"],
        ended=row["ended_at"] is not None,
        new_digest=row["model_digest"],
        old_digest=row["champion_digest"],
        started_at=row["started_at"],
    )
