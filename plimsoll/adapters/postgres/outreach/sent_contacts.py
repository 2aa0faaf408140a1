"""Contacts that went out, or may have: what the gateway said, what nobody can tell, and how it is read.

Each write fences: a worker that wakes up late must not undo what another has begun since.
"""

import json
from datetime import UTC, datetime
from typing import Any

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.outreach import people
from plimsoll.adapters.postgres.outreach.people import Connection, enter
from plimsoll.domain.access import SYSTEM, Actor
from plimsoll.domain.errors import NotFound
from plimsoll.domain.outreach.contact import Channel, Contact, ContactState, Outgoing, Receipt
from plimsoll.faultpoints import faultpoints
from plimsoll.ports import Vault
from plimsoll.ports.outreach import Interventions

FIND = "select * from contact where id = %(id)s"
FIND_LOCKED = f"{FIND} for update"
LOCK_PERSON = """
select p.id from person p join contact c on c.person_id = p.id where c.id = %(id)s for no key update of p
"""
HEARD = """
update contact set state = %(state)s, rule = coalesce(%(code)s, rule), reference = coalesce(%(reference)s, reference),
    talked = talked or %(talked)s,
    sent_at = coalesce(sent_at, %(now)s), settled_at = case when %(settled)s then %(now)s else settled_at end
where id = %(id)s returning *
"""


class SentContacts:
    def __init__(self, database: Database, vault: Vault, interventions: Interventions) -> None:
        self._database = database
        self._vault = vault
        self._interventions = interventions

    async def get(self, contact: str) -> Contact:
        return as_contact(await self._found(contact))

    async def _found(self, contact: str) -> Row:
        row = await self._database.row(FIND, {"id": contact})
        if row is None:
            raise NotFound(f"There is no contact {contact}.")
        return row

    async def outgoing(self, contact: str) -> Outgoing:
        """The message again, for asking what became of it. Raises NotFound when it was never composed."""
        row = await self._database.row(
            "select c.*, p.wrapped_key from contact c join person p on p.id = c.person_id where c.id = %(id)s",
            {"id": contact},
        )
        if row is None or row["body_sealed"] is None:
            raise NotFound(f"Contact {contact} was never sent.")
        return outgoing_of(
            row, json.loads(self._vault.open(row["wrapped_key"], row["body_sealed"], f"contact/{contact}"))
        )

    # What became of it ----------------------------------------------------------------------

    @faultpoints("note_contact")
    async def heard(self, contact: str, receipt: Receipt, now: datetime) -> Contact:
        """What the gateway said itself, in answer to us. An earlier state never follows a later one."""
        async with self._database.pipelined() as connection:
            await connection.execute(LOCK_PERSON, {"id": contact})
            row = await (await connection.execute(FIND_LOCKED, {"id": contact})).fetchone()
            if row is None:
                raise NotFound(f"There is no contact {contact}.")
            return as_contact(await move_on(connection, row, receipt, now))

    async def interrupted(self, contact: Contact, why: str, arrived: bool, now: datetime) -> None:
        """A call failed. When it surely never arrived, the row goes back to `permitted`; when no earlier one can have
        arrived either, it is composed anew.

        `attempts` fences: a worker that wakes up late must not undo what another has begun since.
        """
        await self._database.run(
            """
            update contact set last_error = %(why)s,
                state = case when %(arrived)s then state else 'permitted' end,
                sending_at = case when %(arrived)s or attempts > 1 then sending_at end,
                body_sealed = case when %(arrived)s or attempts > 1 then body_sealed end,
                body_digest = case when %(arrived)s or attempts > 1 then body_digest end
            where id = %(id)s and state = 'sending' and attempts = %(attempts)s
            """,
            {"id": contact.id, "attempts": contact.attempts, "why": why, "arrived": arrived},
        )

    async def take_back(self, contact: Contact, now: datetime) -> Contact:
        """The call may be repeated without harm: the governor is asked anew, the message stays the same to the byte."""
        await self._database.run(
            "update contact set state = 'permitted' where id = %(id)s and state = 'sending' "
            "and attempts = %(attempts)s",
            {"id": contact.id, "attempts": contact.attempts},
        )
        return await self.get(contact.id)

    @faultpoints("park_contact")
    async def park(self, contact: Contact, now: datetime) -> Contact:
        """Nobody can tell what became of it: a person finds out."""
        async with self._database.transaction() as connection:
            row = await (
                await connection.execute(
                    "update contact set state = 'unknown', settled_at = %(now)s "
                    "where id = %(id)s and state = 'sending' and attempts = %(attempts)s returning *",
                    {"id": contact.id, "attempts": contact.attempts, "now": now},
                )
            ).fetchone()
            if row:
                await enter_state(connection, row, now, "nobody can tell")
        return await self.get(contact.id)

    async def settle(
        self, contact: str, state: ContactState, *, by: Actor, reason: str, request: str, now: datetime
    ) -> Contact:
        """A person found out what became of a parked contact."""
        row = await self._found(contact)
        async with self._database.transaction() as connection:
            await people.lock(connection, [row["person_id"]])
            found = await (await connection.execute(FIND_LOCKED, {"id": contact})).fetchone()
            assert found is not None
            if ContactState(found["state"]) is not ContactState.UNKNOWN:
                return as_contact(found)
            receipt = Receipt(state=state, code="" if state is ContactState.SENT else "found_out_by_a_person")
            row = await move_on(connection, found, receipt, now, by=by, reason=reason, request=request)
            await self._wake(connection, row)
            return as_contact(row)

    async def _wake(self, connection: Connection, row: Row) -> None:
        if row["intervention_id"]:
            await self._interventions.wake(connection, row["intervention_id"])

    # Lists ----------------------------------------------------------------------------------

    async def listed(self, state: ContactState | None, intervention: str | None, limit: int) -> list[dict[str, Any]]:
        """Newest first."""
        rows = await self._database.rows(
            """
            select * from contact where (%(state)s::text is null or state = %(state)s)
              and (%(intervention)s::text is null or intervention_id = %(intervention)s)
            order by permitted_at desc, id desc limit %(limit)s
            """,
            {"state": state, "intervention": intervention, "limit": limit},
        )
        shown = ("gateway", "reference", "last_error", "talked", "permitted_at", "sent_at", "settled_at")
        return [as_contact(row).model_dump(mode="json") | {name: row[name] for name in shown} for row in rows]

    async def confirmations_due(self, limit: int = 20) -> list[str]:
        """Opt-outs whose one confirming text has not gone yet."""
        rows = await self._database.rows(
            "select id from contact where confirms is not null and sent_at is null "
            "and state in ('permitted', 'sending') order by permitted_at limit %(limit)s",
            {"limit": limit},
        )
        return [row["id"] for row in rows]


async def move_on(
    connection: Connection, row: Row, receipt: Receipt, now: datetime, *, by: Actor = SYSTEM, reason: str = "",
    request: str = "",
) -> Row:  # fmt: skip
    """The row, moved forward if the receipt says more than we know; a lower or equal rank changes no state."""
    state = receipt.state
    if state.rank <= ContactState(row["state"]).rank or row["sending_at"] is None:
        return row
    settled = state.rank > ContactState.SENT.rank
    moved = await (
        await connection.execute(
            HEARD,
            {
                "id": row["id"], "state": state, "now": now, "settled": settled, "code": receipt.code or None,
                "reference": receipt.reference or None,
                "talked": row["channel"] == Channel.VOICE and state is ContactState.DELIVERED,
            },
        )
    ).fetchone()  # fmt: skip
    assert moved is not None
    await enter_state(connection, moved, now, reason or receipt.code, by=by, request=request)
    return moved


async def enter_state(
    connection: Connection, row: Row, now: datetime, reason: str, *, by: Actor = SYSTEM, request: str = ""
) -> None:
    await enter(
        connection, f"contact.{row['state']}", row["intervention_id"] or row["person_id"], now=now, by=by,
        reason=reason, request=request, contact=row["id"], person=row["person_id"], channel=row["channel"],
        gateway=row["gateway"], reference=row["reference"],
    )  # fmt: skip


def outgoing_of(row: Row, content: Row) -> Outgoing:
    return Outgoing(
        contact=row["id"],
        channel=Channel(row["channel"]),
        to=content["to"],
        subject=content["subject"],
        text=content["text"],
        language=content["language"],
        began_at=row["sending_at"] or datetime.now(UTC),
    )


def as_contact(row: Row) -> Contact:
    return Contact(
        id=row["id"],
        person=row["person_id"],
        intervention=row["intervention_id"],
        step=row["step"],
        channel=Channel(row["channel"]),
        template=row["template"],
        template_version=row["template_version"],
        state=ContactState(row["state"]),
        rule=row["rule"],
        again_at=row["again_at"],
        instead=Channel(row["instead"]) if row["instead"] else None,
        attempts=row["attempts"],
        sending_at=row["sending_at"],
        due_on=row["due_on"],
    )
