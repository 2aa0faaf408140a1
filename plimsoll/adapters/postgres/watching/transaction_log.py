"""Every event once, numbered in the order in which it became readable (docs/decisions/0017).

One transaction at a time in the whole house what is new gets its numbers and is committed. So whoever has read up to
a number has missed nothing below it. Callers who come meanwhile share the next transaction.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, LiteralString, NamedTuple

import numpy as np
import numpy.typing as npt
from psycopg import AsyncConnection
from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow

from plimsoll.adapters.postgres.database import Database, Parameters, Row
from plimsoll.adapters.postgres.watching.copying import (
    HEADER,
    TRAILER,
    UuidArray,
    as_copy,
    empty_records,
    from_copy,
    record_of,
)
from plimsoll.adapters.postgres.watching.customers import ERASED, Customers, Found, note_openings
from plimsoll.adapters.postgres.watching.transaction_rows import (
    COLUMNS,
    FETCHED,
    NAMES,
    TAKE_IN,
    ReadyRows,
    rows_of_copy,
    words,
)
from plimsoll.domain.errors import TooBusy
from plimsoll.domain.watching.batch import Batch
from plimsoll.domain.watching.events import Event
from plimsoll.domain.watching.rows import Rows
from plimsoll.ports import Vault
from plimsoll.ports.watching import AcceptedEvents

CHANNEL = "transactions"
ONE_AT_A_TIME = 7276  # the advisory lock under which numbers are given
MOST_TOGETHER = 10_000  # rows in one transaction of several callers
MOST_WAITING = 100_000  # rows beyond which a caller is asked to come again
A_BREATH = 500  # rows that the event loop may be kept busy with
TRIES = 3
DIGESTS_REMEMBERED = 200_000
A_KEY = record_of({"key": "V16"})

# A table that grew by a million rows since Postgres last looked would be read whole for every call: keys are to be
# looked up one by one.
MY_TURN = """
select set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true), pg_advisory_xact_lock(%(lock)s)
"""
# Where all keys are new, as in most portions of a file, they are copied, for a third of what looking each up costs.
COPY_KEYS = "copy transaction_key (key) from stdin (format binary)"
TAKE_NUMBERS = f"""
select ({ERASED}) as erased, null as repeated, min(nextval('transaction_seq')) as first
from generate_series(1, %(count)s)
"""
TAKE_KEYS = f"""
with here as materialized (
    select s.key, k.key is null as is_new from unnest(%(keys)s) as s(key) left join transaction_key k on k.key = s.key
), put as (
    insert into transaction_key (key) select key from here where is_new
)
select ({ERASED}) as erased, string_agg(uuid_send(key), '') filter (where not is_new) as repeated,
    min(case when is_new then nextval('transaction_seq') end) as first
from here
"""
ERASE = """
with gone as (
    delete from transaction where person_id = any(%(people)s) returning key
), keys as (
    delete from transaction_key using gone where transaction_key.key = gone.key
)
select count(*) as n from gone
"""

AFTER = f"select {COLUMNS} from transaction where seq > %(seq)s order by seq limit %(limit)s"
HISTORY = f"""
select {COLUMNS} from transaction
where person_id = any(%(people)s) and known_at <= %(known_by)s order by person_id, seq
"""
SCAN = f"""
select {COLUMNS} from transaction
where person_id > %(after)s and person_id <= %(last)s and known_at <= %(known_by)s order by person_id, seq
"""


class Ready(NamedTuple):
    """Events that only wait for their turn, and how many people were erased when theirs were found."""

    batch: Batch
    keys: npt.NDArray[np.void]
    rows: ReadyRows
    erased: int


class _Caller(NamedTuple):
    ready: Ready
    answer: asyncio.Future[int | None]


class _ErasedMeanwhile(Exception):
    """Somebody was, so whoever was found before is looked up anew."""


class TransactionLog:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._customers = Customers(database, vault)
        self._months: set[np.datetime64] = set()
        # The vault's own hash takes thrice as long, and there are fifty thousand a second.
        self._secret = vault.fingerprint(b"transaction keys v1")
        self._digests: dict[str, dict[str, int]] = {"account": {}, "merchant": {}}
        self._waiting: list[_Caller] = []
        self._waiting_rows = 0
        self._driver: asyncio.Task[None] | None = None
        self._all_were_new = True

    # In ---------------------------------------------------------------------------------------------

    async def accept(self, events: Sequence[Event] | Batch, *, now: datetime) -> AcceptedEvents:
        """Commits what is new of these events, in any order and however often they come.

        Raises TooBusy when too many wait already.
        """
        batch = events if isinstance(events, Batch) else Batch.of(events)
        if self._waiting_rows + len(batch) > MOST_WAITING and self._waiting_rows:
            raise TooBusy(f"{self._waiting_rows} events wait to be written: nothing was taken in, send it again later.")
        self._waiting_rows += len(batch)
        try:
            return await self.take_in(await self.made_ready(batch))
        finally:
            self._waiting_rows -= len(batch)

    async def made_ready(self, batch: Batch) -> Ready:
        await self._make_months(batch.rows["occurred_at"])
        found = await self._customers.people_of(batch.customers)
        await self._note_openings(batch, found.people)  # before: whoever reads the events finds the customer's product
        if len(batch) <= A_BREATH:
            return self._ready(batch, found)
        return await asyncio.to_thread(self._ready, batch, found)

    async def take_in(self, ready: Ready) -> AcceptedEvents:
        for _ in range(TRIES):
            new = await self._shared(ready)
            if new is not None:
                return AcceptedEvents(new=new, repeated=len(ready.batch) - new)
            self._customers.forget()  # somebody was erased
            ready = await self.made_ready(ready.batch)
        raise TooBusy("Customers of these events are being erased: send this again.")

    def _ready(self, batch: Batch, found: Found) -> Ready:
        """With the names that stand for the lender's."""
        secret, people = self._secret, found.people
        keys = b"".join([blake2b(name.encode(), digest_size=16, key=secret).digest() for name in batch.transaction_ids])
        names = np.empty(len(batch), NAMES)
        names["key"] = np.frombuffer(keys, "V16")
        names["person_id"] = [people[customer] for customer in batch.customers]
        names["account"] = self._digests_of("account", batch.accounts)
        names["merchant"] = self._digests_of("merchant", batch.merchants)
        return Ready(batch, names["key"], ReadyRows.of(batch.rows, names), found.erased)

    def _digests_of(self, what: str, names: Sequence[str | None]) -> list[int]:
        """Eight bytes for each, so that two can be told apart and neither be read; 0 where there is none."""
        known = self._digests[what]
        if len(known) > DIGESTS_REMEMBERED:
            known = self._digests[what] = {}  # another thread may still read the old one
        for name in set(names):
            if name is not None and name not in known:
                mark = self._vault.fingerprint(f"{what}/{name}".encode())
                known[name] = int.from_bytes(mark[:8], "big", signed=True) or 1
        return [0 if name is None else known[name] for name in names]

    async def _make_months(self, moments: np.ndarray[Any, Any]) -> None:
        for month in set(np.unique(moments.astype("M8[M]"))) - self._months:
            await self._database.run(
                "select make_transaction_month(%(month)s)", {"month": month.astype("M8[D]").item()}
            )
            self._months.add(month)

    async def _note_openings(self, batch: Batch, people: dict[str, str]) -> None:
        if not batch.openings:
            return
        moments = [moment.replace(tzinfo=UTC) for moment in batch.rows["occurred_at"].tolist()]
        said = [
            (people[batch.customers[opening.place]], moments[opening.place], *opening[1:]) for opening in batch.openings
        ]
        async with self._database.transaction() as connection:
            await note_openings(connection, said)

    # Together ---------------------------------------------------------------------------------------

    async def _shared(self, ready: Ready) -> int | None:
        """How many were new, committed; None when somebody was erased since their people were found."""
        if not len(ready.batch):
            return 0
        answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Caller(ready, answer))
        if self._driver is None or self._driver.done():
            self._driver = asyncio.create_task(self._drive())
        return await answer

    async def _drive(self) -> None:
        while self._waiting:
            callers: list[_Caller] = []
            rows = 0
            while self._waiting and (not callers or rows + len(self._waiting[0].ready.batch) <= MOST_TOGETHER):
                callers.append(self._waiting.pop(0))
                rows += len(callers[-1].ready.batch)
            if callers := [caller for caller in callers if not caller.answer.done()]:
                await self._commit(callers)

    async def _commit(self, callers: list[_Caller]) -> None:
        try:
            news = await self._write(callers)
        except Exception as error:
            for caller in callers:
                if not caller.answer.done():
                    caller.answer.set_exception(error)
            return
        for caller, new in zip(callers, news, strict=True):
            if not caller.answer.done():  # given up meanwhile
                caller.answer.set_result(new)

    async def _write(self, callers: list[_Caller]) -> list[int | None]:
        """How many of each were new; None when somebody was erased meanwhile."""
        keys = np.concatenate([caller.ready.keys for caller in callers])
        first = _first_of_each(keys)
        try:
            async with self._database.transaction() as connection:
                await connection.execute(MY_TURN, {"lock": ONE_AT_A_TIME})
                found = await self._taken(connection, keys[first])
                if any(caller.ready.erased != found["erased"] for caller in callers):
                    raise _ErasedMeanwhile
                new = np.zeros(len(keys), bool)
                new[first] = ~np.isin(keys[first], np.frombuffer(found["repeated"] or b"", "V16"))
                ends = np.cumsum([len(caller.ready.batch) for caller in callers])[:-1]
                news = np.split(new, ends)
                if new.any():
                    numbers = np.split(found["first"] + np.cumsum(new) - 1, ends)
                    rows = [caller.ready.rows.numbered(*of) for caller, *of in zip(callers, news, numbers, strict=True)]
                    await _copy(connection, TAKE_IN, HEADER + b"".join(rows) + TRAILER)
                    await connection.execute(f"notify {CHANNEL}")
        except _ErasedMeanwhile:
            return [None] * len(callers)
        return [int(some.sum()) for some in news]

    async def _taken(self, connection: AsyncConnection[DictRow], keys: npt.NDArray[np.void]) -> Row:
        """Keys that were new are the callers' now. How many people are erased, which keys were there (None: none of
        them), and the first of the new ones' numbers."""
        if len(keys) > A_BREATH and self._all_were_new:
            try:
                async with connection.transaction():
                    await _copy(connection, COPY_KEYS, _keys_as_copy(keys))
                return await _only(connection, TAKE_NUMBERS, {"count": len(keys)})
            except UniqueViolation:
                pass  # some are here: which?
        found = await _only(connection, TAKE_KEYS, {"keys": UuidArray.of(keys)})
        self._all_were_new = found["repeated"] is None  # or each portion of a file that comes again were tried in vain
        return found

    async def erase(self, people: Sequence[str]) -> int:
        """Deletes every event of these people and how many there were; what comes in later is another person's."""
        async with self._database.transaction() as connection:
            await connection.execute("select pg_advisory_xact_lock(%s)", (ONE_AT_A_TIME,))
            row = await (await connection.execute(ERASE, {"people": list(people)})).fetchone()
        self._customers.forget()
        return row["n"] if row else 0

    # Out --------------------------------------------------------------------------------------------

    async def after(self, seq: int, limit: int) -> Rows:
        return await self._read(AFTER, {"seq": seq, "limit": limit})

    async def newest(self) -> int:
        row = await self._database.row("select max(seq) as seq from transaction")
        return (row and row["seq"]) or 0

    async def history(self, people: Sequence[str], *, known_by: datetime | None = None) -> Rows:
        return await self._read(HISTORY, {"people": list(people), "known_by": _until(known_by)})

    async def scan(
        self, *, after: str = "", people: int = 2000, known_by: datetime | None = None
    ) -> AsyncIterator[Rows]:
        while last := await self._last_of(after, people):
            rows = await self._read(SCAN, {"after": after, "last": last, "known_by": _until(known_by)})
            if len(rows):
                yield rows
            after = last

    async def _last_of(self, after: str, people: int) -> str | None:
        row = await self._database.row(
            """
            select max(person_id) as last from
                (select person_id from customer where person_id > %(after)s order by person_id limit %(people)s) next
            """,
            {"after": after, "people": people},
        )
        return row["last"] if row else None

    async def arrivals(self) -> AsyncIterator[None]:
        async for _ in self._database.notices(CHANNEL):
            yield

    async def _read(self, query: str, parameters: dict[str, Any]) -> Rows:
        async with self._database.connection() as connection, connection.cursor() as cursor:
            parts = []
            async with cursor.copy(f"copy ({query}) to stdout (format binary)", parameters) as copy:
                async for part in copy:
                    parts.append(bytes(part))
        return rows_of_copy(from_copy(b"".join(parts), FETCHED))


async def _only(connection: AsyncConnection[DictRow], statement: LiteralString, parameters: Parameters) -> Row:
    row = await (await connection.execute(statement, parameters)).fetchone()
    assert row is not None
    return row


async def _copy(connection: AsyncConnection[Any], into: LiteralString, content: bytes) -> None:
    async with connection.cursor().copy(into) as copy:
        await copy.write(content)


def _keys_as_copy(keys: npt.NDArray[np.void]) -> bytes:
    made = empty_records(A_KEY, len(keys))
    made["key"] = keys
    return as_copy(made)


def _first_of_each(keys: npt.NDArray[np.void]) -> npt.NDArray[np.int64]:
    """Where each key stands first, in the order of the keys."""
    parts = words(np.ascontiguousarray(keys))
    order = np.lexsort(parts[::-1])
    another = (parts[:, order[1:]] != parts[:, order[:-1]]).any(axis=0)
    return order[np.concatenate([[True], another])]


def _until(moment: datetime | None) -> datetime | str:
    return moment or "infinity"
