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
from datetime import date, datetime
from typing import Any

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.ledger import entering
from plimsoll.adapters.postgres.outreach import people
from plimsoll.adapters.postgres.outreach.people import Connection, Person, enter, entry_of
from plimsoll.adapters.postgres.outreach.sent_contacts import (
    FIND_LOCKED,
    SentContacts,
    as_contact,
    enter_state,
    move_on,
    outgoing_of,
)
from plimsoll.domain.access import SYSTEM, Actor
from plimsoll.domain.errors import NotFound
from plimsoll.domain.ids import CONTACT, new_id
from plimsoll.domain.ledger import Entry, digest
from plimsoll.domain.outreach import governor
from plimsoll.domain.outreach.contact import (
    Begun,
    Channel,
    Contact,
    ContactState,
    Receipt,
)
from plimsoll.domain.outreach.governor import Ruling
from plimsoll.domain.outreach.rules import ContactRules
from plimsoll.domain.outreach.templates import Template, Text, filled_in, in_words, placeholders_in
from plimsoll.faultpoints import faultpoints
from plimsoll.ports import Vault
from plimsoll.ports.outreach import Interventions, Reach

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
TEMPLATE = """
select content from message_template
where name = %(name)s and approved_at is not null and retired_at is null
  and (%(version)s::integer is null or version = %(version)s)
order by version desc limit 1
"""

PERSON_AND_TEMPLATE = f"""
select who.*, said.content from ({people.PERSON}) who left join lateral ({TEMPLATE}) said on true
"""
MAKE_SENDING = f"""
with made as (
    insert into contact (id, person_id, intervention_id, step, channel, template, template_version, language, by,
                         state, permitted_at, attempts, sending_at, gateway, body_sealed, body_digest)
    values (%(id)s, %(person)s, %(intervention)s, %(step)s, %(channel)s, %(template)s, %(template_version)s,
            %(language)s, %(by)s, 'sending', %(now)s, 1, %(now)s, %(gateway)s, %(sealed)s, %(body_digest)s)
)
{entering.ENTER}
"""

Gateways = Callable[[Channel], str | None]


class ContactBook(SentContacts):
    """`gateways` names who carries a channel here, None when nobody does."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        rules: Callable[[], ContactRules],
        interventions: Interventions,
        gateways: Gateways,
    ) -> None:
        super().__init__(database, vault, interventions)
        self._rules = rules
        self._gateways = gateways

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

    async def begin_at_once(
        self, connection: Connection, intervention: str, person: str, reach: Reach, now: datetime
    ) -> Begun:
        """Permit and message of a step that has no contact yet, in one row: what the governor sees still holds.

        Inside the caller's transaction, which holds person and episode.
        """
        asked = {"person": person, "name": reach.template, "version": None}
        row = await (await connection.execute(PERSON_AND_TEMPLATE, asked)).fetchone()
        assert row is not None
        known, approved = people.as_person(row), _approved(row)
        ruling = await self._ruling(connection, known, reach.by.channel, approved, None, now)
        contact: Row = {
            "id": new_id(CONTACT), "person": person, "intervention": intervention, "step": reach.step, "task": None,
            "channel": reach.by.channel, "template": reach.template, "due_on": None, "by": SYSTEM.id, "now": now,
        }  # fmt: skip
        if ruling.rule or approved is None:
            return Begun(contact=as_contact(await self._ruled(connection, None, contact, known, approved, ruling)))
        return await self._made_and_begun(connection, contact, known, approved)

    async def _made_and_begun(self, connection: Connection, contact: Row, known: Person, approved: Template) -> Begun:
        assert known.wrapped_key is not None  # the governor knows nobody who was erased
        content = self._composed(contact, known, approved)
        sealed = self._sealed(contact["id"], known.wrapped_key, content)
        row = contact | {
            "person_id": known.id, "intervention_id": contact["intervention"], "template_version": approved.version,
            "language": content["language"], "state": ContactState.SENDING, "rule": None, "again_at": None,
            "instead": None, "attempts": 1, "sending_at": contact["now"],
        }  # fmt: skip
        made = {"gateway": self._gateways(row["channel"]), "sealed": sealed, "body_digest": digest(sealed)}
        entered = self._entry_of_sending(row, approved, content, sealed, contact["now"])
        await connection.execute(MAKE_SENDING, row | made | entering.columns(entered, row["intervention_id"]))
        return Begun(contact=as_contact(row), gateway=made["gateway"], outgoing=outgoing_of(row, content))

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
        sealed = row["body_sealed"] or self._sealed(row["id"], known.wrapped_key, self._composed(row, known, approved))
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
        entered = self._entry_of_sending(begun, approved, content, sealed, now)
        await entering.enter(connection, entered, about=begun["intervention_id"] or begun["person_id"])
        return Begun(contact=as_contact(begun), gateway=begun["gateway"], outgoing=outgoing_of(begun, content))

    def _entry_of_sending(self, row: Row, approved: Template, content: Row, sealed: bytes, now: datetime) -> Entry:
        return entry_of(
            "contact.sending", row["intervention_id"] or row["person_id"], now=now, contact=row["id"],
            person=row["person_id"], channel=row["channel"], attempt=row["attempts"],
            template=f"{approved.name}@{approved.version}", template_digest=approved.digest, body=digest(sealed).hex(),
            message=digest(content["text"].encode()).hex(), rules=self._rules().version,
        )  # fmt: skip

    def _composed(self, row: Row, known: Person, approved: Template) -> Row:
        language, addresses = self._language(known), known.addresses(self._vault)
        said = self._said(approved, language, addresses, row["due_on"])
        return {"to": addresses[row["channel"]], "subject": said.subject, "text": said.text, "language": language}

    def _sealed(self, contact: str, wrapped_key: bytes, content: Row) -> bytes:
        return self._vault.seal(wrapped_key, json.dumps(content).encode(), f"contact/{contact}")

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
        await enter_state(connection, dialled, now, "a collector calls", by=by)
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


async def _template(connection: Connection, name: str, version: int | None = None) -> Template | None:
    """The newest approved version, or this one."""
    row = await (await connection.execute(TEMPLATE, {"name": name, "version": version})).fetchone()
    return _approved(row) if row else None


def _approved(row: Row) -> Template | None:
    return Template.model_validate(row["content"]) if row["content"] else None


def _columns_of(ruling: Ruling) -> dict[str, Any]:
    state = ContactState.REFUSED if ruling.rule else ContactState.PERMITTED
    return {"state": state, "rule": ruling.rule, "again_at": ruling.again_at, "instead": ruling.instead}
