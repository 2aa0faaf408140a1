"""Delivers the outbox to the engine: starts what nobody has started, signals what Postgres knows."""

import asyncio

import structlog
from temporalio.client import Client

from plimsoll.domain.errors import EngineUnavailable, Unavailable
from plimsoll.ports import EngineOutbox, EngineTask, RunTask
from starter.engine import client as temporal
from starter.engine import runs
from starter.engine.beginnings import Beginnings

log = structlog.get_logger()

AT_ONCE = 16
IDLE = 0.1
AWAY = 2.0


class Dispatcher:
    """`beginnings`: of runs whose first step is taken by the worker beside, no more at once than it has room for."""

    def __init__(
        self, outbox: EngineOutbox, client: Client, lane: str = "engine", beginnings: Beginnings | None = None
    ) -> None:
        self._outbox = outbox
        self._client = client
        self._lane = lane
        self._beginnings = beginnings

    async def run(self) -> None:
        """For ever. Several may run at once: each claims other rows."""
        while True:
            try:
                await asyncio.sleep(0 if await self.deliver_some() else IDLE)
            except Unavailable as error:
                log.warning("dispatcher.waits", code=error.code)
                await asyncio.sleep(AWAY)

    async def deliver_some(self) -> int:
        """One batch. Returns how many were delivered; raises EngineUnavailable when the engine is away."""
        tasks = await self._outbox.claim(await self._beginnings.room() if self._beginnings else AT_ONCE, self._lane)
        results = await asyncio.gather(*(self._deliver(task) for task in tasks), return_exceptions=True)
        done = [task.id for task, result in zip(tasks, results, strict=True) if result is None]
        if done:
            await self._outbox.delivered(*done)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(tasks)

    async def _deliver(self, task: EngineTask | RunTask) -> None:
        try:
            if isinstance(task, RunTask):
                await self._deliver_to_run(task)
            elif task.kind == "start":
                await ensure_started(self._outbox, self._client, task)
            else:
                await temporal.signal(self._client, task)
        except EngineUnavailable as error:
            await self._outbox.failed(task.id, error.code, again_in=AWAY)
            raise

    async def _deliver_to_run(self, task: RunTask) -> None:
        if task.kind != "start":
            await runs.tell(self._client, task.run.kind, task.run.id, task.kind)
        elif self._beginnings is None:
            await runs.ensure_run(self._client, task.run)
        else:
            with self._beginnings.begins(runs.id_of(task.run)) as beginning:
                beginning.started(await runs.ensure_run(self._client, task.run))


async def ensure_started(outbox: EngineOutbox, client: Client, task: EngineTask) -> None:
    """A run for this case is under way, or the case has ended.

    A completed run without an ending in Postgres means Postgres is younger than the engine (a
    backup was restored): then the case runs again under a fresh id and finds its own rows.
    """
    if task.status.closed:
        return
    try:
        await temporal.start(client, task, eager=False)
    except temporal.FinishedBefore:
        if not await outbox.has_ended(task.application):
            suffix = await outbox.start_under_new_id(task.application)
            await temporal.start(client, task.model_copy(update={"run_suffix": suffix}), eager=False)
