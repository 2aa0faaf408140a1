"""Contacts: the permit, the governor inside the transaction that uses it, and what became of the message.

    permitted ──begin──► sending ──heard──► sent ──► delivered | bounced | failed
        ▲                   │
        └── never arrived ──┤
                            └──park──► unknown

Every write states the state it found the row in, under the lock of the person, so a zombie's
late write loses and two that race cannot both send.
"""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.outreach import people
from plimsoll.adapters.postgres.outreach.people import Connection, Person, enter
from plimsoll.domain.access import SYSTEM, Actor
from plimsoll.domain.errors import NotFound
from plimsoll.domain.ids import CONTACT, new_id
from plimsoll.domain.ledger import digest
from plimsoll.domain.outreach import governor
from plimsoll.domain.outreach.contact import (
    Begun,
    Channel,
    Contact,
    ContactState,
    Outgoing,
    Receipt,
)
from plimsoll.domain.outreach.governor import Ruling
from plimsoll.domain.outreach.rules import ContactRules
from plimsoll.domain.outreach.templates import Template, Text, filled_in, in_words, placeholders_in
from plimsoll.faultpoints import faultpoints
from plimsoll.ports import Vault
from plimsoll.ports.outreach import Interventions

FIND = "select * from contact where id = %(id)s"
FIND_LOCKED = f"{FIND} for update"
LOCK_PERSON = """
select p.id from person p join contact c on c.person_id = p.id where c.id = %(id)s for no key update of p
"""
OF_STEP = "select * from contact where intervention_id = %(intervention)s and step = %(step)s for update"
OF_TASK = "select * from contact where task_id = %(task)s for update"
MAKE = """
insert into contact (id, person_id, intervention_id, step, task_id, channel, template, template_version, language,
                     due_on, by, state, rule, again_at, instead, permitted_at)
values (%(id)s, %(person)s, %(intervention)s, %(step)s, %(task)s, %(channel)s, %(template)s, %(template_version)s,
        %(language)s, %(due_on)s, %(by)s, %(state)s, %(rule)s, %(again_at)s, %(instead)s, %(now)s)
returning *
"""
RULED_ANEW = """
update contact set channel = %(channel)s, template = %(template)s, template_version = %(template_version)s,
    language = %(language)s, due_on = %(due_on)s, state = %(state)s, rule = %(rule)s, again_at = %(again_at)s,
    instead = %(instead)s, permitted_at = %(now)s
where id = %(id)s returning *
"""
BEGIN = """
update contact set state = 'sending', rule = null, again_at = null, instead = null, attempts = attempts + 1,
    sending_at = %(now)s, gateway = %(gateway)s, language = %(language)s, body_sealed = %(sealed)s,
    body_digest = %(digest)s, last_error = null
where id = %(id)s returning *
"""
HEARD = """
update contact set state = %(state)s, rule = coalesce(%(code)s, rule), reference = coalesce(%(reference)s, reference),
    talked = talked or %(talked)s,
    sent_at = coalesce(sent_at, %(now)s), settled_at = case when %(settled)s then %(now)s else settled_at end
where id = %(id)s returning *
"""
TEMPLATE = """
select content from message_template
where name = %(name)s and approved_at is not null and retired_at is null
  and (%(version)s::integer is null or version = %(version)s)
order by version desc limit 1
"""

Gateways = Callable[[Channel], str | None]


class ContactBook:
    """`gateways` names who carries a channel here, None when nobody does."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        rules: Callable[[], ContactRules],
        interventions: Interventions,
        gateways: Gateways,
    ) -> None:
        self._database = database
        self._vault = vault
        self._rules = rules
        self._interventions = interventions
        self._gateways = gateways

    async def get(self, contact: str) -> Contact:
        return as_contact(await self._found(contact))

    async def _found(self, contact: str) -> Row:
        row = await self._database.row(FIND, {"id": contact})
        if row is None:
            raise NotFound(f"There is no contact {contact}.")
        return row

    # The permit -----------------------------------------------------------------------------

    @faultpoints("permit_contact")
    async def permit(
        self,
        intervention: str,
        person: str,
        step: int,
        channel: Channel,
        template: str,
        due_on: date | None,
        now: datetime,
    ) -> Contact:
        """The contact of this step, made unless it is there; `permitted`, or `refused` by a named rule.

        A refused one may come again with another channel: it is still the step's only contact.
        """
        async with self._database.pipelined() as connection:
            known = await people.locked(connection, person)
            row, _ = await self._permitted(connection, known, intervention, step, channel, template, due_on, now)
            return as_contact(row)

    @faultpoints("permit_and_begin_contact")
    async def permit_and_begin(
        self,
        intervention: str,
        person: str,
        step: int,
        channel: Channel,
        template: str,
        due_on: date | None,
        now: datetime,
    ) -> Begun:
        """Both in one transaction, for a message that leaves at once: what the governor saw still holds."""
        async with self._database.pipelined() as connection:
            known = await people.locked(connection, person)
            row, approved = await self._permitted(connection, known, intervention, step, channel, template, due_on, now)
            if ContactState(row["state"]) is not ContactState.PERMITTED or approved is None:
                return Begun(contact=as_contact(row))
            if not await self._interventions.wants(connection, intervention, step):
                return Begun(contact=await self._refused(connection, row, Ruling(rule=governor.NOT_WANTED), now))
            return await self._begun(connection, row, known, approved, now)

    async def _permitted(
        self, connection: Connection, known: Person, intervention: str, step: int, channel: Channel, template: str,
        due_on: date | None, now: datetime,
    ) -> tuple[Row, Template | None]:  # fmt: skip
        """The row of this step, ruled now unless its message is on its way, and the text it was ruled with."""
        asked = {"intervention": intervention, "step": step}
        row = await (await connection.execute(OF_STEP, asked)).fetchone()
        if row and ContactState(row["state"]) not in (ContactState.PERMITTED, ContactState.REFUSED):
            return row, None
        approved = await _template(connection, template)
        ruling = await self._ruling(connection, known, channel, approved, due_on, now, but=row["id"] if row else "")
        wanted = {"person": known.id, "channel": channel, "template": template, "due_on": due_on, "now": now}
        wanted |= {"task": None, "by": SYSTEM.id, "id": row["id"] if row else new_id(CONTACT)}
        return await self._ruled(connection, row, asked | wanted, known, approved, ruling), approved

    async def _ruled(
        self, connection: Connection, row: Row | None, asked: Row, known: Person, approved: Template | None,
        ruling: Ruling,
    ) -> Row:  # fmt: skip
        now, verdict = asked["now"], _columns_of(ruling)
        chosen = {"template_version": approved.version if approved else None, "language": self._language(known)}
        made = await (await connection.execute(RULED_ANEW if row else MAKE, asked | verdict | chosen)).fetchone()
        assert made is not None
        if ruling.rule and (row is None or row["rule"] != ruling.rule):
            await self._enter_refusal(connection, made, now)
        return made

    async def _enter_refusal(self, connection: Connection, row: Row, now: datetime, by: str = "") -> None:
        await enter(
            connection, "contact.refused", row["intervention_id"] or row["person_id"], now=now, reason=row["rule"],
            contact=row["id"], person=row["person_id"], channel=row["channel"], rule=row["rule"],
            again_at=row["again_at"].isoformat() if row["again_at"] else None,
        )  # fmt: skip

    async def _ruling(
        self, connection: Connection, known: Person, channel: Channel, approved: Template | None,
        due_on: date | None, now: datetime, but: str = "", by_a_person: bool = False,
    ) -> Ruling:  # fmt: skip
        """What the house itself lacks comes first, then the governor."""
        rules = self._rules()
        if not by_a_person and self._gateways(channel) is None:
            return Ruling(rule=governor.NO_GATEWAY)
        if approved is None or approved.channel is not channel:
            return Ruling(rule=governor.NO_TEMPLATE)
        if due_on is None and "due_on" in placeholders_in(approved, self._language(known)):
            return Ruling(rule=governor.NO_TEMPLATE)
        past = await people.past_contacts(connection, known.id, rules, now, but=but)
        return governor.decide(channel, known.reachable, past, rules, now, by_a_person=by_a_person)

    def _language(self, known: Person) -> str:
        languages = self._rules().languages
        return known.language if known.language in languages else languages[0]

    # Sending --------------------------------------------------------------------------------

    @faultpoints("begin_contact")
    async def begin(self, contact: str, now: datetime) -> Begun:
        """The governor looks once more, and the row moves to `sending`: only this caller then holds the message."""
        person = (await self._found(contact))["person_id"]
        async with self._database.pipelined() as connection:
            known = await people.locked(connection, person)
            row = await (await connection.execute(FIND_LOCKED, {"id": contact})).fetchone()
            assert row is not None
            if ContactState(row["state"]) not in (ContactState.PERMITTED, ContactState.REFUSED):
                return Begun(contact=as_contact(row))
            approved = await _template(connection, row["template"], row["template_version"])
            if approved is None:
                return Begun(contact=await self._refused(connection, row, Ruling(rule=governor.NO_TEMPLATE), now))
            ruling = await self._last_look(connection, row, known, approved, now)
            if ruling.rule:
                return Begun(contact=await self._refused(connection, row, ruling, now))
            return await self._begun(connection, row, known, approved, now)

    async def _last_look(
        self, connection: Connection, row: Row, known: Person, approved: Template, now: datetime
    ) -> Ruling:
        channel = Channel(row["channel"])
        if row["confirms"] is not None:
            return self._confirming(row, known, channel, now)
        wanted = row["intervention_id"] is None or await self._interventions.wants(
            connection, row["intervention_id"], row["step"]
        )
        if not wanted:
            return Ruling(rule=governor.NOT_WANTED)
        return await self._ruling(connection, known, channel, approved, row["due_on"], now, but=row["id"])

    def _confirming(self, row: Row, known: Person, channel: Channel, now: datetime) -> Ruling:
        """The one text that may follow a "no": at once or never, whatever the hour (47 CFR 64.1200(a)(12))."""
        if now > row["permitted_at"] + self._rules().opt_out.confirm_within:
            return Ruling(rule=governor.TOO_LATE)
        if known.reachable.erased or channel not in known.reachable.addresses:
            return Ruling(rule=governor.NO_ADDRESS)
        return governor.PERMITTED

    async def _refused(self, connection: Connection, row: Row, ruling: Ruling, now: datetime) -> Contact:
        verdict = _columns_of(ruling)
        stays = {name: row[name] for name in ("channel", "template", "template_version", "language", "due_on")}
        refused = await (
            await connection.execute(RULED_ANEW, {**stays, **verdict, "id": row["id"], "now": row["permitted_at"]})
        ).fetchone()
        assert refused is not None
        if row["rule"] != ruling.rule:
            await self._enter_refusal(connection, refused, now)
        return as_contact(refused)

    async def _begun(self, connection: Connection, row: Row, known: Person, approved: Template, now: datetime) -> Begun:
        assert known.wrapped_key is not None  # the governor knows nobody who was erased
        # What may have left already stays the same to the byte: gateways hold a key to its content.
        sealed = row["body_sealed"] or self._composed(row, known.wrapped_key, known, approved)
        content = json.loads(self._vault.open(known.wrapped_key, sealed, f"contact/{row['id']}"))
        begun = await (
            await connection.execute(
                BEGIN,
                {
                    "id": row["id"], "now": now, "gateway": self._gateways(Channel(row["channel"])),
                    "language": content["language"], "sealed": sealed, "digest": digest(sealed),
                },
            )
        ).fetchone()  # fmt: skip
        assert begun is not None
        await enter(
            connection, "contact.sending", row["intervention_id"] or row["person_id"], now=now,
            contact=row["id"], person=row["person_id"], channel=row["channel"], attempt=begun["attempts"],
            template=f"{approved.name}@{approved.version}", template_digest=approved.digest, body=digest(sealed).hex(),
            message=digest(content["text"].encode()).hex(), rules=self._rules().version,
        )  # fmt: skip
        return Begun(contact=as_contact(begun), outgoing=_outgoing(begun, content))

    def _composed(self, row: Row, wrapped_key: bytes, known: Person, approved: Template) -> bytes:
        language, addresses = self._language(known), known.addresses(self._vault)
        said = self._said(approved, language, addresses, row["due_on"])
        content = {"to": addresses[row["channel"]], "subject": said.subject, "text": said.text, "language": language}
        return self._vault.seal(wrapped_key, json.dumps(content).encode(), f"contact/{row['id']}")

    def _said(self, approved: Template, language: str, addresses: dict[str, str], due_on: date | None) -> Text:
        rules = self._rules()
        values = {
            "name": addresses.get("name") or rules.words[language].nameless,
            "lender": rules.lender,
            "phone": rules.phone,
            "opt_out": rules.lines_of(language)[approved.channel],
            "due_on": in_words(due_on, language) if due_on else "",
        }
        return filled_in(approved, language, values)

    async def outgoing(self, contact: str) -> Outgoing:
        """The message again, for asking what became of it. Raises NotFound when it was never composed."""
        row = await self._database.row(
            "select c.*, p.wrapped_key from contact c join person p on p.id = c.person_id where c.id = %(id)s",
            {"id": contact},
        )
        if row is None or row["body_sealed"] is None:
            raise NotFound(f"Contact {contact} was never sent.")
        return _outgoing(
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
                await _enter_state(connection, row, now, "nobody can tell")
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

    # Calls by people ------------------------------------------------------------------------

    async def call(
        self, task: str, intervention: str, person: str, template: str, *, by: Actor, now: datetime
    ) -> Contact:
        """A collector is about to dial: `sent` and counted from now on, or refused by a named rule."""
        async with self._database.transaction() as connection:
            return await self.call_within(connection, task, intervention, person, template, by=by, now=now)

    async def call_within(
        self, connection: Connection, task: str, intervention: str, person: str, template: str, *, by: Actor,
        now: datetime,
    ) -> Contact:  # fmt: skip
        """The same inside the caller's transaction. One task, one call."""
        known = await people.locked(connection, person)
        row = await (await connection.execute(OF_TASK, {"task": task})).fetchone()
        if row and ContactState(row["state"]) is not ContactState.REFUSED:
            return as_contact(row)
        approved = await _template(connection, template)
        ruling = await self._ruling(
            connection, known, Channel.VOICE, approved, None, now, but=row["id"] if row else "", by_a_person=True
        )
        asked = {"id": row["id"] if row else new_id(CONTACT), "person": person, "intervention": intervention}
        asked |= {"step": None, "task": task, "channel": Channel.VOICE, "template": template, "due_on": None}
        made = await self._ruled(connection, row, asked | {"by": by.id, "now": now}, known, approved, ruling)
        if ruling.rule:
            return as_contact(made)
        dialled = await (
            await connection.execute(
                "update contact set state = 'sent', attempts = 1, sending_at = %(now)s, sent_at = %(now)s "
                "where id = %(id)s returning *",
                {"id": made["id"], "now": now},
            )
        ).fetchone()
        assert dialled is not None
        await _enter_state(connection, dialled, now, "a collector calls", by=by)
        return as_contact(dialled)

    async def called(self, connection: Connection, task: str, talked: bool, now: datetime) -> None:
        """How the call of this task went: a talk begins a pause of its own."""
        row = await (await connection.execute(OF_TASK, {"task": task})).fetchone()
        if row is not None and ContactState(row["state"]).rank >= ContactState.SENT.rank:
            state = ContactState.DELIVERED if talked else ContactState.BOUNCED
            await move_on(connection, row, Receipt(state=state, code="" if talked else "no_answer"), now)

    async def script(self, person: str, template: str) -> Text:
        """What a caller says to this person, filled in. Raises NotFound."""
        async with self._database.transaction() as connection:
            known = await people.read(connection, person)
            approved = await _template(connection, template)
        if approved is None:
            raise NotFound(f"There is no approved template {template!r}: `plimsoll template list` shows them.")
        return self._said(approved, self._language(known), known.addresses(self._vault), None)

    async def number_of(self, person: str) -> str | None:
        """To dial. For whoever holds the task."""
        async with self._database.transaction() as connection:
            known = await people.read(connection, person)
        return known.addresses(self._vault).get(Channel.VOICE)

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

    # Confirmations --------------------------------------------------------------------------

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
    await _enter_state(connection, moved, now, reason or receipt.code, by=by, request=request)
    return moved


async def _enter_state(
    connection: Connection, row: Row, now: datetime, reason: str, *, by: Actor = SYSTEM, request: str = ""
) -> None:
    await enter(
        connection, f"contact.{row['state']}", row["intervention_id"] or row["person_id"], now=now, by=by,
        reason=reason, request=request, contact=row["id"], person=row["person_id"], channel=row["channel"],
        gateway=row["gateway"], reference=row["reference"],
    )  # fmt: skip


async def _template(connection: Connection, name: str, version: int | None = None) -> Template | None:
    """The newest approved version, or this one."""
    row = await (await connection.execute(TEMPLATE, {"name": name, "version": version})).fetchone()
    return Template.model_validate(row["content"]) if row else None


def _columns_of(ruling: Ruling) -> dict[str, Any]:
    state = ContactState.REFUSED if ruling.rule else ContactState.PERMITTED
    return {"state": state, "rule": ruling.rule, "again_at": ruling.again_at, "instead": ruling.instead}


def _outgoing(row: Row, content: Row) -> Outgoing:
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
