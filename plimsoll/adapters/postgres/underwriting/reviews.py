"""Review tasks: opened by a run, claimed on a lease, answered once by compare-and-set."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.ledger.stating import STATEMENTS
from plimsoll.adapters.postgres.underwriting.review_rows import (
    FOR_SENIORS,
    TASK,
    VERDICTS,
    answered_already,
    lock_task,
    must_be_free_for,
)
from plimsoll.domain.access import SYSTEM, Actor
from plimsoll.domain.errors import Conflict, NotAllowed, NotFound, StaleVersion
from plimsoll.domain.ids import REVIEW, new_id
from plimsoll.domain.ledger import digest, entry
from plimsoll.domain.underwriting.case import Case, PersonsAnswer
from plimsoll.domain.underwriting.desk import is_senior
from plimsoll.domain.underwriting.product import ReviewTerms
from plimsoll.domain.underwriting.review import Answer, TaskState, TaskView, needs_second_pair, settled_outcome
from plimsoll.domain.values import Outcome
from plimsoll.faultpoints import faultpoints
from plimsoll.ports import Vault


class Reviews:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    # The run's side -------------------------------------------------------------------------

    @faultpoints("open_review")
    async def open(self, case: Case, terms: ReviewTerms, why: Sequence[str], priority: str, now: datetime) -> TaskView:
        """The task of this case, opened unless it is already there. Deadlines run from `now`."""
        task_id = new_id(REVIEW)
        opened = entry(
            "review.opened",
            application=case.application,
            actor=SYSTEM.id,
            reason="referred",
            request=case.request,
            at=now,
            task=task_id,
            why=list(why),
        )
        await self._database.run(
            """
            with live as (
                select id, round from application where id = %(application)s and closed_at is null for update
            ), made as (
                insert into review_task (id, application_id, round, queue, state, why, priority, opened_at, due_at,
                                         deadline)
                select %(id)s, live.id, live.round, %(queue)s, 'open', %(why)s, %(priority)s, %(now)s, %(due_at)s,
                       %(deadline)s
                from live on conflict on constraint review_once do nothing returning application_id
            ), shown as (
                update application set status = 'review' where id in (select application_id from made)
            )
            insert into ledger_entry (kind, application_id, body, digest)
            select 'review.opened', application_id, %(body)s, %(digest)s from made
            """,
            {
                "id": task_id,
                "application": case.application,
                "queue": terms.queue,
                "why": list(why),
                "priority": priority,
                "now": now,
                "due_at": now + timedelta(hours=terms.first_answer_hours),
                "deadline": now + timedelta(days=terms.patience_days),
                "body": opened.body,
                "digest": opened.digest,
            },
        )
        return await self.view(case.application, case.round)

    async def view(self, application: str, round_: int) -> TaskView:
        row = await self._database.row(
            "select id, state, due_at, deadline, escalated_at from review_task "
            "where application_id = %(application)s and round = %(round)s",
            {"application": application, "round": round_},
        )
        if row is None:
            raise NotFound(f"Application {application} has no review.")
        return TaskView(
            id=row["id"],
            state=TaskState(row["state"]),
            due_at=row["due_at"],
            deadline=row["deadline"],
            escalated=row["escalated_at"] is not None,
        )

    async def deadline_passed(self, case: Case, now: datetime) -> TaskView:
        """Escalates a task nobody answered in time, or expires it when patience is over too."""
        view = await self.view(case.application, case.round)
        if view.state.waiting and now >= view.deadline:
            await self._time_is_up(case, view.id, "review.expired", "state = 'expired', version = version + 1", now)
        elif view.state.waiting and now >= view.due_at and not view.escalated:
            await self._time_is_up(case, view.id, "review.escalated", "escalated_at = %(now)s", now)
        return await self.view(case.application, case.round)

    async def _time_is_up(self, case: Case, task: str, kind: str, change: str, now: datetime) -> None:
        written = entry(
            kind,
            application=case.application,
            actor=SYSTEM.id,
            reason="nobody answered in time",
            request=case.request,
            at=now,
            task=task,
        )
        await self._database.run(
            f"""
            with changed as (
                update review_task set {change}
                where id = %(id)s and state in ('open', 'claimed', 'second') and (%(again)s or escalated_at is null)
                returning application_id
            )
            insert into ledger_entry (kind, application_id, body, digest)
            select %(kind)s, application_id, %(body)s, %(digest)s from changed
            """,
            {
                "id": task,
                "kind": kind,
                "now": now,
                "again": kind != "review.escalated",  # a task escalates once
                "body": written.body,
                "digest": written.digest,
            },
        )

    async def answer_of(self, case: Case) -> PersonsAnswer | None:
        """The settled answer of a task, with a second pair of eyes where one was owed."""
        rows = await self._database.rows(
            """
            select v.*, t.state from review_verdict v join review_task t on t.id = v.task_id
            where t.application_id = %(application)s and t.round = %(round)s order by v.position
            """,
            {"application": case.application, "round": case.round},
        )
        if not rows or rows[0]["state"] != TaskState.ANSWERED:
            return None
        first, second = rows[0], rows[1] if len(rows) > 1 else None
        outcome = settled_outcome(Outcome(first["outcome"]), Outcome(second["outcome"]) if second else None)
        deciding = next(row for row in reversed(rows) if row["outcome"] == outcome)
        said = self._said(case.wrapped_key, deciding)
        return PersonsAnswer(
            actor=deciding["actor_id"],
            second_actor=next((r["actor_id"] for r in rows if r["actor_id"] != deciding["actor_id"]), None),
            outcome=outcome,
            reason=deciding["reason"],
            amount=said.get("amount"),
            term_months=said.get("term_months"),
        )

    # The people's side ----------------------------------------------------------------------

    async def claim(self, task: str, actor: Actor, lease: timedelta) -> Row:
        """Takes the task on a lease. Raises Conflict with the holder's name while another lease runs."""
        changed = await self._database.row(
            """
            with taken as (
                update review_task set state = case when state = 'second' then state else 'claimed' end,
                    claimed_by = %(actor)s, lease_until = now() + %(lease)s,
                    version = case when claimed_by is distinct from %(actor)s then version + 1 else version end
                where id = %(id)s and state in ('open', 'claimed', 'second')
                  and (claimed_by is null or claimed_by = %(actor)s or lease_until < now())
                  and (%(senior)s or not for_seniors)
                returning id, claimed_by
            ), back as (delete from absence where actor_id in (select claimed_by from taken))
            select id from taken
            """,
            {"id": task, "actor": actor.id, "lease": lease, "senior": is_senior(actor)},
        )
        if changed is None:
            raise await self._why_not(task, actor)
        return await self.task(task)

    async def release(self, task: str, actor: Actor) -> Row:
        """Gives the task back. Raises Conflict when somebody else holds it."""
        changed = await self._database.run(
            """
            update review_task set state = case when state = 'second' then state else 'open' end,
                claimed_by = null, lease_until = null, version = version + 1
            where id = %(id)s and claimed_by = %(actor)s and state in ('claimed', 'second')
            """,
            {"id": task, "actor": actor.id},
        )
        if not changed:
            raise await self._why_not(task, actor)
        return await self.task(task)

    async def decide(self, task: str, answer: Answer, actor: Actor, terms: ReviewTerms, request: str) -> Row:
        """Takes a verdict: first wins, the same word twice is one, everyone else gets a Conflict.

        The verdict, its ledger entry and the signal to the run are one transaction, so nothing is
        lost while the engine is away.
        """
        async with self._database.transaction() as connection:
            row = await lock_task(connection, task)
            given = await self._given(connection, task)
            if self._is_repeat(row, given, answer, actor):
                return self._with_verdicts(row, given)
            self._refuse(row, given, answer, actor, terms)
            await self._write(connection, row, len(given) + 1, answer, actor, terms, request)
        return await self.task(task)

    async def task(self, task: str) -> Row:
        """The task with its verdicts. Raises NotFound."""
        row = await self._database.row(TASK, {"id": task})
        if row is None:
            raise NotFound(f"There is no review {task}.")
        given = await self._database.rows(VERDICTS, {"id": task})
        return self._with_verdicts(row, given)

    async def _given(self, connection: AsyncConnection[DictRow], task: str) -> list[Row]:
        return await (await connection.execute(VERDICTS, {"id": task})).fetchall()

    def _is_repeat(self, row: Row, given: list[Row], answer: Answer, actor: Actor) -> bool:
        mine = next((verdict for verdict in given if verdict["actor_id"] == actor.id), None)
        if mine is None or (mine["outcome"], mine["reason"]) != (answer.outcome, answer.reason):
            return False
        said = self._said(row["wrapped_key"], mine)
        amount = str(answer.amount) if answer.amount is not None else None
        return (said.get("amount"), said.get("term_months")) == (amount, answer.term_months)

    def _refuse(self, row: Row, given: list[Row], answer: Answer, actor: Actor, terms: ReviewTerms) -> None:
        state = TaskState(row["state"])
        if not state.waiting:
            raise answered_already(row["id"], state, given, terms)
        if row["closed_at"] is not None:
            raise Conflict("The application has ended meanwhile: there is nothing left to decide.")
        if any(verdict["actor_id"] == actor.id for verdict in given):
            raise NotAllowed("Four eyes: the second approval must come from another person than the first.")
        must_be_free_for(row, actor)
        if answer.version != row["version"]:
            raise StaleVersion(
                f"The case changed since you opened it (version {row['version']}, you saw {answer.version}): "
                "look again before you decide.",
                version=row["version"],
            )

    async def _write(
        self,
        connection: AsyncConnection[DictRow],
        row: Row,
        position: int,
        answer: Answer,
        actor: Actor,
        terms: ReviewTerms,
        request: str,
    ) -> None:
        now = datetime.now(UTC)
        settled = position == 2 or not needs_second_pair(terms, answer.outcome, row["amount"])
        said = {
            "note": answer.note,
            "amount": str(answer.amount) if answer.amount is not None else None,
            "term_months": answer.term_months,
        }
        sealed = self._vault.seal(row["wrapped_key"], json.dumps(said).encode(), f"verdict/{row['id']}/{position}")
        columns = {
            "task_id": row["id"],
            "position": position,
            "actor_id": actor.id,
            "outcome": answer.outcome,
            "reason": answer.reason,
        }
        written = entry(
            "review.answered" if settled else "review.first_answer",
            application=row["application_id"],
            actor=actor.id,
            reason=answer.reason,
            request=request,
            at=now,
            task=row["id"],
            position=position,
            outcome=answer.outcome.value,
            body=digest(sealed).hex(),
            row=STATEMENTS["review_verdict"].row_digest(digest(sealed), columns),
        )
        parameters = columns | {
            "application": row["application_id"],
            "version": answer.version,
            "sealed": sealed,
            "sealed_digest": digest(sealed),
            "now": now,
            "state": TaskState.ANSWERED if settled else TaskState.SECOND,
            "kind": written.kind,
            "body": written.body,
            "digest": written.digest,
        }
        try:
            await connection.execute(WRITE_VERDICT, parameters)
        except psycopg.errors.UniqueViolation:  # cannot happen under the row lock; the key is the last word
            raise Conflict("Somebody else answered at the same moment.") from None
        if settled:
            await connection.execute(
                "insert into outbox (lane, kind, application_id, payload) "
                "values ('engine', 'reviewed', %(application)s, '{}')",
                parameters,
            )

    async def _why_not(self, task: str, actor: Actor) -> Exception:
        row = await self.task(task)
        state = TaskState(row["state"])
        if not state.waiting:
            return answered_already(task, state, row["verdicts"])
        if row["for_seniors"] and not is_senior(actor):
            return NotAllowed(FOR_SENIORS)
        if row["claimed_by"]:
            return Conflict(f"Another reviewer holds this case until {row['lease_until']:%H:%M} UTC.")
        return Conflict("You do not hold this case: claim it first.")

    def _with_verdicts(self, row: Row, given: list[Row]) -> Row:
        said = [
            {
                "position": verdict["position"],
                "actor": verdict["actor_name"],
                "outcome": verdict["outcome"],
                "reason": verdict["reason"],
                "answered_at": verdict["answered_at"],
                **self._said(row["wrapped_key"], verdict),
            }
            for verdict in given
        ]
        return {k: v for k, v in row.items() if k != "wrapped_key"} | {"verdicts": said}

    def _said(self, wrapped_key: bytes, verdict: Row) -> dict[str, Any]:
        context = f"verdict/{verdict['task_id']}/{verdict['position']}"
        return json.loads(self._vault.open(wrapped_key, verdict["body_sealed"], context))


WRITE_VERDICT = """
with said as (
    insert into review_verdict (task_id, position, task_version, actor_id, outcome, reason, body_sealed, body_digest,
                                answered_at)
    values (%(task_id)s, %(position)s, %(version)s, %(actor_id)s, %(outcome)s, %(reason)s, %(sealed)s,
            %(sealed_digest)s, %(now)s)
), entered as (
    insert into ledger_entry (kind, application_id, body, digest)
    values (%(kind)s, %(application)s, %(body)s, %(digest)s)
)
update review_task set state = %(state)s, version = version + 1, claimed_by = null, lease_until = null,
    four_eyes = four_eyes or %(state)s = 'second',
    answered_at = case when %(state)s = 'answered' then %(now)s end
where id = %(task_id)s
"""
