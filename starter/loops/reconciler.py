"""Finds what is open in Postgres without a live run and starts it again; `plimsoll redrive` is the same, at once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import structlog
from temporalio.client import Client

from plimsoll.domain.errors import Unavailable
from plimsoll.ports import EngineOutbox, EngineTask, OpenRun, OpenRuns
from starter.engine import client as temporal
from starter.engine import runs
from starter.loops.dispatcher import ensure_started

log = structlog.get_logger()

EVERY = 60.0
FOR_WEEKS = "InterveneWithCustomer"
SETTLED_IN = timedelta(minutes=1)  # a case younger than this may still be on its way


class Reconciler:
    def __init__(self, outbox: EngineOutbox, client: Client, others: OpenRuns | None = None) -> None:
        self._outbox = outbox
        self._client = client
        self._others = others

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                async for task in self.redrive(SETTLED_IN):
                    log.warning("reconciler.started_again", application=task.application)
                async for run in self.redrive_others(SETTLED_IN):
                    log.warning("reconciler.started_again", kind=run.kind, id=run.id)
            except Unavailable as error:
                log.warning("reconciler.waits", code=error.code)

    async def redrive(self, older_than: timedelta = timedelta(0)) -> AsyncIterator[EngineTask]:
        """Starts every open case that has no live run, yielding each one started."""
        running = await self._running()
        for task in await self._outbox.open_cases(older_than):
            if task.application in running or await temporal.is_running(self._client, task):
                continue
            await ensure_started(self._outbox, self._client, task)
            yield task

    async def redrive_others(self, older_than: timedelta = timedelta(0)) -> AsyncIterator[OpenRun]:
        """Trainings, roll-outs and customers' episodes likewise; thousands of those wait for weeks."""
        wanted = await self._others.open_runs(older_than) if self._others else ()
        running = await self._ids(FOR_WEEKS) if wanted else set()
        for run in wanted:
            if runs.RUNS[run.kind].id_of(run.id) in running:
                continue
            if not await runs.is_running(self._client, run):
                await runs.ensure_run(self._client, run)
                yield run

    async def _running(self) -> set[str]:
        """Applications with a run in Temporal's own list: a first sieve, since the list lags a little."""
        return {run.split("/")[1] for run in await self._ids("UnderwriteApplication")}

    async def _ids(self, workflow: str) -> set[str]:
        query = f'WorkflowType = "{workflow}" and ExecutionStatus = "Running"'
        try:
            return {run.id async for run in self._client.list_workflows(query, page_size=1000)}
        except Exception as error:  # the list is a convenience: without it each run is asked for
            log.warning("reconciler.no_list", error=type(error).__name__)
            return set()
