"""One statement for many callers at once, who share a transaction and so its trip and its commit."""

import asyncio
from collections.abc import Callable
from typing import Any

from psycopg.errors import DeadlockDetected

from plimsoll.adapters.postgres.database import Database, Parameters, Row
from plimsoll.domain.errors import Unavailable

MOST = 32  # callers in one transaction
PATIENCE = 0.05  # seconds after which one that is stuck keeps nobody waiting any more
COMPANY = 0.005  # seconds the next transaction waits for more callers when the last one had several

Caller = tuple[Parameters, asyncio.Future[Row | None]]


class SharedCommit:
    """Whoever comes while a transaction is under way goes with the next one: in quiet times that
    is nobody, and the busier it gets the less each caller costs. In a rush the next one waits a
    moment for company, since more are on their way.

    A statement that Postgres refuses takes its whole transaction back. Then each caller goes
    alone, and only the one to blame gets the error. The statement must bear being repeated.
    """

    def __init__(self, database: Database, statement: str, lock_order: Callable[[Parameters], Any]) -> None:
        """`lock_order` sorts the callers of a transaction, so that two processes lock rows in one order."""
        self._database = database
        self._statement = statement
        self._lock_order = lock_order
        self._waiting: list[Caller] = []
        self._driver: asyncio.Task[None] | None = None

    async def row(self, parameters: Parameters) -> Row | None:
        """What the statement returns for these parameters, committed. Raises as `Database.row` does."""
        answer: asyncio.Future[Row | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((parameters, answer))
        if self._driver is None or self._driver.done():
            self._driver = asyncio.create_task(self._drive())
        return await answer

    async def _drive(self) -> None:
        while self._waiting:
            callers, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            await asyncio.wait([asyncio.create_task(self._commit(callers))], timeout=PATIENCE)
            if len(callers) > 1:
                await asyncio.sleep(COMPANY)

    async def _commit(self, callers: list[Caller]) -> None:
        callers = sorted((c for c in callers if not c[1].done()), key=lambda caller: self._lock_order(caller[0]))
        if len(callers) == 1:
            await self._alone(callers[0])
            return
        try:
            rows = await self._database.row_of_each(self._statement, [parameters for parameters, _ in callers])
        except Exception as error:
            if _may_be_committed(error):
                for _, answer in callers:
                    _refuse(answer, error)
            else:
                await asyncio.gather(*map(self._alone, callers))
            return
        for (_, answer), row in zip(callers, rows, strict=True):
            _give(answer, row)

    async def _alone(self, caller: Caller) -> None:
        parameters, answer = caller
        try:
            _give(answer, await self._database.row(self._statement, parameters))
        except Exception as error:
            _refuse(answer, error)


def _may_be_committed(error: Exception) -> bool:
    """A connection that broke may have carried the commit; a deadlock is Postgres saying it did not."""
    return isinstance(error, Unavailable) and not isinstance(error.__cause__, DeadlockDetected)


def _give(answer: asyncio.Future[Row | None], row: Row | None) -> None:
    if not answer.done():  # given up meanwhile
        answer.set_result(row)


def _refuse(answer: asyncio.Future[Row | None], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
