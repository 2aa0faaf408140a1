"""One person as the contact governor sees them, read under the lock that every change of it takes.

The lock is on the person's row. Whoever sends, and whoever writes an opt-out, a flag or an
address down, holds it until commit: so what the governor saw is still true when the row moves.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from plimsoll.adapters.postgres.database import Row
from plimsoll.adapters.postgres.ledger import entering
from plimsoll.domain.access import SYSTEM, Actor
from plimsoll.domain.errors import NotFound
from plimsoll.domain.ledger import Entry, entry
from plimsoll.domain.outreach.contact import LEFT_THE_HOUSE, Channel
from plimsoll.domain.outreach.governor import Past, Reachable
from plimsoll.domain.outreach.rules import ContactRules, Flag
from plimsoll.domain.outreach.zones import Whereabouts
from plimsoll.domain.values import Value
from plimsoll.ports import Vault

Connection = AsyncConnection[DictRow]

# `no key`: rows that only refer to a person (their transactions) need not wait.
LOCK = "select id from person where id = any(%(people)s) order by id for no key update"
PERSON = """
select p.id, p.wrapped_key, coalesce(f.zone, c.zone) as zone, coalesce(f.region, c.region) as region,
       coalesce(f.areas, '{}') as areas, f.language, f.preferred, coalesce(f.flags, '{}') as flags,
       coalesce(f.channels, '{}') as channels, f.addresses_sealed, f.version, f.changed_at,
       (select coalesce(jsonb_object_agg(s.channel, s.granted), '{}') from contact_consent s
        where s.person_id = p.id) as consents
from person p
left join contact_profile f on f.person_id = p.id
left join customer c on c.person_id = p.id
where p.id = %(person)s
"""
PAST = """
select channel, sending_at as at, talked from contact
where person_id = %(person)s and id <> %(but)s and state = any(%(left)s) and confirms is null
  and sending_at > %(since)s
"""


class Person(Value):
    """What is known of a person, addresses still sealed."""

    id: str
    wrapped_key: bytes | None
    reachable: Reachable
    language: str | None
    sealed: bytes | None
    version: int  # 0 when nobody wrote a profile yet
    changed_at: datetime | None = None

    def addresses(self, vault: Vault) -> dict[str, str]:
        """By channel, and `name`."""
        if self.sealed is None or self.wrapped_key is None:
            return {}
        return json.loads(vault.open(self.wrapped_key, self.sealed, f"contact_profile/{self.id}"))


async def lock(connection: Connection, people: Iterable[str]) -> None:
    """Several at once always in the same order."""
    await connection.execute(LOCK, {"people": list(people)})


async def locked(connection: Connection, person: str) -> Person:
    """Raises NotFound."""
    await lock(connection, [person])
    return await read(connection, person)


async def read(connection: Connection, person: str) -> Person:
    row = await (await connection.execute(PERSON, {"person": person})).fetchone()
    if row is None:
        raise NotFound(f"There is no person {person}.")
    return as_person(row)


def as_person(row: Row) -> Person:
    return Person(
        id=row["id"],
        wrapped_key=row["wrapped_key"],
        reachable=Reachable(
            where=Whereabouts(zone=row["zone"], region=row["region"], areas=tuple(row["areas"])),
            addresses=tuple(Channel(channel) for channel in row["channels"]),
            consents={Channel(channel): granted for channel, granted in row["consents"].items()},
            preferred=Channel(row["preferred"]) if row["preferred"] else None,
            flags=tuple(Flag(flag) for flag in row["flags"]),
            erased=row["wrapped_key"] is None,
        ),
        language=row["language"],
        sealed=row["addresses_sealed"],
        version=row["version"] or 0,
        changed_at=row["changed_at"],
    )


async def past_contacts(
    connection: Connection, person: str, rules: ContactRules, now: datetime, but: str = ""
) -> list[Past]:
    """As far back as any cap looks; nothing of what is yet to come is left out."""
    longest = max((cap.within for cap in rules.caps), default=None)
    if longest is None:
        return []
    asked = {"person": person, "but": but, "left": list(LEFT_THE_HOUSE), "since": now - longest}
    rows = await (await connection.execute(PAST, asked)).fetchall()
    return [Past(channel=Channel(row["channel"]), at=row["at"], talked=row["talked"]) for row in rows]


async def enter(connection: Connection, kind: str, story: str | None, *, now: datetime, **said: Any) -> None:
    await entering.enter(connection, entry_of(kind, story, now=now, **said), about=story)


def entry_of(
    kind: str,
    story: str | None,
    *,
    now: datetime,
    by: Actor = SYSTEM,
    reason: str = "",
    request: str = "",
    **facts: Any,
) -> Entry:
    """`story`: the id of the episode, or of the person, that this is part of; None for what stands for itself."""
    return entry(
        kind, application=None, actor=by.id, reason=reason or kind, request=request or story or kind, at=now, **facts
    )
