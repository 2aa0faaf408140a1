"""What gateways tell us: receipts, bounces, answers. Each event counts once; order and lateness change nothing."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.outreach import people
from plimsoll.adapters.postgres.outreach.contacts import Gateways
from plimsoll.adapters.postgres.outreach.people import Connection, enter
from plimsoll.adapters.postgres.outreach.profiles import address_hash, say
from plimsoll.adapters.postgres.outreach.sent_contacts import move_on
from plimsoll.domain.access import SYSTEM
from plimsoll.domain.ids import CONTACT, new_id
from plimsoll.domain.ledger import digest
from plimsoll.domain.outreach.contact import Channel, GatewayEvent, Heard, Receipt
from plimsoll.domain.outreach.replies import Meaning, meaning_of
from plimsoll.domain.outreach.rules import ContactRules
from plimsoll.faultpoints import faultpoints
from plimsoll.ports import Vault
from plimsoll.ports.outreach import Interventions

LONGEST = 4000  # characters of an answer that are kept
FIND = """
select * from contact where id = %(contact)s and coalesce(gateway, %(gateway)s) = %(gateway)s
union all
select * from contact where gateway = %(gateway)s and reference = %(reference)s and %(contact)s::text is null
limit 1
"""
OWNERS = """
select distinct person_id from contact_address where channel = %(channel)s and fingerprint = %(hash)s
"""
LAST = """
select * from contact where person_id = %(person)s and channel = %(channel)s and sending_at is not null
order by sending_at desc limit 1
"""
ONCE = """
insert into contact_callback (gateway, event, kind, contact_id, received_at)
values (%(gateway)s, %(event)s, %(kind)s, %(contact)s, %(now)s) on conflict do nothing returning event
"""
REPLY = """
insert into contact_reply (person_id, intervention_id, contact_id, channel, meaning, text_sealed, text_digest, gateway,
                           event, received_at)
values (%(person)s, %(intervention)s, %(contact)s, %(channel)s, %(meaning)s, %(sealed)s, %(digest)s, %(gateway)s,
        %(event)s, %(now)s)
on conflict on constraint contact_reply_once do nothing returning id
"""
SAID_NO = "select count(*) = %(n)s as already from contact_consent where person_id = %(person)s and not granted"
CONFIRM = """
insert into contact (id, person_id, intervention_id, confirms, channel, template, by, state, permitted_at)
values (%(id)s, %(person)s, %(intervention)s, %(reply)s, %(channel)s, %(template)s, %(by)s, 'permitted', %(now)s)
on conflict do nothing
"""


class Hearing:
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

    async def hear(self, gateway: str, channel: Channel, events: Sequence[GatewayEvent], now: datetime) -> list[Heard]:
        return [await self._hear(gateway, channel, event, now) for event in events]

    @faultpoints("hear_callback")
    async def _hear(self, gateway: str, channel: Channel, event: GatewayEvent, now: datetime) -> Heard:
        """One event, one transaction: what follows from it commits with the row that makes it happen once."""
        async with self._database.transaction() as connection:
            contact = await self._contact(connection, gateway, event)
            affected = await self._people(connection, channel, contact, event)
            await people.lock(connection, affected)
            kind = "answer" if event.text is not None else str(event.receipt)
            once = {"gateway": gateway, "event": event.id, "kind": kind, "now": now}
            once |= {"contact": contact["id"] if contact else None}
            if await (await connection.execute(ONCE, once)).fetchone() is None:
                return Heard.REPEATED
            if event.text is not None:
                for person in affected:
                    await self._answered(connection, gateway, channel, event, person, contact, now)
            elif contact and event.receipt:
                await self._receipt(connection, contact["id"], event, now)
            return Heard.NEW if affected else Heard.NOBODY

    async def _contact(self, connection: Connection, gateway: str, event: GatewayEvent) -> Row | None:
        asked = {"contact": event.contact, "gateway": gateway, "reference": event.reference}
        return await (await connection.execute(FIND, asked)).fetchone()

    async def _people(
        self, connection: Connection, channel: Channel, contact: Row | None, event: GatewayEvent
    ) -> list[str]:
        """Who this is about; an address may be shared, and a "no" from it holds for all who share it."""
        found = [contact["person_id"]] if contact else []
        if event.sender:
            asked = {"channel": channel, "hash": address_hash(self._vault, event.sender)}
            found += [row["person_id"] for row in await (await connection.execute(OWNERS, asked)).fetchall()]
        return sorted(set(found))

    async def _receipt(self, connection: Connection, contact: str, event: GatewayEvent, now: datetime) -> None:
        """Read again under the lock: the row may have moved since."""
        assert event.receipt is not None
        row = await (
            await connection.execute("select * from contact where id = %(id)s for update", {"id": contact})
        ).fetchone()
        assert row is not None
        receipt = Receipt(state=event.receipt, reference=event.reference or "", code=event.code)
        moved = await move_on(connection, row, receipt, now)
        if moved["state"] != row["state"] and row["intervention_id"]:
            await self._interventions.wake(connection, row["intervention_id"])

    # Answers --------------------------------------------------------------------------------

    async def _answered(
        self, connection: Connection, gateway: str, channel: Channel, event: GatewayEvent, person: str,
        contact: Row | None, now: datetime,
    ) -> None:  # fmt: skip
        known = await people.read(connection, person)
        if known.wrapped_key is None or event.text is None:
            return
        asked = {"person": person, "channel": channel}
        about = contact if contact and contact["person_id"] == person else None
        about = about or await (await connection.execute(LAST, asked)).fetchone()
        meaning = meaning_of(event.text, self._rules().opt_out)
        text = json.dumps(event.text[:LONGEST]).encode()
        sealed = self._vault.seal(known.wrapped_key, text, f"contact_reply/{gateway}/{event.id}/{person}")
        intervention: str | None = about["intervention_id"] if about else None
        written = asked | {
            "intervention": intervention, "contact": about["id"] if about else None,
            "meaning": meaning, "sealed": sealed, "digest": digest(sealed), "gateway": gateway, "event": event.id,
            "now": now,
        }  # fmt: skip
        reply = await (await connection.execute(REPLY, written)).fetchone()
        if reply is None:
            return
        await enter(
            connection, "contact.answered", intervention or person, now=now, reason=meaning,
            person=person, contact=written["contact"], channel=channel, meaning=meaning, reply=reply["id"],
            body=digest(sealed).hex(),
        )  # fmt: skip
        if meaning is Meaning.OPT_OUT:
            await self._opted_out(connection, person, channel, reply["id"], intervention, now)
            await self._interventions.wake_people(connection, [person])
        elif intervention:
            await self._interventions.wake(connection, intervention)

    async def _opted_out(
        self, connection: Connection, person: str, channel: Channel, reply: int, intervention: str | None,
        now: datetime,
    ) -> None:  # fmt: skip
        terms = self._rules().opt_out
        closed = list(Channel) if terms.scope == "all" else [channel]
        asked = {"person": person, "n": len(Channel)}
        before = await (await connection.execute(SAID_NO, asked)).fetchone()
        for each in closed:
            await say(
                connection, person, each, False, source="reply", evidence=f"reply {reply}", by=SYSTEM,
                reason="opt_out", request=f"reply {reply}", now=now,
            )  # fmt: skip
        # Who says it again is not told again: one confirming text, and no more.
        if terms.confirmation and channel is Channel.SMS and self._gateways(channel) and not (before or {})["already"]:
            await connection.execute(
                CONFIRM,
                {
                    "id": new_id(CONTACT), "person": person, "intervention": intervention, "reply": reply,
                    "channel": channel, "template": terms.confirmation, "by": SYSTEM.id, "now": now,
                },
            )  # fmt: skip

    # Reading --------------------------------------------------------------------------------

    async def replies(self, intervention: str) -> list[Row]:
        """What was answered in one episode, in order, opened."""
        rows = await self._database.rows(
            "select r.*, p.wrapped_key from contact_reply r join person p on p.id = r.person_id "
            "where r.intervention_id = %(intervention)s and p.wrapped_key is not null "
            "order by r.received_at, r.id",
            {"intervention": intervention},
        )
        return [self._read(row) for row in rows]

    def _read(self, row: Row) -> Row:
        context = f"contact_reply/{row['gateway']}/{row['event']}/{row['person_id']}"
        text = json.loads(self._vault.open(row["wrapped_key"], row["text_sealed"], context))
        shown = ("id", "person_id", "contact_id", "channel", "meaning", "received_at")
        return {name: row[name] for name in shown} | {"text": text}
