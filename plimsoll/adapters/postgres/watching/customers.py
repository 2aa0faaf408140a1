"""Lenders' customers as persons of ours: found by keyed hash, made when they are new."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.domain.errors import TooBusy
from plimsoll.domain.ids import PERSON, new_id
from plimsoll.ports import Vault

TRIES = 4
REMEMBERED = 100_000

FIND = """
select p.reference_hash, p.id, p.wrapped_key, c.person_id is not null as watched
from person p left join customer c on c.person_id = p.id
where p.reference_hash = any(%(hashes)s)
"""
# Rises with every erasure: whoever was found before one may be gone.
ERASED = "select count(*) from person where erased_at is not null"
# Who was erased and is spoken of again is somebody new: the old row gives up the last that led to it.
LET_GO = """
update person set reference_hash = sha256(convert_to(id, 'UTF8'))
where reference_hash = any(%(hashes)s) and wrapped_key is null
"""
MAKE_PEOPLE = """
insert into person (id, reference_hash, wrapped_key)
select * from unnest(%(ids)s::text[], %(hashes)s::bytea[], %(keys)s::bytea[]) order by 2
on conflict do nothing
"""
MAKE_CUSTOMERS = """
insert into customer (person_id, reference_sealed)
select * from unnest(%(ids)s::text[], %(sealed)s::bytea[]) order by 1
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


class Customers:
    """Who was found is remembered; what was remembered wrongly (an erasure) is noticed where it is used."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._known: dict[str, str] = {}
        self.erased: int | None = None  # how many were, before the first of them was found

    async def people_of(self, customers: Iterable[str]) -> dict[str, str]:
        """The person of each of these customers; new ones are made. Raises TooBusy."""
        wanted = set(customers)
        missing = wanted - self._known.keys()
        if missing:
            if len(self._known) + len(missing) > REMEMBERED:
                self.forget()
                missing = wanted
            if self.erased is None:
                row = await self._database.row(f"select ({ERASED}) as erased")
                self.erased = row["erased"] if row else 0
            known = self._known
            known |= await self._found(sorted(missing))
            return known
        return self._known

    def forget(self) -> None:
        self._known, self.erased = {}, None

    async def _found(self, customers: Sequence[str]) -> dict[str, str]:
        by_hash = {self._vault.fingerprint(customer.encode()): customer for customer in customers}
        found: dict[str, str] = {}
        for _ in range(TRIES):
            missing = [mark for mark, customer in by_hash.items() if customer not in found]
            if not missing:
                return found
            found |= await self._look(by_hash, missing)
        raise TooBusy("These customers are being created by many requests at once: send this again.")

    async def _look(self, by_hash: dict[bytes, str], missing: list[bytes]) -> dict[str, str]:
        """Those who are there already; the others are made, and are there at the next look."""
        rows = await self._database.rows(FIND, {"hashes": missing})
        alive = [row for row in rows if row["wrapped_key"] is not None]
        unwatched = [row for row in alive if not row["watched"]]
        if unwatched:
            await self._database.run(MAKE_CUSTOMERS, self._sealed(unwatched, by_hash))
        if len(alive) < len(rows):
            erased = [bytes(row["reference_hash"]) for row in rows if row["wrapped_key"] is None]
            await self._database.run(LET_GO, {"hashes": erased})
        new = set(missing) - {bytes(row["reference_hash"]) for row in alive}
        if new:
            await self._make(sorted(new))
        return {by_hash[bytes(row["reference_hash"])]: row["id"] for row in alive}

    async def _make(self, hashes: list[bytes]) -> None:
        keys = [self._vault.new_key() for _ in hashes]
        ids = [new_id(PERSON) for _ in hashes]
        await self._database.run(MAKE_PEOPLE, {"ids": ids, "hashes": hashes, "keys": keys})

    def _sealed(self, rows: list[Row], by_hash: dict[bytes, str]) -> dict[str, Any]:
        def sealed(row: Row) -> bytes:
            reference = by_hash[bytes(row["reference_hash"])]
            return self._vault.seal(bytes(row["wrapped_key"]), reference.encode(), reference_context(row["id"]))

        return {"ids": [row["id"] for row in rows], "sealed": [sealed(row) for row in rows]}


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
