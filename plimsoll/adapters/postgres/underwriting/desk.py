"""What reviewers do at a case besides deciding it: notes, papers asked for and handed in, handing it up, being away.

Each act and its ledger entry are one transaction. The run is woken where its deadline moved.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.ledger.entering import enter
from plimsoll.adapters.postgres.ledger.stating import STATEMENTS
from plimsoll.adapters.postgres.underwriting.review_rows import answered_already, lock_task, must_be_free_for
from plimsoll.domain.access import Actor
from plimsoll.domain.errors import Conflict, NotFound
from plimsoll.domain.ids import DOCUMENT, new_id
from plimsoll.domain.ledger import digest, entry
from plimsoll.domain.underwriting.desk import Paper, due_after_papers, due_while_waiting
from plimsoll.domain.underwriting.product import ReviewTerms
from plimsoll.domain.underwriting.review import TaskState
from plimsoll.ports import Vault

WAKE = "insert into outbox (lane, kind, application_id, payload) values ('engine', 'reviewed', %(application)s, '{}')"
KEY_OF = """
select p.wrapped_key from application a join person p on p.id = a.person_id
where a.id = %(application)s
"""
NOTE = """
insert into case_note (application_id, actor_id, body_sealed, body_digest, written_at)
values (%(application)s, %(actor_id)s, %(sealed)s, %(sealed_digest)s, %(now)s)
"""
NOTES = """
select n.id, n.body_sealed, n.written_at, actor.name as by from case_note n join actor on actor.id = n.actor_id
where n.application_id = %(application)s order by n.id
"""
ASK = """
insert into document_request (id, application_id, round, code, asked_by, asked_at, until)
values (%(id)s, %(application)s, %(round)s, %(code)s, %(actor)s, %(now)s, %(until)s)
on conflict (application_id, round, code) where received_at is null do nothing returning id
"""
WAITS_FOR_PAPERS = """
with shown as (update application set status = 'awaiting_applicant' where id = %(application)s)
update review_task set due_at = %(due_at)s where id = %(task)s
"""
DOCUMENTS = """
select d.id, d.code, d.asked_at, d.until, d.received_at, d.paper_sealed is not null as held, actor.name as asked_by
from document_request d join actor on actor.id = d.asked_by
where d.application_id = %(application)s and d.round = %(round)s order by d.asked_at, d.id
"""
DOCUMENT_OF = """
select d.*, t.id as task, t.deadline, t.state, a.closed_at, p.wrapped_key
from document_request d
join application a on a.id = d.application_id join person p on p.id = a.person_id
join review_task t on t.application_id = d.application_id and t.round = d.round
where d.id = %(document)s and d.application_id = %(application)s
  and (%(mine)s::text is null or a.accepted_by = %(mine)s)
"""
RECEIVED = """
update document_request set received_at = %(now)s, received_by = %(actor)s, paper_sealed = %(sealed)s,
    paper_digest = %(sealed_digest)s, content_digest = %(content)s
where id = %(document)s
"""
PAPERS_ARE_IN = """
with shown as (update application set status = 'review' where id = %(application)s and status = 'awaiting_applicant')
update review_task set due_at = %(due_at)s, version = version + 1
where id = %(task)s and state in ('open', 'claimed', 'second')
"""
HAND_UP = """
update review_task set for_seniors = true, escalated_at = coalesce(escalated_at, %(now)s), version = version + 1,
    state = case when state = 'second' then state else 'open' end, claimed_by = null, lease_until = null
where id = %(task)s
"""
GIVE_BACK_ALL = """
update review_task set state = case when state = 'second' then state else 'open' end, claimed_by = null,
    lease_until = null, version = version + 1
where claimed_by = %(actor)s and state in ('claimed', 'second') returning id
"""
AWAY = """
insert into absence (actor_id, until) values (%(actor)s, %(until)s)
on conflict (actor_id) do update set until = excluded.until
"""


class Desk:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    # Notes ----------------------------------------------------------------------------------

    async def note(self, application: str, text: str, *, by: Actor, request: str, now: datetime) -> None:
        """Writes it down for whoever works on the case next, sealed with the person's key. Raises NotFound."""
        key = await self._key_of(application)
        sealed = self._vault.seal(key, text.encode(), f"note/{application}")
        columns = {"actor_id": by.id}
        async with self._database.transaction() as connection:
            said = {"application": application, "sealed": sealed, "sealed_digest": digest(sealed), "now": now}
            await connection.execute(NOTE, columns | said)
            await _enter(
                connection, "case.noted", application, by, "noted", request, now, body=digest(sealed).hex(),
                row=STATEMENTS["case_note"].row_digest(digest(sealed), columns),
            )  # fmt: skip

    async def notes(self, application: str, wrapped_key: bytes | None) -> list[Row]:
        rows = await self._database.rows(NOTES, {"application": application})
        shown = ("id", "by", "written_at")
        return [
            {name: row[name] for name in shown} | {"text": self._text(row, application, wrapped_key)} for row in rows
        ]

    def _text(self, row: Row, application: str, wrapped_key: bytes | None) -> str | None:
        """None when the person was erased."""
        if wrapped_key is None:
            return None
        return self._vault.open(wrapped_key, row["body_sealed"], f"note/{application}").decode()

    # Papers ---------------------------------------------------------------------------------

    async def ask_for(
        self, task: str, code: str, terms: ReviewTerms, *, by: Actor, request: str, now: datetime
    ) -> None:
        """Asks the applicant for a paper of the product's list; asking again for one that is owed changes nothing.

        Nobody is urged to decide before the applicant has had their time. Raises NotFound, Conflict, NotAllowed.
        """
        async with self._database.transaction() as connection:
            row = await self._open_task(connection, task, by)
            due_at = due_while_waiting(terms, row["due_at"], row["deadline"], now)
            asked = {
                "id": new_id(DOCUMENT), "application": row["application_id"], "round": row["round"], "code": code,
                "actor": by.id, "now": now, "until": due_at, "due_at": due_at, "task": task,
            }  # fmt: skip
            if await (await connection.execute(ASK, asked)).fetchone() is None:
                return
            await connection.execute(WAITS_FOR_PAPERS, asked)
            await _enter(
                connection, "document.asked", row["application_id"], by, code, request, now, task=task,
                document=asked["id"], until=due_at.isoformat(),
            )  # fmt: skip
            await connection.execute(WAKE, asked)

    async def documents(self, application: str, round_: int) -> list[Row]:
        return await self._database.rows(DOCUMENTS, {"application": application, "round": round_})

    async def hand_in(
        self, application: str, document: str, paper: Paper, terms: ReviewTerms,
        *, own_only: bool, by: Actor, request: str, now: datetime,
    ) -> None:  # fmt: skip
        """Keeps the paper, sealed; the same one again changes nothing. The last one owed brings the case back.

        Raises NotFound (also for somebody else's own), Conflict for another paper or an ended case.
        """
        content = hashlib.sha256(paper.content).digest()
        async with self._database.transaction() as connection:
            row = await self._document(connection, application, document, by.id if own_only else None)
            if row["received_at"] is not None:
                if bytes(row["content_digest"]) == content:
                    return
                raise Conflict("Another document was handed in for this already: the reviewer may ask for one more.")
            if row["closed_at"] is not None:
                raise Conflict("The application has ended meanwhile: no document is needed any more.")
            sealed = self._sealed(row, paper)
            received = {
                "document": document, "application": application, "task": row["task"], "now": now, "actor": by.id,
                "sealed": sealed, "sealed_digest": digest(sealed), "content": content,
                "due_at": due_after_papers(terms, row["deadline"], now),
            }  # fmt: skip
            await connection.execute(RECEIVED, received)
            await _enter(
                connection, "document.received", application, by, row["code"], request, now, document=document,
                body=digest(sealed).hex(), row=STATEMENTS["document_request"].row_digest(digest(sealed), row),
            )  # fmt: skip
            if not await self._owed(connection, row):
                await connection.execute(PAPERS_ARE_IN, received)
                await connection.execute(WAKE, received)

    async def open(self, application: str, document: str, *, by: Actor, request: str, now: datetime) -> Paper:
        """The paper, and on record who opened it. Raises NotFound while there is none to open."""
        async with self._database.transaction() as connection:
            row = await self._document(connection, application, document, None)
            if row["paper_sealed"] is None or row["wrapped_key"] is None:
                raise NotFound(f"Document {document} is not there: it was not handed in, or the person was erased.")
            await _enter(connection, "document.opened", application, by, row["code"], request, now, document=document)
        held = json.loads(self._vault.open(row["wrapped_key"], row["paper_sealed"], f"paper/{document}"))
        return Paper(name=held["name"], media_type=held["media_type"], content=base64.b64decode(held["content"]))

    def _sealed(self, row: Row, paper: Paper) -> bytes:
        held = paper.model_dump(exclude={"content"}) | {"content": base64.b64encode(paper.content).decode()}
        return self._vault.seal(row["wrapped_key"], json.dumps(held).encode(), f"paper/{row['id']}")

    async def _document(
        self, connection: AsyncConnection[DictRow], application: str, document: str, mine: str | None
    ) -> Row:
        # The application first, as everywhere.
        await connection.execute("select id from application where id = %(id)s for update", {"id": application})
        asked = {"application": application, "document": document, "mine": mine}
        row = await (await connection.execute(DOCUMENT_OF, asked)).fetchone()
        if row is None:
            raise NotFound(f"There is no document {document} of application {application}.")
        return row

    async def _owed(self, connection: AsyncConnection[DictRow], row: Row) -> bool:
        owed = await connection.execute(
            "select 1 from document_request where application_id = %(application_id)s and round = %(round)s "
            "and received_at is null limit 1",
            row,
        )
        return await owed.fetchone() is not None

    # Handing up, being away -----------------------------------------------------------------

    async def hand_up(self, task: str, reason: str, *, by: Actor, request: str, now: datetime) -> None:
        """From here on a senior reviewer decides it; again changes nothing. Raises NotFound, Conflict."""
        async with self._database.transaction() as connection:
            row = await self._open_task(connection, task, by, even_if_handed_up=True)
            if row["for_seniors"]:
                return
            await connection.execute(HAND_UP, {"task": task, "now": now})
            await _enter(connection, "review.handed_up", row["application_id"], by, reason, request, now, task=task)

    async def leave(self, actor: Actor, until: datetime) -> Sequence[str]:
        """Away until then: what they held goes back to the queue. Taking a case ends it. Returns the tasks."""
        async with self._database.transaction() as connection:
            await connection.execute(AWAY, {"actor": actor.id, "until": until})
            given_back = await (await connection.execute(GIVE_BACK_ALL, {"actor": actor.id})).fetchall()
        return [row["id"] for row in given_back]

    async def come_back(self, actor: Actor) -> None:
        await self._database.run("delete from absence where actor_id = %(actor)s", {"actor": actor.id})

    async def away(self, now: datetime) -> list[Row]:
        return await self._database.rows(
            "select actor.id, actor.name, absence.until from absence join actor on actor.id = absence.actor_id "
            "where absence.until > %(now)s order by actor.name",
            {"now": now},
        )

    # Small print ----------------------------------------------------------------------------

    async def _open_task(
        self, connection: AsyncConnection[DictRow], task: str, by: Actor, even_if_handed_up: bool = False
    ) -> Row:
        row = await lock_task(connection, task)
        state = TaskState(row["state"])
        if not state.waiting or row["closed_at"] is not None:
            raise answered_already(task, state, [])
        if not (even_if_handed_up and row["for_seniors"]):
            must_be_free_for(row, by)
        return row

    async def _key_of(self, application: str) -> bytes:
        row = await self._database.row(KEY_OF, {"application": application})
        if row is None or row["wrapped_key"] is None:
            raise NotFound(f"There is no application {application}, or its person was erased.")
        return row["wrapped_key"]


async def _enter(
    connection: AsyncConnection[DictRow], kind: str, application: str, by: Actor, reason: str, request: str,
    now: datetime, **facts: Any,
) -> None:  # fmt: skip
    written = entry(kind, application=application, actor=by.id, reason=reason, request=request, at=now, **facts)
    await enter(connection, written)
