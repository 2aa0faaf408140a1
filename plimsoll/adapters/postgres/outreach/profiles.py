"""Profiles: where a person may be reached, what they agreed to, what is known of them that pauses all of it."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.ledger.standing import STANDING
from plimsoll.adapters.postgres.outreach import people
from plimsoll.adapters.postgres.outreach.people import Connection, Person, enter
from plimsoll.domain.access import Actor
from plimsoll.domain.errors import NotFound
from plimsoll.domain.ids import PERSON, new_id
from plimsoll.domain.outreach.contact import Channel
from plimsoll.domain.outreach.governor import Past, caps_on, counts, decide
from plimsoll.domain.outreach.profile import ConsentSaid, ContactLine, Profile, ProfileChange, masked
from plimsoll.domain.outreach.rules import ContactRules
from plimsoll.ports import Vault
from plimsoll.ports.outreach import Interventions

SHOWN = 20
FIND = "select id from person where reference_hash = %(hash)s and wrapped_key is not null"
MAKE = """
insert into person (id, reference_hash, wrapped_key) values (%(id)s, %(hash)s, %(key)s)
on conflict do nothing
"""
WRITE = """
insert into contact_profile (person_id, zone, region, areas, language, preferred, flags, channels, addresses_sealed,
                             changed_by, changed_at)
values (%(person)s, %(zone)s, %(region)s, %(areas)s, %(language)s, %(preferred)s, %(flags)s, %(channels)s, %(sealed)s,
        %(by)s, %(now)s)
on conflict (person_id) do update set zone = excluded.zone, region = excluded.region, areas = excluded.areas,
    language = excluded.language, preferred = excluded.preferred, flags = excluded.flags,
    channels = excluded.channels, addresses_sealed = excluded.addresses_sealed,
    version = contact_profile.version + 1, changed_by = excluded.changed_by, changed_at = excluded.changed_at
"""
OWN = "select zone, region, language, preferred, flags from contact_profile where person_id = %(person)s"
CONSENT = """
insert into contact_consent (person_id, channel, granted, source, evidence, said_at, recorded_by)
values (%(person_id)s, %(channel)s, %(granted)s, %(source)s, %(evidence)s, %(said_at)s, %(recorded_by)s)
on conflict (person_id, channel) do update set granted = excluded.granted, source = excluded.source,
    evidence = excluded.evidence, said_at = excluded.said_at, recorded_by = excluded.recorded_by
"""
CONSENTS = "select channel, granted, source, evidence, said_at from contact_consent where person_id = %(person)s"
CONTACTS = f"""
select id, intervention_id, channel, template, state, rule, sending_at, permitted_at, talked from contact
where person_id = %(person)s order by permitted_at desc, id desc limit {SHOWN}
"""


class Profiles:
    def __init__(
        self,
        database: Database,
        vault: Vault,
        rules: Callable[[], ContactRules],
        interventions: Interventions,
    ) -> None:
        self._database = database
        self._vault = vault
        self._rules = rules
        self._interventions = interventions

    async def find(self, customer: str) -> str:
        """The person behind the lender's own id, or behind ours. Raises NotFound."""
        asked = {"hash": self._vault.fingerprint(customer.encode()), "id": customer}
        row = await self._database.row(FIND, asked) or await self._database.row(
            "select id from person where id = %(id)s", asked
        )
        if row is None:
            raise NotFound(
                f"Nobody of the id {customer!r} is known: correct it, or make somebody: `plimsoll contact set --new`."
            )
        return row["id"]

    async def show(self, person: str, now: datetime) -> Profile:
        async with self._database.transaction() as connection:
            known = await people.read(connection, person)
            consents = await (await connection.execute(CONSENTS, {"person": person})).fetchall()
            contacts = await (await connection.execute(CONTACTS, {"person": person})).fetchall()
            past = await people.past_contacts(connection, person, self._rules(), now)
        return self._shown(known, consents, contacts, past, now)

    def _shown(
        self, known: Person, consents: list[Row], contacts: list[Row], past: list[Past], now: datetime
    ) -> Profile:
        rules, reachable = self._rules(), known.reachable
        addresses = known.addresses(self._vault)
        return Profile(
            person=known.id,
            known=known.version > 0,
            addresses={c: masked(c, addresses[c]) for c in Channel if c in addresses},
            name=addresses.get("name"),
            language=known.language,
            zone=reachable.where.zone,
            region=reachable.where.region,
            preferred=reachable.preferred,
            flags=reachable.flags,
            consent={Channel(row["channel"]): ConsentSaid.model_validate(_without_channel(row)) for row in consents},
            permitted_now={channel: decide(channel, reachable, past, rules, now) for channel in Channel},
            used=_used(known, past, rules, now),
            contacts=tuple(_line(row) for row in contacts),
            version=known.version,
            changed_at=known.changed_at,
        )

    async def change(
        self, customer: str, change: ProfileChange, *, by: Actor, request: str, now: datetime, new: bool = True
    ) -> Profile:
        """`write`, and how the customer may be reached after it."""
        return await self.show(await self.write(customer, change, by=by, request=request, now=now, new=new), now)

    async def write(
        self, customer: str, change: ProfileChange, *, by: Actor, request: str, now: datetime, new: bool = True
    ) -> str:
        """Writes what is named and wakes whoever waits for it. A customer nobody knew yet is made; unless `new`, it
        raises NotFound, for a mistyped id is nobody new. Returns who it is."""
        person = await (self._find_or_make(customer) if new else self.find(customer))
        async with self._database.pipelined() as connection:
            known = await people.locked(connection, person)
            if known.reachable.erased:
                raise NotFound(f"The data of {customer} was erased.")
            await self._write(connection, known, change, by, now)
            await enter(
                connection, "contact.profile_changed", person, now=now, by=by, reason=change.reason, request=request,
                person=person, fields=change.names,
                flags=sorted(_flags(known, change)), preferred=change.preferred,
            )  # fmt: skip
            for channel, granted in change.consent.items():
                await say(
                    connection, person, channel, granted, source="api", evidence=change.evidence, by=by,
                    request=request, reason=change.reason, now=now,
                )  # fmt: skip
            await self._interventions.wake_people(connection, [person])
        return person

    async def opt_out(self, customer: str, *, by: Actor, reason: str, request: str, now: datetime) -> Profile:
        """Told to a person, by telephone or letter: no to everything, at once."""
        no = ProfileChange(consent=dict.fromkeys(Channel, False), reason=reason)
        return await self.change(customer, no, by=by, request=request, now=now, new=False)

    async def _find_or_make(self, customer: str) -> str:
        try:
            return await self.find(customer)
        except NotFound:
            made = {"id": new_id(PERSON), "hash": self._vault.fingerprint(customer.encode())}
            await self._database.run(MAKE, made | {"key": self._vault.new_key()})
            return await self.find(customer)

    async def _write(
        self, connection: Connection, known: Person, change: ProfileChange, by: Actor, now: datetime
    ) -> None:
        assert known.wrapped_key is not None
        own = await (await connection.execute(OWN, {"person": known.id})).fetchone() or {}
        said = {name: getattr(change, name) for name in ("zone", "region", "language", "preferred")}
        fields = {name: said[name] if name in change.model_fields_set else own.get(name) for name in said}
        addresses = _changed(known.addresses(self._vault), change)
        await connection.execute(
            WRITE,
            fields
            | {
                "person": known.id, "flags": sorted(_flags(known, change)), "by": by.id, "now": now,
                "channels": [channel for channel in Channel if channel in addresses],
                "areas": self._areas(addresses),
                "sealed": self._vault.seal(
                    known.wrapped_key, json.dumps(addresses).encode(), f"contact_profile/{known.id}"
                ),
            },
        )  # fmt: skip
        if change.addresses:
            await self._index(connection, known.id, addresses)

    def _areas(self, addresses: Mapping[str, str]) -> list[str]:
        numbers = (addresses[channel] for channel in (Channel.SMS, Channel.VOICE) if channel in addresses)
        return sorted({area for number in numbers if (area := self._rules().area_of(number))})

    async def _index(self, connection: Connection, person: str, addresses: Mapping[str, str]) -> None:
        await connection.execute("delete from contact_address where person_id = %(person)s", {"person": person})
        for channel in Channel:
            if channel in addresses:
                await connection.execute(
                    "insert into contact_address (channel, fingerprint, person_id) "
                    "values (%(channel)s, %(hash)s, %(person)s)",
                    {"channel": channel, "hash": address_hash(self._vault, addresses[channel]), "person": person},
                )


def address_hash(vault: Vault, address: str) -> bytes:
    """Numbers and addresses without regard to case: a gateway may write them otherwise."""
    return vault.fingerprint(f"address/{address.strip().casefold()}".encode())


async def say(
    connection: Connection,
    person: str,
    channel: Channel,
    granted: bool,
    *,
    source: str,
    evidence: str,
    by: Actor,
    reason: str,
    request: str,
    now: datetime,
) -> None:
    """What a person said of one channel: the row as it stands, and the entry that vouches for it."""
    row = {
        "person_id": person, "channel": channel.value, "granted": granted, "source": source, "evidence": evidence,
        "said_at": now, "recorded_by": by.id,
    }  # fmt: skip
    await connection.execute(CONSENT, row)
    await enter(
        connection, "consent.given" if granted else "consent.withdrawn", None, now=now, by=by, reason=reason,
        request=request, about=f"{person}/{channel}", row=STANDING["contact_consent"].row_digest(row),
    )  # fmt: skip


def _changed(addresses: dict[str, str], change: ProfileChange) -> dict[str, str]:
    named = {str(channel): text for channel, text in change.addresses.items()}
    named |= {"name": change.name} if "name" in change.model_fields_set else {}
    merged: dict[str, Any] = {**addresses, **named}
    return {name: text for name, text in merged.items() if text}


def _flags(known: Person, change: ProfileChange) -> set[str]:
    held = set(known.reachable.flags if change.flags is None else change.flags)
    return {str(flag) for flag in (held | set(change.add_flags)) - set(change.remove_flags)}


def _used(known: Person, past: list[Past], rules: ContactRules, now: datetime) -> dict[str, str]:
    caps = {cap.name: cap for channel in Channel for cap in caps_on(channel, known.reachable, rules)}
    return {
        name: f"{sum(counts(cap, p) and p.at > now - cap.within for p in past)} of {cap.at_most}"
        for name, cap in caps.items()
    }


def _without_channel(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "channel"}


def _line(row: Row) -> ContactLine:
    return ContactLine.model_validate({("intervention" if k == "intervention_id" else k): v for k, v in row.items()})
