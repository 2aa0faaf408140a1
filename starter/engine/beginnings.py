"""Runs whose first step this process takes itself, and how many of them at once."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from workflows.patience import WORKFLOW_TASK_PATIENCE

AT_ONCE = 16
A_FEW = 4  # are worth a trip to the outbox


class Beginnings(Interceptor):
    """A first task that comes back with the start of its run costs the engine half of one that waits in a queue to be
    fetched. It comes back only while the worker has room, so whoever starts runs keeps to a number; the worker tells
    here when a first step is over.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._under_way: dict[str, float] = {}
        self._one_is_over = asyncio.Event()

    async def room(self) -> int:
        """How many may begin now, as soon as it is a few."""
        while (free := AT_ONCE - self._count()) < A_FEW:
            self._one_is_over.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._one_is_over.wait(), 1.0)
        return free

    @contextmanager
    def begins(self, run: str) -> Iterator["Beginning"]:
        """Around a start; counted on afterwards when the first task came back with it."""
        self._under_way[run] = self._clock()
        beginning = Beginning()
        try:
            yield beginning
        finally:
            if not beginning.here:
                self.over(run)

    def over(self, run: str) -> None:
        if self._under_way.pop(run, None) is not None:
            self._one_is_over.set()

    def _count(self) -> int:
        """One that was never heard of again has lost its task by then, and does not count for ever."""
        lost = self._clock() - WORKFLOW_TASK_PATIENCE.total_seconds()
        for run in [run for run, began in self._under_way.items() if began < lost]:
            self.over(run)
        return len(self._under_way)

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Noting(next, self)


class Beginning:
    here = False

    def started(self, handle: WorkflowHandle) -> None:
        self.here = bool(getattr(handle, "__temporal_eagerly_started", False))


class _Noting(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, beginnings: Beginnings) -> None:
        super().__init__(next)
        self._beginnings = beginnings

    async def execute_activity(self, input: ExecuteActivityInput) -> object:
        try:
            return await super().execute_activity(input)
        finally:
            self._beginnings.over(activity.info().workflow_id or "")
