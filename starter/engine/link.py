"""An API process's link to Temporal: absent at first, found when it can be, never in the way of an answer.

`run` connects, hosts the hot worker on the same client (so that starts are eager) and looks again
and again whether the server is there: a client that lost it only tries on in silence. Starts run in
background tasks, a few at a time; whatever is not started here the dispatcher starts from the outbox.
"""

import asyncio
import time
from collections.abc import Callable

import structlog
from temporalio.client import Client
from temporalio.worker import Worker

from plimsoll.domain.errors import EngineUnavailable
from plimsoll.ports import EngineTask
from plimsoll.settings import Settings
from starter.engine import client as temporal

log = structlog.get_logger()

TRY_AGAIN = 1.0  # seconds between attempts to connect
REST = 3.0  # seconds without eager starts after one failed
LOOK = 1.0  # seconds between two looks whether the server is there


class Engine:
    def __init__(self, settings: Settings, hot_worker: Callable[[Client], Worker] | None) -> None:
        self._settings = settings
        self._hot_worker = hot_worker
        self._client: Client | None = None
        self._there = False
        self._eager = False
        self._starting: set[asyncio.Task[None]] = set()
        self._resting_until = 0.0

    @property
    def client(self) -> Client:
        """Raises EngineUnavailable until there was a first connection; a call on it may still find the server gone."""
        if self._client is None:
            raise EngineUnavailable("Temporal is not connected: `plimsoll doctor` says more.")
        return self._client

    @property
    def connected(self) -> bool:
        """Whether the server was there at the last look."""
        return self._there

    async def run(self) -> None:
        """Keeps the link up for as long as the process lives."""
        while True:
            try:
                self._client = await temporal.connect(self._settings)
                await self._stay_connected(self._client)
            except EngineUnavailable:
                pass
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("engine.hot_worker_failed")
            self._eager = self._there = False
            await asyncio.sleep(TRY_AGAIN)

    async def _stay_connected(self, client: Client) -> None:
        self._there = True
        log.info("engine.connected")
        watching = asyncio.create_task(self._watch(client))
        try:
            await self._host_hot_worker(client)
        finally:
            watching.cancel()

    async def _watch(self, client: Client) -> None:
        while True:
            await asyncio.sleep(LOOK)
            there = await temporal.answers(client)
            if there is not self._there:
                log.info("engine.back") if there else log.warning("engine.away")
            self._there = there

    async def _host_hot_worker(self, client: Client) -> None:
        if self._hot_worker is None:
            await asyncio.Event().wait()
            return
        worker = self._hot_worker(client)
        self._eager = True
        await worker.run()

    def has_room(self) -> bool:
        """Whether a start would be eager and soon; otherwise the dispatcher is the better way."""
        return (
            self._eager
            and self._there
            and len(self._starting) < self._settings.max_starts_in_flight
            and time.monotonic() >= self._resting_until
        )

    def start_soon(self, task: EngineTask) -> None:
        background = asyncio.create_task(self._start(task))
        self._starting.add(background)
        background.add_done_callback(self._starting.discard)

    async def _start(self, task: EngineTask) -> None:
        try:
            await temporal.start(self.client, task, eager=True)
        except EngineUnavailable:
            self._resting_until = time.monotonic() + REST
        except temporal.FinishedBefore:
            pass
        except Exception:
            log.exception("engine.start_failed", application=task.application)
