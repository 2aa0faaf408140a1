"""One pool of Postgres connections; most work is one statement, which is one transaction."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from plimsoll.domain.errors import InvalidRequest, Unavailable

Row = dict[str, Any]
Parameters = Mapping[str, Any]

# Settings under which an acknowledged commit could be lost (reliability.md, Jepsen on NATS).
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": ("on", "remote_apply", "remote_write")}


class Database:
    """Raises Unavailable for whatever time can heal (no connection, no room in the pool, a restart),
    InvalidRequest for a value Postgres cannot hold."""

    def __init__(self, url: str, size: int = 12) -> None:
        self._pool: AsyncConnectionPool[AsyncConnection[DictRow]] = AsyncConnectionPool(
            url,
            min_size=min(2, size),
            max_size=size,
            open=False,
            timeout=5.0,
            reconnect_timeout=600.0,
            kwargs={"autocommit": True, "row_factory": dict_row, "prepare_threshold": 1},
        )

    async def open(self, wait: float = 0.0) -> None:
        """Starts connecting; with `wait`, returns when connected or raises Unavailable after that many seconds."""
        await self._pool.open()
        if wait:
            try:
                await self._pool.wait(timeout=wait)
            except PoolTimeout:
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

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection[DictRow]]:
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def rows(self, sql: str, parameters: Parameters | None = None) -> list[Row]:
        async with self.connection() as connection:
            return await (await connection.execute(sql, parameters)).fetchall()

    async def row(self, sql: str, parameters: Parameters | None = None) -> Row | None:
        async with self.connection() as connection:
            return await (await connection.execute(sql, parameters)).fetchone()

    async def run(self, sql: str, parameters: Parameters | None = None) -> int:
        """Executes and says how many rows it touched."""
        async with self.connection() as connection:
            return (await connection.execute(sql, parameters)).rowcount

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
