"""One pool of Postgres connections; most work is one statement, which is one transaction."""

import asyncio
import select
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from plimsoll.domain.errors import InvalidRequest, Unavailable

# Seconds a lost connection is tried again by itself; then the next who needs one tries at once. A
# longer patience would double its pauses meanwhile, and Postgres could be back for a minute unused.
TRY_AGAIN = 2.0
# A machine that vanished says nothing: whoever only waits for an answer learns it from the system's probes.
NOTICES_DEATH: Any = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2}

Row = dict[str, Any]
Parameters = Mapping[str, Any]

# Settings under which an acknowledged commit could be lost (reliability.md, Jepsen on NATS).
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": ("on", "remote_apply", "remote_write")}


class Database:
    """Raises Unavailable for whatever time can heal (no connection, no room in the pool, a restart),
    InvalidRequest for a value Postgres cannot hold."""

    def __init__(self, url: str, size: int = 12) -> None:
        self._url = url
        self._pool: AsyncConnectionPool[AsyncConnection[DictRow]] = AsyncConnectionPool(
            url,
            min_size=min(2, size),
            max_size=size,
            open=False,
            timeout=5.0,
            reconnect_timeout=TRY_AGAIN,
            check=self._must_be_alive,
            kwargs={"autocommit": True, "row_factory": dict_row, "prepare_threshold": 1, **NOTICES_DEATH},
        )

    async def open(self, wait: float = 0.0) -> None:
        """Starts connecting; with `wait`, returns when connected or raises Unavailable after that many seconds."""
        await self._pool.open()
        give_up_at = time.monotonic() + wait
        while wait:
            try:
                async with self._pool.connection(timeout=min(1.0, wait)):
                    return
            except PoolTimeout:
                if time.monotonic() > give_up_at:
                    raise Unavailable("Postgres does not answer: is it running? `plimsoll doctor` says more.") from None

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[DictRow]]:
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
            raise Unavailable(f"Postgres is not available ({type(error).__name__}).") from error
        except psycopg.DataError:
            # A NUL in a text, a number out of range: whoever sent it must send something else.
            raise InvalidRequest("A value holds characters or digits that cannot be stored or looked up.") from None

    async def _must_be_alive(self, connection: AsyncConnection[DictRow]) -> None:
        """Before every use, so Postgres is asked only when there is a doubt.

        Idle, a server says nothing unless to take its leave. A restart ends all connections: then
        those still in the pool are looked through as well, and the next caller waits for a fresh one.
        """
        if has_something_to_say(connection):
            try:
                await self._pool.check_connection(connection)
            except psycopg.OperationalError:
                await self._pool.check()
                raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection[DictRow]]:
        async with self.connection() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def pipelined(self) -> AsyncIterator[AsyncConnection[DictRow]]:
        """A transaction that sends on without waiting for answers nobody fetches: half the trips of one with many
        small statements. What fails is raised at the next answer that is fetched, or at the end."""
        async with self.connection() as connection:
            try:
                async with connection.pipeline(), connection.transaction():
                    yield connection
            finally:
                # A cancellation may leave it in the midst of the pipeline, and idle for all the pool can tell: whoever
                # had it next would speak into the old one.
                if connection.pgconn.pipeline_status:
                    await connection.close()

    async def rows(self, sql: str, parameters: Parameters | None = None) -> list[Row]:
        async with self.connection() as connection:
            return await (await connection.execute(sql, parameters)).fetchall()

    async def row(self, sql: str, parameters: Parameters | None = None) -> Row | None:
        async with self.connection() as connection:
            return await (await connection.execute(sql, parameters)).fetchone()

    async def row_of_each(self, sql: str, many: Sequence[Parameters]) -> list[Row | None]:
        """The statement once with each of these parameters: one trip, one transaction, a row or None for each."""
        async with self.connection() as connection, connection.cursor() as cursor:
            await cursor.executemany(sql, many, returning=True)
            return [await result.fetchone() async for result in cursor.results()]

    async def run(self, sql: str, parameters: Parameters | None = None) -> int:
        """Executes and says how many rows it touched."""
        async with self.connection() as connection:
            return (await connection.execute(sql, parameters)).rowcount

    async def notices(self, channel: str) -> AsyncIterator[None]:
        """One beat for each notice on a channel, and one for each connection made: some may have been missed.

        Never ends; listens on a connection beside the pool.
        """
        while True:
            try:
                async with await AsyncConnection.connect(self._url, autocommit=True, **NOTICES_DEATH) as connection:
                    await connection.execute(f"listen {channel}")
                    yield
                    async for _ in connection.notifies():
                        yield
            except psycopg.OperationalError:
                pass  # whoever listens has a bound of its own for what it does not hear
            await asyncio.sleep(TRY_AGAIN)

    async def check(self) -> None:
        """Raises Unavailable unless Postgres answers."""
        await self.row("select 1 as one")

    async def refuse_unsafe(self) -> None:
        """Raises Unavailable when the server could lose what it acknowledged."""
        found = await self.rows(
            "select name, setting from pg_settings where name = any(%(names)s)", {"names": list(DURABLE)}
        )
        unsafe = [f"{r['name']} = {r['setting']}" for r in found if r["setting"] not in DURABLE[r["name"]]]
        if unsafe:
            raise Unavailable(f"Postgres runs with {', '.join(unsafe)}: acknowledged work could be lost. Switch it on.")


def has_something_to_say(connection: AsyncConnection[Any]) -> bool:
    """Whether its socket holds anything unread, its end included. One system call, no round trip."""
    looked = select.poll()
    looked.register(connection.fileno(), select.POLLIN)
    return bool(looked.poll(0))
