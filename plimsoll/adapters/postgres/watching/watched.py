"""States and risks of watched customers, and the cursor of who reads the stream.

Whoever holds the cursor's row is the one reader; states, risks and the cursor itself are written in its
transaction, so that every event counts once whatever crashes. States travel as Postgres' binary COPY, two
kilobytes each, without a Python object for any of them.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any
from weakref import WeakSet

import numpy as np
import numpy.typing as npt
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.watching.copying import (
    EPOCH_DAYS,
    EPOCH_MICROS,
    NO_DATE,
    as_copy,
    empty_records,
    record_of,
)
from plimsoll.domain.values import RiskLevel
from plimsoll.domain.watching import sensitive, state
from plimsoll.domain.watching.clocks import Clock
from plimsoll.domain.watching.judging import Judged, Judgement, Known
from plimsoll.domain.watching.levels import level_of
from plimsoll.domain.watching.triggers import NOTHING_DUE
from plimsoll.ports.watching import Cursor, StateBlock

Connection = AsyncConnection[Any]
NO_PRODUCT = 0  # the clock of customers of whom none was said

PERSON = np.dtype("S30")
NOTHING_PRIVATE = sensitive.nothing_kept(1).tobytes()
# As one row: a driver that takes thousands of them one by one takes longer than all the rest of reading.
TOGETHER = """
select string_agg(person_id, '')::bytea as people, string_agg(state, '') as states,
    string_agg(coalesce(private, %(nothing)s::bytea), '') as private, string_agg(int4send(clock), '') as clocks,
    string_agg(int8send(coalesce(due_on - date '1970-01-01', %(nothing_due)s::bigint)), '') as due
from ({}) found
"""
KEPT = "select person_id, state, private, clock, due_on from customer_state"
STATES = TOGETHER.format(f"{KEPT} where person_id = any(%(people)s) and layout = %(layout)s order by person_id")
BLOCK = TOGETHER.format(
    f"{KEPT} where person_id > %(after)s and (%(upto)s::text is null or person_id <= %(upto)s) and layout = %(layout)s "
    "order by person_id limit %(limit)s"
)

STAGED = record_of(
    {"person": "S30", "state": f"V{state.STATE.itemsize}", "private": f"V{sensitive.PRIVATE.itemsize}"}
    | {"clock": ">i4", "due_on": ">i4", "newest_at": ">i8"}
)
STAGE = """
create temporary table if not exists staged_state (
    person_id text, state bytea, private bytea, clock integer, due_on date, newest_at timestamptz
) on commit delete rows
"""
# Some thousands are looked up one by one. Left to itself Postgres reads all people and all risks for every block of
# them, and a portfolio of twice the size would take four times as long.
ONE_BY_ONE = """
select set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true)
"""
# Of a person who was erased meanwhile nothing is kept.
WRITE_STATES = """
insert into customer_state as c (person_id, layout, state, private, clock, due_on, newest_at, changed_at)
select s.person_id, %(layout)s, s.state, nullif(s.private, %(nothing)s::bytea), s.clock,
       nullif(s.due_on, '-infinity'), s.newest_at, %(now)s
from staged_state s join person p on p.id = s.person_id and p.wrapped_key is not null
on conflict (person_id) do update set layout = excluded.layout, state = excluded.state, private = excluded.private,
    clock = excluded.clock, due_on = excluded.due_on, newest_at = excluded.newest_at, changed_at = excluded.changed_at
"""
# Thousands of values sent as binary (`b`) take a fraction of the time.
WRITE_RISKS = """
with judged as (
    select * from unnest(%(people)b::text[], %(severities)b::smallint[], %(probabilities)b::float8[], %(rows)b::text[],
        %(factors)b::jsonb[], %(help)b::text[], %(because)b::text[], %(moments)b::timestamptz[], %(models)b::text[],
        %(handed)b::boolean[])
    as t(person_id, severity, probability, by_row, factors, help, because, as_of, model, handed)
), alive as (
    select j.*, r.severity as severity_before, coalesce(string_to_array(nullif(j.help, ''), ','), '{}') as offers
    from judged j join person p on p.id = j.person_id and p.wrapped_key is not null
    left join customer_risk r on r.person_id = j.person_id
), changed as (
    insert into customer_risk_change (person_id, severity, severity_before, probability, by_row, factors, because,
        as_of, judged_at, model)
    select person_id, severity, severity_before, probability, by_row, factors, because, as_of, %(now)s, model
    from alive where severity_before is distinct from severity
)
insert into customer_risk as r (person_id, severity, probability, by_row, factors, help, because, as_of, since,
    judged_at, model, handed_at, handed_severity, handed_factors)
select person_id, severity, probability, by_row, factors, offers, because, as_of, as_of, %(now)s, model,
    case when handed then as_of end, case when handed then severity end,
    case when handed then array(select f ->> 'feature' from jsonb_array_elements(factors) f) else '{}' end
from alive
on conflict (person_id) do update set
    since = case when r.severity = excluded.severity then r.since else excluded.as_of end,
    severity = excluded.severity, probability = excluded.probability, by_row = excluded.by_row,
    factors = excluded.factors, help = excluded.help, because = excluded.because, as_of = excluded.as_of,
    judged_at = excluded.judged_at, model = excluded.model,
    -- A risk that went away is handed over anew when it comes back.
    handed_at = case when excluded.severity = 0 then null else coalesce(excluded.handed_at, r.handed_at) end,
    handed_severity = case when excluded.severity = 0 then null
                           else coalesce(excluded.handed_severity, r.handed_severity) end,
    handed_factors = case when excluded.handed_at is null then r.handed_factors else excluded.handed_factors end
"""
# Who is at no risk and was at none before: no reasons, no history, and hardly ever an index to tell.
QUIET = """
unnest(%(people)b::text[], %(probabilities)b::float8[], %(moments)b::timestamptz[]) as s(person_id, probability, as_of)
"""
STILL_QUIET = f"""
update customer_risk r set probability = nullif(s.probability, 'NaN'), by_row = null, factors = '[]',
    because = %(because)s, as_of = s.as_of, judged_at = %(now)s,
    model = case when s.probability <> 'NaN' then %(model)s end, handed_at = null, handed_severity = null
from {QUIET} where r.person_id = s.person_id
"""
QUIET_FROM_THE_START = f"""
insert into customer_risk (person_id, severity, probability, factors, because, as_of, since, judged_at, model)
select s.person_id, 0, nullif(s.probability, 'NaN'), '[]', %(because)s, s.as_of, s.as_of, %(now)s,
    case when s.probability <> 'NaN' then %(model)s end
from {QUIET} join person p on p.id = s.person_id and p.wrapped_key is not null
on conflict do nothing
"""
KNOWN = """
select person_id, severity, since, as_of, handed_at, handed_severity, handed_factors from customer_risk
where person_id = any(%(people)b::text[])
"""
AT_RISK = f"{KNOWN} and (severity > 0 or handed_at is not null)"
OUTDATED = "select person_id from customer_state where person_id = any(%(people)s) and layout <> %(layout)s"
# One of several readers reads. Whether a sweep is writing just then is another matter, and soon over.
BE_THE_READER = "select pg_try_advisory_xact_lock(hashtext('stream_cursor/' || %(name)s)) as mine"
LOOK_AT_CURSOR = "select * from stream_cursor where name = %(name)s"
WAIT_FOR_CURSOR = f"{LOOK_AT_CURSOR} for update"
MOVE_CURSOR = """
update stream_cursor set seq = %(seq)s, watermark = %(watermark)s, events = events + %(events)s,
    judged = judged + %(judged)s, triggers = triggers + %(triggers)s, moved_at = %(now)s
where name = %(name)s
"""
DUE = """
select due.person_id from unnest(%(clocks)s::int[], %(days)s::date[]) as k(clock, today) cross join lateral (
    select person_id from customer_state s
    where s.clock = k.clock and s.due_on <= k.today and s.layout = %(layout)s order by s.due_on limit %(limit)s
) due limit %(limit)s
"""
PRODUCTS = """
select product, array_agg(person_id) as people from customer
where person_id = any(%(people)s) and product is not null group by product
"""
CLOCKS = "select product, id from stream_clock where product = any(%(products)s)"
MAKE_CLOCKS = """
insert into stream_clock (product) select unnest(%(products)s::text[]) as product order by 1 on conflict do nothing
"""
SET_CLOCKS = """
update stream_clock k set watermark = s.watermark, still_from = s.still_from, still_until = s.still_until
from unnest(%(clocks)s::int[], %(watermarks)s::timestamptz[], %(stood)s::timestamptz[], %(until)s::timestamptz[])
    as s(id, watermark, still_from, still_until)
where k.id = s.id and k.watermark is distinct from s.watermark
"""


class Watched:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._with_staging: WeakSet[Connection] = WeakSet()
        self._clocks: dict[str, int] = {}  # of each product; a number is given once

    # The one reader ---------------------------------------------------------------------------------

    @asynccontextmanager
    async def reading(self, name: str, now: datetime) -> AsyncIterator[tuple[Connection, Cursor] | None]:
        """A transaction that holds the cursor; None when another reader does."""
        await self._begin(name, now)
        async with self._transaction() as connection:
            reader = await (await connection.execute(BE_THE_READER, {"name": name})).fetchone()
            if reader is None or not reader["mine"]:
                yield None
                return
            yield connection, await self._cursor(connection, WAIT_FOR_CURSOR, name)

    @asynccontextmanager
    async def beside(self, name: str, now: datetime) -> AsyncIterator[tuple[Connection, Cursor]]:
        """A transaction that waits for nobody, to read ahead in: as long as the cursor stays, no record changes."""
        await self._begin(name, now)
        async with self._transaction() as connection:
            yield connection, await self._cursor(connection, LOOK_AT_CURSOR, name)

    @asynccontextmanager
    async def waiting_for(self, name: str, now: datetime) -> AsyncIterator[tuple[Connection, Cursor]]:
        """The same for whoever may wait its turn: one writes states and risks at a time, so none waits crosswise."""
        await self._begin(name, now)
        async with self._transaction() as connection:
            yield connection, await self._cursor(connection, WAIT_FOR_CURSOR, name)

    async def _cursor(self, connection: Connection, query: str, name: str) -> Cursor:
        found = await (await connection.execute(query, {"name": name})).fetchone()
        assert found is not None
        return Cursor(name=name, seq=found["seq"], watermark=found["watermark"])

    async def _begin(self, name: str, now: datetime) -> None:
        await self._database.run(
            "insert into stream_cursor (name, seq, moved_at) values (%(name)s, 0, %(now)s) on conflict do nothing",
            {"name": name, "now": now},
        )

    async def move(
        self,
        connection: Connection,
        cursor: Cursor,
        now: datetime,
        *,
        events: int = 0,
        judged: int = 0,
        triggers: int = 0,
    ) -> None:
        counts = {"events": events, "judged": judged, "triggers": triggers}
        await connection.execute(MOVE_CURSOR, cursor.model_dump() | counts | {"now": now})

    async def cursor(self, name: str) -> Row | None:
        return await self._database.row("select * from stream_cursor where name = %(name)s", {"name": name})

    # Clocks -----------------------------------------------------------------------------------------

    async def clocks_of(self, connection: Connection, people: Sequence[str]) -> npt.NDArray[np.int32]:
        """The clock of each one's product, in this order."""
        found = await (await connection.execute(PRODUCTS, {"people": list(people)})).fetchall()
        await self._learn_clocks([row["product"] for row in found])
        clock = {person: self._clocks[row["product"]] for row in found for person in row["people"]}
        return np.array([clock.get(person, NO_PRODUCT) for person in people], dtype=np.int32)

    async def _learn_clocks(self, products: Sequence[str]) -> None:
        """Made at once and for good: a number that was rolled back must not be remembered."""
        if set(products) <= self._clocks.keys():
            return
        asked = {"products": list(products)}
        await self._database.run(MAKE_CLOCKS, asked)
        self._clocks |= {row["product"]: row["id"] for row in await self._database.rows(CLOCKS, asked)}

    async def clocks(self, connection: Connection) -> dict[int, Clock]:
        """Where every clock stands."""
        found = await connection.execute("select id, watermark, still_from, still_until from stream_clock")
        return {row.pop("id"): Clock(**row) for row in await found.fetchall()}

    async def set_clocks(self, connection: Connection, clocks: Mapping[int, Clock]) -> None:
        said = {
            "clocks": list(clocks),
            "watermarks": [clock.watermark for clock in clocks.values()],
            "stood": [clock.still_from for clock in clocks.values()],
            "until": [clock.still_until for clock in clocks.values()],
        }
        await connection.execute(SET_CLOCKS, said)

    async def times(self) -> list[Row]:
        """Every product that something was read of, and when the newest of it was known."""
        return await self._database.rows(
            "select nullif(product, '') as product, watermark from stream_clock where watermark is not null "
            "order by watermark desc, product limit 100"
        )

    # States -----------------------------------------------------------------------------------------

    async def states(self, connection: Connection, people: Sequence[str]) -> StateBlock:
        """Of those who have one of this layout, in order of their ids."""
        return await self._read(connection, STATES, {"people": list(people)})

    async def outdated(self, connection: Connection, people: Sequence[str]) -> list[str]:
        """Those whose record is of another layout, and is to be made anew from their history."""
        found = await connection.execute(OUTDATED, {"people": list(people), "layout": state.LAYOUT})
        return [row["person_id"] for row in await found.fetchall()]

    async def block(self, connection: Connection, after: str, upto: str | None, limit: int) -> StateBlock:
        """The next customers after this id: a portfolio is read so, whatever its size."""
        return await self._read(connection, BLOCK, {"after": after, "upto": upto, "limit": limit})

    async def due(self, connection: Connection, today: Mapping[int, date], limit: int) -> list[str]:
        """Customers of whom something regular will not have come by the day that it is by their clock."""
        asked = {"clocks": list(today), "days": list(today.values()), "limit": limit, "layout": state.LAYOUT}
        found = await connection.execute(DUE, asked)
        return [row["person_id"] for row in await found.fetchall()]

    async def write_states(self, connection: Connection, block: StateBlock, now: datetime) -> None:
        staged = empty_records(STAGED, len(block.people))
        staged["person"] = block.people
        staged["state"] = block.states.view(f"V{state.STATE.itemsize}")
        staged["private"] = block.private.view(f"V{sensitive.PRIVATE.itemsize}")
        staged["clock"] = block.clocks
        nothing = block.due == NOTHING_DUE
        staged["due_on"] = np.where(nothing, NO_DATE, np.where(nothing, 0, block.due) - EPOCH_DAYS)
        staged["newest_at"] = block.states["known"] * 1_000_000 - EPOCH_MICROS
        await self._copy(connection, "staged_state", staged)
        await connection.execute(WRITE_STATES, _layout() | {"now": now})

    # Risks ------------------------------------------------------------------------------------------

    async def known(self, connection: Connection, people: Sequence[str]) -> dict[str, Known]:
        found = await connection.execute(KNOWN, {"people": list(people)})
        return {row["person_id"]: _known(row) for row in await found.fetchall()}

    async def at_risk(self, connection: Connection, people: Sequence[str]) -> dict[str, Known]:
        """Of those who are, or were handed over: the others have nothing that another judgement is held against."""
        found = await connection.execute(AT_RISK, {"people": list(people)})
        return {row["person_id"]: _known(row) for row in await found.fetchall()}

    async def write_risks(
        self,
        connection: Connection,
        judged: Sequence[tuple[str, Judgement, str, bool]],
        help_offers: dict[str, Sequence[str]],
        now: datetime,
    ) -> None:
        """Each with person, why it was looked at, and whether it was handed over. Changes of level are kept."""
        if not judged:
            return
        await connection.execute(
            WRITE_RISKS,
            {
                "people": [person for person, *_ in judged],
                "severities": [judgement.level.severity for _, judgement, *_ in judged],
                "probabilities": [judgement.probability for _, judgement, *_ in judged],
                "rows": [judgement.by_row for _, judgement, *_ in judged],
                "factors": [Jsonb([vars(one) for one in judgement.factors]) for _, judgement, *_ in judged],
                "help": [",".join(help_offers.get(person, ())) for person, *_ in judged],
                "because": [because for _, _, because, _ in judged],
                "moments": [judgement.as_of for _, judgement, *_ in judged],
                "models": [judgement.model for _, judgement, *_ in judged],
                "handed": [handed for *_, handed in judged],
                "now": now,
            },
        )

    async def touch_risks(
        self, connection: Connection, people: Any, judged: Judged, places: Any, because: str, now: datetime
    ) -> None:
        """Customers who are at no risk and were at none before: probability, and no reasons."""
        said = {
            "people": [person.decode() for person in people[places].tolist()],
            "probabilities": judged.probability[places].tolist(),
            "moments": [moment.replace(tzinfo=UTC) for moment in judged.as_of[places].tolist()],
            "because": because,
            "now": now,
            "model": judged.model.name if judged.model is not None else None,
        }
        stayed = await connection.execute(STILL_QUIET, said)
        if stayed.rowcount < len(places):
            await connection.execute(QUIET_FROM_THE_START, said)

    # Inside -----------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        async with self._database.connection() as connection:
            if connection not in self._with_staging:
                await connection.execute(STAGE)
                self._with_staging.add(connection)
            async with connection.transaction():
                await connection.execute(ONE_BY_ONE)
                yield connection

    async def _read(self, connection: Connection, query: str, parameters: dict[str, Any]) -> StateBlock:
        found = await (await connection.execute(query, parameters | _layout(), binary=True)).fetchone()
        assert found is not None
        return StateBlock(
            people=_array(found["people"], PERSON),
            states=_array(found["states"], state.STATE),
            private=_array(found["private"], sensitive.PRIVATE),
            clocks=_array(found["clocks"], np.dtype(">i4")).astype(np.int32),
            due=_array(found["due"], np.dtype(">i8")).astype(np.int64),
        )

    async def _copy(self, connection: Connection, target: str, records: Any) -> None:
        async with connection.cursor().copy(f"copy {target} from stdin (format binary)") as copy:
            await copy.write(as_copy(records))


def _array(content: bytes | None, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    """To be changed by whoever gets it; empty when nobody was found."""
    return np.frombuffer(bytearray(content or b""), kind)


def _layout() -> dict[str, Any]:
    return {"layout": state.LAYOUT, "nothing": NOTHING_PRIVATE, "nothing_due": int(NOTHING_DUE)}


def _known(row: Row) -> Known:
    handed: RiskLevel | None = None if row["handed_severity"] is None else level_of(row["handed_severity"])
    return Known(
        level=level_of(row["severity"]),
        since=row["since"].astimezone(UTC),
        as_of=row["as_of"].astimezone(UTC),
        handed_at=row["handed_at"],
        handed_level=handed,
        handed_factors=tuple(row["handed_factors"]),
    )
