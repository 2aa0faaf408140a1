"""Every event once, numbered in the order in which it became readable (docs/decisions/0017).

What comes in is copied to a table of the session's own; then, one transaction at a time in the
whole house, what is new gets its numbers and is committed. So whoever has read up to a number has
missed nothing below it. Callers who come meanwhile share the next transaction.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from weakref import WeakSet

import numpy as np
from psycopg import AsyncConnection

from plimsoll.adapters.postgres.database import Database
from plimsoll.adapters.postgres.watching.copying import (
    EPOCH_DAYS,
    EPOCH_MICROS,
    NO_CURRENCY,
    NO_DATE,
    Records,
    as_copy,
    empty_records,
    from_copy,
    record_of,
)
from plimsoll.adapters.postgres.watching.customers import Customers, note_openings
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

STAGED = record_of(
    {"part": ">i2", "key": "S16", "person_id": "S30", "account": ">i8", "merchant": ">i8"}
    | {"occurred_at": ">i8", "known_at": ">i8"}
    | dict.fromkeys(AMOUNTS, ">f8")
    | dict.fromkeys(DAYS, ">i4")
    | dict.fromkeys(CODES, ">i2")
    | {"failed": "u1", "currency": "S3"}
)
STAGE = """
create temporary table if not exists staged_event (
    part smallint, key uuid, person_id text, account bigint, merchant bigint,
    occurred_at timestamptz, known_at timestamptz,
    amount float8, balance_after float8, bill float8, minimum_due float8, credit_limit float8, net_new_charges float8,
    due_on date, period date,
    kind smallint, date_precision smallint, direction smallint, category smallint, channel smallint,
    months_late smallint, failed boolean, currency text
) on commit delete rows
"""
# A table that grew by a million rows since Postgres last looked would be read whole for every call: keys and people
# are to be looked up one by one.
MY_TURN = """
select set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true), pg_advisory_xact_lock(%(lock)s)
"""
# Of a person who was erased meanwhile nothing is taken in: the caller looks them up anew.
TAKE_IN = f"""
with found as (
    select s.*, k.key is null as is_new
    from staged_event s join person p on p.id = s.person_id left join transaction_key k on k.key = s.key
    where p.wrapped_key is not null
), keyed as (
    insert into transaction_key (key) select key from found where is_new order by key
), put as (
    insert into transaction (key, person_id, account, merchant, kind, occurred_at, known_at, date_precision, amount,
        currency, direction, category, channel, failed, balance_after, bill, minimum_due, credit_limit,
        net_new_charges, due_on, period, months_late)
    select key, person_id, account, merchant, kind, occurred_at, known_at, date_precision, amount,
        nullif(currency, '---'), direction, category, channel, failed, nullif(balance_after, 'NaN'),
        nullif(bill, 'NaN'), nullif(minimum_due, 'NaN'), nullif(credit_limit, 'NaN'), nullif(net_new_charges, 'NaN'),
        nullif(due_on, '-infinity'), nullif(period, '-infinity'), nullif(months_late, smallint '{NOT_SAID}')
    from found where is_new
)
select part, count(*) filter (where is_new) as new, count(*) as alive from found group by part
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

Caller = tuple[Records, asyncio.Future[int | None]]


class TransactionLog:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._customers = Customers(database, vault)
        self._months: set[np.datetime64] = set()
        # The vault's own hash takes thrice as long, and there are fifty thousand a second.
        self._secret = vault.fingerprint(b"transaction keys v1")
        self._digests: dict[str, dict[str, int]] = {"account": {}, "merchant": {}}
        self._waiting: list[Caller] = []
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
            people = await self._customers.people_of(batch.customers)
            await self._note_openings(batch, people)  # before: whoever reads the events finds the customer's product
            new = await self._shared(self._staged(batch, keys, people))
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

    def _staged(self, batch: Batch, keys: bytes, people: dict[str, str]) -> Records:
        """The rows as Postgres reads them; of two under one id the first."""
        rows, staged = batch.rows, empty_records(STAGED, len(batch))
        staged["key"] = np.frombuffer(keys, "S16")
        staged["person_id"] = [people[customer] for customer in batch.customers]
        staged["account"] = self._digests_of("account", batch.accounts)
        staged["merchant"] = self._digests_of("merchant", batch.merchants)
        for name in ("occurred_at", "known_at"):
            staged[name] = rows[name].view("i8") - EPOCH_MICROS
        for name in (*AMOUNTS, *CODES, "failed"):
            staged[name] = rows[name]
        for name in DAYS:
            days = rows[name].astype("M8[D]")
            staged[name] = np.where(np.isnat(days), NO_DATE, days.view("i8") - EPOCH_DAYS)
        staged["currency"] = np.where(rows["currency"] == b"", NO_CURRENCY, rows["currency"])
        return staged

    def _digests_of(self, what: str, names: Sequence[str | None]) -> list[int]:
        """Eight bytes for each, so that two can be told apart and neither be read; 0 where there is none."""
        known = self._digests[what]
        if len(known) > DIGESTS_REMEMBERED:
            known.clear()
        for name in set(names) - known.keys():
            if name is not None:
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

    async def _shared(self, staged: Records) -> int | None:
        """How many were new, committed; None when one of the people is there no more."""
        answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((staged, answer))
        if self._driver is None or self._driver.done():
            self._driver = asyncio.create_task(self._drive())
        return await answer

    async def _drive(self) -> None:
        while self._waiting:
            callers: list[Caller] = []
            rows = 0
            while self._waiting and (not callers or rows + len(self._waiting[0][0]) <= MOST_TOGETHER):
                callers.append(self._waiting.pop(0))
                rows += len(callers[-1][0])
            await self._commit([caller for caller in callers if not caller[1].done()])

    async def _commit(self, callers: list[Caller]) -> None:
        try:
            news = await self._write([staged for staged, _ in callers])
        except Exception as error:
            for _, answer in callers:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), new in zip(callers, news, strict=True):
            if not answer.done():  # given up meanwhile
                answer.set_result(new)

    async def _write(self, parts: list[Records]) -> list[int | None]:
        for number, part in enumerate(parts):
            part["part"] = number
        together = np.concatenate(parts, dtype=STAGED)  # said, or numpy would choose this machine's order of bytes
        _, first = np.unique(together["key"], return_index=True)
        once = together[np.sort(first)]
        async with self._staging() as connection:
            async with connection.cursor().copy("copy staged_event from stdin (format binary)") as copy:
                await copy.write(as_copy(once))
            await connection.execute(MY_TURN, {"lock": ONE_AT_A_TIME})
            rows = await (await connection.execute(TAKE_IN)).fetchall()
            await connection.execute(f"notify {CHANNEL}")
        wanted = np.bincount(once["part"], minlength=len(parts)).tolist()
        found = {row["part"]: row for row in rows}
        return [
            (found[part]["new"] if part in found else 0)
            if (found[part]["alive"] if part in found else 0) == wanted[part]
            else None
            for part in range(len(parts))
        ]

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
