"""Lenders' customers as persons of ours: found by keyed hash, made when they are new."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from plimsoll.adapters.postgres.database import Database
from plimsoll.domain.errors import TooBusy
from plimsoll.domain.ids import PERSON, new_id
from plimsoll.ports import Vault

TRIES = 4
REMEMBERED = 100_000

FIND = """
select p.reference_hash, p.id, p.wrapped_key, c.person_id is not null as watched
from person p left join customer c on c.person_id = p.id
where p.reference_hash = any(%(hashes)b)
"""
# Rises with every erasure: whoever was found before one may be gone.
ERASED = "select count(*) from person where erased_at is not null"
# Who was erased and is spoken of again is somebody new: the old row gives up the last that led to it.
LET_GO = """
update person set reference_hash = sha256(convert_to(id, 'UTF8'))
where reference_hash = any(%(hashes)b) and wrapped_key is null
"""
# Who is somebody's already by now is left out: the next look finds them.
MAKE = """
with made as (
    insert into person (id, reference_hash, wrapped_key)
    select * from unnest(%(ids)b::text[], %(hashes)b::bytea[], %(keys)b::bytea[]) order by 2
    on conflict do nothing
    returning id
), watched as (
    insert into customer (person_id, reference_sealed)
    select id, sealed from made join unnest(%(ids)b::text[], %(sealed)b::bytea[]) as new(id, sealed) using (id)
)
select id from made
"""
WATCH = """
insert into customer (person_id, reference_sealed)
select * from unnest(%(ids)b::text[], %(sealed)b::bytea[]) order by 1
on conflict do nothing
"""
# The event that happened last says it best, whichever came first; of two at once, the greater by words.
OPEN = """
update customer c set
    opened_on = least(c.opened_on, said.opened_on),
    product = case when said.later then said.product else c.product end,
    region = case when said.later then said.region else c.region end,
    zone = case when said.later then said.zone else c.zone end,
    told_at = greatest(c.told_at, said.told_at)
from (
    select s.*, (coalesce(k.told_at, '-infinity'), coalesce(k.product, ''), coalesce(k.region, ''),
                 coalesce(k.zone, ''))
              < (s.told_at, coalesce(s.product, ''), coalesce(s.region, ''), coalesce(s.zone, '')) as later
    from unnest(%(people)s::text[], %(opened_on)s::date[], %(told_at)s::timestamptz[], %(products)s::text[],
                %(regions)s::text[], %(zones)s::text[]) as s(person_id, opened_on, told_at, product, region, zone)
    join customer k using (person_id)
) said
where c.person_id = said.person_id
"""


@dataclass(frozen=True)
class Found:
    """Customers and the person of each, and how many people were erased before the first of them was found."""

    erased: int
    people: dict[str, str] = field(default_factory=dict)


class Customers:
    """Who was found is remembered; what was remembered wrongly (an erasure) is noticed where it is used."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._found: Found | None = None
        self._wanted: set[str] = set()
        self._one_look_at_a_time = asyncio.Lock()

    async def people_of(self, customers: Iterable[str]) -> Found:
        """With the person of each of these customers at least; new ones are made. Raises TooBusy.

        Whoever comes while others are being looked for goes with the next look, all together.
        """
        wanted = set(customers)
        if self._found is None or _missing(wanted, self._found):
            self._wanted |= wanted
            async with self._one_look_at_a_time:
                found, together = await self._remembered(), self._wanted | wanted
                self._wanted = set()
                if missing := _missing(together, found):
                    found.people.update(await self._looked_for(missing))
                return found
        return self._found

    def forget(self) -> None:
        self._found = None

    async def _remembered(self) -> Found:
        if self._found is None or len(self._found.people) > REMEMBERED:
            row = await self._database.row(f"select ({ERASED}) as erased")
            assert row is not None
            self._found = Found(row["erased"])
        return self._found

    async def _looked_for(self, customers: Sequence[str]) -> dict[str, str]:
        by_hash = {self._vault.fingerprint(customer.encode()): customer for customer in customers}
        found: dict[str, str] = {}
        for _ in range(TRIES):
            missing = [mark for mark, customer in by_hash.items() if customer not in found]
            if not missing:
                return found
            found |= await self._look(by_hash, missing)
        raise TooBusy("These customers are being created by many requests at once: send this again.")

    async def _look(self, by_hash: dict[bytes, str], missing: list[bytes]) -> dict[str, str]:
        """Those who are there already, and those who are made now; not those whom somebody else makes meanwhile."""
        rows = await self._database.rows(FIND, {"hashes": missing})
        alive = {row["reference_hash"]: row for row in rows if row["wrapped_key"] is not None}
        unwatched = [row for row in alive.values() if not row["watched"]]
        if unwatched:
            sealed = [self._sealed(row["id"], row["wrapped_key"], by_hash[row["reference_hash"]]) for row in unwatched]
            await self._database.run(WATCH, {"ids": [row["id"] for row in unwatched], "sealed": sealed})
        if len(alive) < len(rows):
            await self._database.run(LET_GO, {"hashes": [mark for mark in missing if mark not in alive]})
        made = await self._made({mark: by_hash[mark] for mark in missing if mark not in alive})
        return {by_hash[mark]: row["id"] for mark, row in alive.items()} | made

    async def _made(self, new: dict[bytes, str]) -> dict[str, str]:
        """In one statement for all of them."""
        if not new:
            return {}
        ids, keys = [new_id(PERSON) for _ in new], [self._vault.new_key() for _ in new]
        sealed = list(map(self._sealed, ids, keys, new.values()))
        rows = await self._database.rows(MAKE, {"ids": ids, "hashes": list(new), "keys": keys, "sealed": sealed})
        made = {row["id"] for row in rows}
        return {customer: person for customer, person in zip(new.values(), ids, strict=True) if person in made}

    def _sealed(self, person: str, key: bytes, customer: str) -> bytes:
        return self._vault.seal(key, customer.encode(), reference_context(person))


def _missing(customers: Iterable[str], found: Found) -> list[str]:
    """Asks for each: to take all that are known away from a set goes through all that are known."""
    return [customer for customer in customers if customer not in found.people]


def reference_context(person: str) -> str:
    return f"customer/{person}"


OpeningOf = tuple[str, datetime, str | None, str | None, str | None]  # person, when, product, region, zone


async def note_openings(connection: AsyncConnection[Any], openings: Sequence[OpeningOf]) -> None:
    """What the lender says of customers whose accounts it opened; of several about one person, the latest."""
    if not openings:
        return
    first: dict[str, datetime] = {}
    last: dict[str, OpeningOf] = {}
    for opening in openings:
        person, at = opening[0], opening[1]
        first[person] = min(first.get(person, at), at)
        if person not in last or _rank(last[person]) < _rank(opening):
            last[person] = opening
    said = [last[person] for person in sorted(last)]
    await connection.execute(
        OPEN,
        {
            "people": [opening[0] for opening in said],
            "opened_on": [first[opening[0]].date() for opening in said],
            "told_at": [opening[1] for opening in said],
            "products": [opening[2] for opening in said],
            "regions": [opening[3] for opening in said],
            "zones": [opening[4] for opening in said],
        },
    )


def _rank(opening: OpeningOf) -> tuple[Any, ...]:
    return (opening[1], opening[2] or "", opening[3] or "", opening[4] or "")
