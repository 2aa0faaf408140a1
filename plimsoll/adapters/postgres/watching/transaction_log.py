"""Every event once, numbered in the order in which it became readable (docs/decisions/0017).

One transaction at a time in the whole house what is new gets its numbers and is committed. So whoever has read up to
a number has missed nothing below it. Callers who come meanwhile share the next transaction.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, LiteralString, NamedTuple
from weakref import WeakSet

import numpy as np
from psycopg import AsyncConnection

from plimsoll.adapters.postgres.database import Database
from plimsoll.adapters.postgres.watching.copying import (
    EPOCH_DAYS,
    EPOCH_MICROS,
    NO_CURRENCY,
    NO_DATE,
    NUMERIC,
    Records,
    as_copy,
    as_copy_with_nulls,
    empty_records,
    from_copy,
    numerics,
    record_of,
)
from plimsoll.adapters.postgres.watching.customers import ERASED, Customers, note_openings
from plimsoll.domain.errors import TooBusy
from plimsoll.domain.watching.batch import Batch
from plimsoll.domain.watching.events import Event
from plimsoll.domain.watching.rows import EVENT_ROW, NOT_SAID, Rows
from plimsoll.ports import Vault
from plimsoll.ports.watching import AcceptedEvents

CHANNEL = "transactions"
ONE_AT_A_TIME = 7276  # the advisory lock under which numbers are given
MOST_TOGETHER = 10_000  # rows in one transaction of several callers
MOST_WAITING = 100_000  # rows beyond which a caller is asked to come again
SLICE = 500  # rows between two breaths of the event loop
TRIES = 3
DIGESTS_REMEMBERED = 200_000

CODES = ("kind", "date_precision", "direction", "category", "channel", "months_late")
AMOUNTS = ("amount", "balance_after", "bill", "minimum_due", "limit", "net_new_charges")
DAYS = ("due_on", "period")

# As they wait for their turn: `part` says whose they are.
WAITING = np.dtype(
    [("part", "i4"), ("key", "S16"), ("person_id", "S30"), ("account", "i8"), ("merchant", "i8"), ("row", EVENT_ROW)]
)
STAGED_KEY = record_of({"key": "V16"})
STAGE = "create temporary table if not exists staged_key (key uuid) on commit delete rows"
# A table that grew by a million rows since Postgres last looked would be read whole for every call: keys are to be
# looked up one by one.
MY_TURN = """
select set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true), pg_advisory_xact_lock(%(lock)s)
"""
TAKE_KEYS = f"""
with here as materialized (
    select s.key, k.key is null as is_new from staged_key s left join transaction_key k on k.key = s.key
), put as (
    insert into transaction_key (key) select key from here where is_new
)
select ({ERASED}) as erased, string_agg(uuid_send(key), '') filter (where not is_new) as repeated,
    min(case when is_new then nextval('transaction_seq') end) as first
from here
"""
# Straight into the months, many rows a page: the lock is held for no longer than they take.
WRITTEN = {
    "seq": ">i8", "key": "V16", "person_id": "S30", "account": ">i8", "merchant": ">i8", "occurred_at": ">i8",
    "known_at": ">i8", **dict.fromkeys(AMOUNTS, NUMERIC), **dict.fromkeys(DAYS, ">i4"),
    **dict.fromkeys(CODES, ">i2"), "failed": "u1", "currency": "S3",
}  # fmt: skip
TAKE_IN = f"""
copy transaction ({", ".join("credit_limit" if name == "limit" else name for name in WRITTEN)})
from stdin (format binary)
"""
ERASE = """
with gone as (
    delete from transaction where person_id = any(%(people)s) returning key
), keys as (
    delete from transaction_key using gone where transaction_key.key = gone.key
)
select count(*) as n from gone
"""

FETCHED = record_of(
    {"seq": ">i8", "person": "S30", "account": ">i8", "merchant": ">i8", "occurred_at": ">i8", "known_at": ">i8"}
    | dict.fromkeys(AMOUNTS, ">f8")
    | dict.fromkeys(DAYS, ">i4")
    | dict.fromkeys(CODES, ">i2")
    | {"failed": "u1", "currency": "S3"}
)
COLUMNS = f"""
    seq, person_id, account, merchant, occurred_at, known_at, amount::float8,
    coalesce(balance_after::float8, 'NaN'), coalesce(bill::float8, 'NaN'), coalesce(minimum_due::float8, 'NaN'),
    coalesce(credit_limit::float8, 'NaN'), coalesce(net_new_charges::float8, 'NaN'),
    coalesce(due_on, '-infinity'), coalesce(period, '-infinity'),
    kind, date_precision, direction, category, channel, coalesce(months_late, smallint '{NOT_SAID}'), failed,
    coalesce(currency, '---')
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


class _Caller(NamedTuple):
    """Rows that wait for their turn, and how many people were erased when theirs were found."""

    rows: Records
    erased: int
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
        self._with_staging: WeakSet[AsyncConnection[Any]] = WeakSet()
        self._driver: asyncio.Task[None] | None = None

    # In ---------------------------------------------------------------------------------------------

    async def accept(self, events: Sequence[Event] | Batch, *, now: datetime) -> AcceptedEvents:
        """Commits what is new of these events, in any order and however often they come.

        Raises TooBusy when too many wait already.
        """
        batch = events if isinstance(events, Batch) else Batch.of(events)
        if self._waiting_rows + len(batch) > MOST_WAITING and self._waiting_rows:
            raise TooBusy(f"{self._waiting_rows} events wait to be written: nothing was taken in, send it again later.")
        if not len(batch):
            return AcceptedEvents()
        keys = await self._keys(batch.transaction_ids)
        await self._make_months(batch.rows["occurred_at"])
        self._waiting_rows += len(batch)
        try:
            new = await self._taken_in(batch, keys)
        finally:
            self._waiting_rows -= len(batch)
        return AcceptedEvents(new=new, repeated=len(batch) - new)

    async def _taken_in(self, batch: Batch, keys: bytes) -> int:
        for _ in range(TRIES):
            found = await self._customers.people_of(batch.customers)
            await self._note_openings(batch, found.people)  # before: who reads the events finds the customer's product
            new = await self._shared(self._waiting_for_their_turn(batch, keys, found.people), found.erased)
            if new is not None:
                return new
            self._customers.forget()  # somebody was erased
        raise TooBusy("Customers of these events are being erased: send this again.")

    async def _keys(self, transaction_ids: Sequence[str]) -> bytes:
        """Sixteen bytes for each."""
        keys, secret = [], self._secret
        for start in range(0, len(transaction_ids), SLICE):
            some = transaction_ids[start : start + SLICE]
            keys += [blake2b(name.encode(), digest_size=16, key=secret).digest() for name in some]
            await asyncio.sleep(0)
        return b"".join(keys)

    def _waiting_for_their_turn(self, batch: Batch, keys: bytes, people: dict[str, str]) -> Records:
        """The rows with the names that stand for the lender's."""
        made = np.zeros(len(batch), WAITING)
        made["key"] = np.frombuffer(keys, "S16")
        made["person_id"] = [people[customer] for customer in batch.customers]
        made["account"] = self._digests_of("account", batch.accounts)
        made["merchant"] = self._digests_of("merchant", batch.merchants)
        made["row"] = batch.rows
        return made

    def _digests_of(self, what: str, names: Sequence[str | None]) -> list[int]:
        """Eight bytes for each, so that two can be told apart and neither be read; 0 where there is none."""
        known = self._digests[what]
        if len(known) > DIGESTS_REMEMBERED:
            known.clear()
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

    async def _shared(self, rows: Records, erased: int) -> int | None:
        """How many were new, committed; None when somebody was erased since their people were found."""
        answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Caller(rows, erased, answer))
        if self._driver is None or self._driver.done():
            self._driver = asyncio.create_task(self._drive())
        return await answer

    async def _drive(self) -> None:
        while self._waiting:
            callers: list[_Caller] = []
            rows = 0
            while self._waiting and (not callers or rows + len(self._waiting[0].rows) <= MOST_TOGETHER):
                callers.append(self._waiting.pop(0))
                rows += len(callers[-1].rows)
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
        for number, caller in enumerate(callers):
            caller.rows["part"] = number
        together = np.concatenate([caller.rows for caller in callers])
        _, first = np.unique(together["key"].view("V16"), return_index=True)
        keys = empty_records(STAGED_KEY, len(first))
        keys["key"] = together["key"].view("V16")[first]
        try:
            async with self._staging() as connection:
                await _copy(connection, "copy staged_key from stdin (format binary)", as_copy(keys))
                await connection.execute(MY_TURN, {"lock": ONE_AT_A_TIME})
                found = await (await connection.execute(TAKE_KEYS)).fetchone()
                assert found is not None
                if any(caller.erased != found["erased"] for caller in callers):
                    raise _ErasedMeanwhile
                repeated = np.frombuffer(found["repeated"] or b"", "V16")
                new = together[np.sort(first[~np.isin(keys["key"], repeated)])]
                if len(new):
                    await _copy(connection, TAKE_IN, _written(new, found["first"]))
                    await connection.execute(f"notify {CHANNEL}")
        except _ErasedMeanwhile:
            return [None] * len(callers)
        return list(np.bincount(new["part"], minlength=len(callers)).tolist())

    @asynccontextmanager
    async def _staging(self) -> AsyncIterator[AsyncConnection[Any]]:
        """A transaction on a connection that has its own empty table to copy to."""
        async with self._database.connection() as connection:
            if connection not in self._with_staging:
                await connection.execute(STAGE)
                self._with_staging.add(connection)
            async with connection.transaction():
                yield connection

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
        return _rows(from_copy(b"".join(parts), FETCHED))


async def _copy(connection: AsyncConnection[Any], into: LiteralString, content: bytes) -> None:
    async with connection.cursor().copy(into) as copy:
        await copy.write(content)


def _written(new: Records, first: int) -> bytes:
    """Numbered in their order, and put month by month and person by person: their indexes are then walked once."""
    rows = new["row"]
    order = np.lexsort((new["person_id"], rows["occurred_at"].astype("M8[M]")))
    seq = first + order
    new, rows = new[order], rows[order]
    nulls = {name: np.isnan(rows[name]) for name in AMOUNTS[1:]} | {name: np.isnat(rows[name]) for name in DAYS}
    nulls |= {"months_late": rows["months_late"] == NOT_SAID, "currency": rows["currency"] == b""}
    # What no row has is not even filled in.
    empty = {name for name, null in nulls.items() if null.all()}
    made = empty_records(record_of({name: "V0" if name in empty else kind for name, kind in WRITTEN.items()}), len(new))
    made["seq"] = seq
    for name in ("person_id", "account", "merchant"):
        made[name] = new[name]
    made["key"] = new["key"].view("V16")
    for name in ("occurred_at", "known_at"):
        made[name] = rows[name].view("i8") - EPOCH_MICROS
    for name in (*CODES, "failed", "currency"):
        if name not in empty:
            made[name] = rows[name]
    for name in AMOUNTS:
        if name not in empty:
            made[name] = numerics(rows[name])
    for name in DAYS:
        if name not in empty:
            made[name] = rows[name].astype("M8[D]").view("i8") - EPOCH_DAYS
    for name in empty:
        made[f"_{name}"] = -1
    return as_copy_with_nulls(made, {name: null for name, null in nulls.items() if name not in empty})


def _until(moment: datetime | None) -> datetime | str:
    return moment or "infinity"


def _rows(fetched: Records) -> Rows:
    rows = np.empty(len(fetched), EVENT_ROW)
    for name in ("seq", "person", "account", "merchant", *AMOUNTS, *CODES):
        rows[name] = fetched[name]
    rows["failed"] = fetched["failed"] == 1
    rows["currency"] = np.where(fetched["currency"] == NO_CURRENCY, b"", fetched["currency"])
    for name in ("occurred_at", "known_at"):
        rows[name] = (fetched[name].astype("i8") + EPOCH_MICROS).view("M8[us]")
    for name in DAYS:
        days = (fetched[name].astype("i8") + EPOCH_DAYS).view("M8[D]")
        rows[name] = np.where(fetched[name] == NO_DATE, np.datetime64("NaT"), days).astype(rows[name].dtype)
    return rows
