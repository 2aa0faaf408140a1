"""The collectors' queue: tasks claimed on a lease, answered once by compare-and-set, each answer kept for good."""

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from psycopg import Rollback

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.ledger.stating import STATEMENTS
from plimsoll.adapters.postgres.outreach import record
from plimsoll.adapters.postgres.outreach.record import Connection
from plimsoll.domain.access import Actor
from plimsoll.domain.errors import Conflict, NotFound, StaleVersion
from plimsoll.domain.ledger import digest
from plimsoll.domain.outreach.collecting import NOBODY_SPOKE, Report, can_be_called, check_report
from plimsoll.domain.outreach.contact import Contact
from plimsoll.domain.outreach.moves import Answer
from plimsoll.domain.outreach.strategy import StrategyTable
from plimsoll.ports import Vault
from plimsoll.ports.outreach import Calls

TASK = """
select t.*, i.level, i.probability, i.factors, i.strategy, i.state as intervention_state, i.clock_offset, i.opened_at
       as intervention_opened_at, p.wrapped_key, actor.name as claimed_by_name, a.answer, a.actor_id as answered_by,
       a.body_sealed as answer_sealed
from collector_task t join intervention i on i.id = t.intervention_id join person p on p.id = t.person_id
left join actor on actor.id = t.claimed_by left join collector_answer a on a.task_id = t.id
"""
# Tasks in which a person looks at something, and need not call.
NO_CALL = ("call-cannot-be-reached",)
QUEUE = f"""
{TASK}
where t.state = any(%(states)s) and (%(queue)s::text is null or t.queue = %(queue)s)
  and (%(after)s::text is null or (t.priority, t.due_at, t.id) > (
      select b.priority, b.due_at, b.id from collector_task b where b.id = %(after)s))
order by t.priority, t.due_at, t.id limit %(limit)s
"""
# What nobody else holds, the most urgent first.
NEXT = f"""
{TASK}
where t.state in ('open', 'claimed') and (%(queue)s::text is null or t.queue = %(queue)s)
  and (t.claimed_by is null or t.claimed_by = %(actor)s or t.lease_until < %(now)s) and t.id <> all(%(but)s)
order by (t.claimed_by = %(actor)s) desc nulls last, t.priority, t.due_at, t.id limit %(limit)s
"""
CLAIM = """
update collector_task set state = 'claimed', claimed_by = %(actor)s, lease_until = %(until)s,
    version = case when claimed_by is distinct from %(actor)s then version + 1 else version end
where id = %(id)s and state in ('open', 'claimed')
  and (claimed_by is null or claimed_by = %(actor)s or lease_until < %(now)s) returning id
"""
RELEASE = """
update collector_task set state = 'open', claimed_by = null, lease_until = null, version = version + 1
where id = %(id)s and claimed_by = %(actor)s and state = 'claimed' returning id
"""
ANSWER = """
with said as (
    insert into collector_answer (task_id, task_version, actor_id, answer, body_sealed, body_digest, call_back_at,
                                  answered_at)
    values (%(id)s, %(version)s, %(actor)s, %(answer)s, %(sealed)s, %(sealed_digest)s, %(call_back_at)s, %(now)s)
), agreed as (
    insert into commitment (intervention_id, person_id, task_id, tool, amount, currency, due_on, payments, state,
                            agreed_by, agreed_at)
    select %(intervention)s, %(person)s, %(id)s, %(tool)s, %(amount)s, %(currency)s, %(due_on)s, %(payments)s,
           'agreed', %(actor)s, %(now)s
    where %(due_on)s::date is not null
)
update collector_task set state = 'answered', version = version + 1, claimed_by = null, lease_until = null,
    answered_at = %(now)s
where id = %(id)s
"""
LOCK_PERSON = """
select id from person where id = (select person_id from collector_task where id = %(id)s) for no key update
"""
LAST_AGREED = """
select max(agreed_at)::date as day from commitment
where person_id = %(person)s and tool = %(tool)s
"""


class CollectorDesk:
    def __init__(self, database: Database, vault: Vault, table: Callable[[], StrategyTable], calls: Calls) -> None:
        self._database = database
        self._vault = vault
        self._table = table
        self._calls = calls

    # Reading ----------------------------------------------------------------------------------

    async def queue(
        self, *, states: Sequence[str], limit: int, queue: str | None = None, after: str | None = None
    ) -> list[Row]:
        rows = await self._database.rows(
            QUEUE, {"states": list(states), "queue": queue, "after": after, "limit": limit}
        )
        return [_shown(row) for row in rows]

    async def task(self, task: str) -> Row:
        """Raises NotFound."""
        row = await self._database.row(f"{TASK} where t.id = %(id)s", {"id": task})
        if row is None:
            raise NotFound(f"There is no collector task {task}: `plimsoll collector list` shows them.")
        return self._with_answer(row)

    async def next(self, actor: Actor, now: datetime, queue: str | None = None) -> Row | None:
        """Claims the most urgent task whose customer may be called now; None when there is none."""
        barred: list[str] = []
        while rows := await self._database.rows(
            NEXT, {"actor": actor.id, "now": now, "queue": queue, "but": barred, "limit": 20}
        ):
            for row in rows:
                try:
                    return await self.claim(row["id"], actor, now)
                except Conflict:
                    barred.append(row["id"])
        return None

    # A collector's day ------------------------------------------------------------------------

    async def claim(self, task: str, actor: Actor, now: datetime) -> Row:
        """On a lease. Raises Conflict: somebody else holds it, or the customer may not be called now."""
        lease = timedelta(minutes=self._table().collectors.lease_minutes)
        async with self._database.transaction() as connection:
            row = await self._locked(connection, task)
            now = now + timedelta(seconds=row["clock_offset"])
            if row["state"] in ("open", "claimed"):
                await self._must_be_callable(connection, row, actor, now)
            claimed = await connection.execute(CLAIM, {"id": task, "actor": actor.id, "now": now, "until": now + lease})
            if await claimed.fetchone() is None:
                raise _why_not(row)
        return await self.task(task)

    async def _must_be_callable(self, connection: Connection, row: Row, actor: Actor, now: datetime) -> None:
        """As if they were called, and undone: a task in the hand is no call yet."""
        if row["script"] in NO_CALL:
            return
        async with connection.transaction() as tried:
            contact = await self._dialled(connection, row, actor, now)
            raise Rollback(tried)
        if contact.rule:
            raise Conflict(can_be_called(contact.again_at, contact.rule), rule=contact.rule)

    async def _dialled(self, connection: Connection, row: Row, actor: Actor, now: datetime) -> Contact:
        return await self._calls.call_within(
            connection, row["id"], row["intervention_id"], row["person_id"], row["script"], by=actor, now=now
        )

    async def call(self, task: str, actor: Actor, now: datetime) -> Row:
        """About to dial: the governor's last word, the call counted, the number and what to say.

        Raises Conflict with the rule, or when the task is not this collector's.
        """
        async with self._database.transaction() as connection:
            row = await self._locked(connection, task)
            now = now + timedelta(seconds=row["clock_offset"])
            if row["state"] != "claimed" or row["claimed_by"] != actor.id:
                raise _why_not(row)
            contact = await self._dialled(connection, row, actor, now)
        if contact.rule:
            raise Conflict(can_be_called(contact.again_at, contact.rule), rule=contact.rule)
        said = await self._calls.script(row["person_id"], row["script"])
        return await self.task(task) | {
            "number": await self._calls.number_of(row["person_id"]),
            "contact": contact.id,
            "says": said.text,
        }

    async def release(self, task: str, actor: Actor) -> Row:
        async with self._database.transaction() as connection:
            row = await self._locked(connection, task)
            released = await connection.execute(RELEASE, {"id": task, "actor": actor.id})
            if await released.fetchone() is None:
                raise _why_not(row)
        return await self.task(task)

    async def answer(self, task: str, report: Report, actor: Actor, request: str, now: datetime) -> Row:
        """First wins, the same word twice is one, everybody else gets a Conflict. The answer, its ledger entry, what
        was agreed and the wake-up of the run are one transaction."""
        async with self._database.transaction() as connection:
            row = await self._locked(connection, task)
            now = now + timedelta(seconds=row["clock_offset"])
            if self._is_repeat(row, report, actor):
                return self._with_answer(row)
            _refuse(row, report, actor, now)
            check_report(report, self._table(), now, await _last_agreed(connection, row, report))
            barred = await self._note_call(connection, row, report, actor, now)
            await self._write(connection, row, report, actor, request, now, barred)
        return await self.task(task)

    async def _note_call(
        self, connection: Connection, row: Row, report: Report, actor: Actor, now: datetime
    ) -> str | None:
        """A call that was made counts, also one that should not have been: then the rule is on record beside it."""
        if report.answer is Answer.ON_WITH_THE_PLAN:
            return None
        contact = await self._dialled(connection, row, actor, now)
        await self._calls.called(connection, row["id"], talked=report.answer not in NOBODY_SPOKE, now=now)
        return contact.rule

    async def _write(
        self,
        connection: Connection,
        row: Row,
        report: Report,
        actor: Actor,
        request: str,
        now: datetime,
        barred: str | None,
    ) -> None:
        body = report.model_dump(mode="json", exclude={"version", "answer"})
        sealed = self._vault.seal(row["wrapped_key"], json.dumps(body).encode(), f"call/{row['id']}")
        agreed = report.commitment()
        values = {
            "id": row["id"],
            "intervention": row["intervention_id"],
            "person": row["person_id"],
            "version": row["version"],
            "actor": actor.id,
            "answer": report.answer,
            "sealed": sealed,
            "sealed_digest": digest(sealed),
            "call_back_at": report.call_back_at,
            "now": now,
            "tool": agreed.tool if agreed else None,
            "amount": agreed.amount if agreed else None,
            "currency": agreed.currency if agreed else None,
            "due_on": agreed.due_on if agreed else None,
            "payments": agreed.payments if agreed else 1,
        }
        await connection.execute(ANSWER, values)
        stated = {"task_id": row["id"], "actor_id": actor.id, "answer": report.answer}
        await record.enter(
            connection,
            "collector_task.answered",
            row["intervention_id"],
            now=now,
            by=actor,
            reason=report.answer,
            request=request,
            task=row["id"],
            barred_by=barred,
            body=digest(sealed).hex(),
            row=STATEMENTS["collector_answer"].row_digest(digest(sealed), stated),
        )
        await record.wake(connection, row["intervention_id"])

    async def _locked(self, connection: Connection, task: str) -> Row:
        # The person first, as whoever is about to contact them does.
        await connection.execute(LOCK_PERSON, {"id": task})
        found = await connection.execute(f"{TASK} where t.id = %(id)s for update of t", {"id": task})
        row = await found.fetchone()
        if row is None:
            raise NotFound(f"There is no collector task {task}: `plimsoll collector list` shows them.")
        if row["answer"] is None and row["state"] == "answered":  # answered while this one waited for the row
            found = await connection.execute(f"{TASK} where t.id = %(id)s", {"id": task})
            row = await found.fetchone()
            assert row is not None
        return row

    def _is_repeat(self, row: Row, report: Report, actor: Actor) -> bool:
        if row["answer"] != report.answer or row["answered_by"] != actor.id:
            return False
        said = self._with_answer(row)["said"]
        body = report.model_dump(mode="json", exclude={"version", "answer", "note"})
        return all(said.get(name) == value for name, value in body.items())

    def _with_answer(self, row: Row) -> Row:
        shown = _shown(row)
        if row["answer"] is None:
            return shown | {"said": None}
        return shown | {"said": self._said(row)}

    def _said(self, row: Row) -> dict[str, Any]:
        return json.loads(self._vault.open(row["wrapped_key"], row["answer_sealed"], f"call/{row['id']}"))


def _shown(row: Row) -> Row:
    hidden = {"wrapped_key", "answer_sealed"}
    return {name: value for name, value in row.items() if name not in hidden}


def _refuse(row: Row, report: Report, actor: Actor, now: datetime) -> None:
    if row["state"] not in ("open", "claimed"):
        raise _why_not(row)
    if row["claimed_by"] not in (None, actor.id) and row["lease_until"] > now:
        raise _why_not(row)
    if report.version != row["version"]:
        raise StaleVersion(
            f"The task changed since you opened it (version {row['version']}, you saw {report.version}): "
            "look again before you answer.",
            version=row["version"],
        )


def _why_not(row: Row) -> Conflict:
    if row["state"] == "answered":
        return Conflict(f"This call was answered already: {row['answer']}.", outcome=row["answer"])
    if row["state"] == "closed":
        return Conflict(f"Task {row['id']} is closed: the episode went on without it.")
    if row["claimed_by"]:
        return Conflict(f"{row['claimed_by_name']} holds this task until {row['lease_until']:%H:%M} UTC.")
    return Conflict(f"Nobody holds task {row['id']}: claim it first.")


async def _last_agreed(connection: Connection, row: Row, report: Report) -> date | None:
    if report.tool is None:
        return None
    found = await connection.execute(LAST_AGREED, {"person": row["person_id"], "tool": report.tool})
    last = await found.fetchone()
    return last["day"] if last else None
