"""The schedules at Temporal: made sure of for every product with a live model, and what people do with them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleBackfill,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.feeds import Sync
from activities.monitoring import DriftCheck
from activities.retraining import AskIfDue
from activities.sweeping import Sweep
from plimsoll.domain.errors import InvalidRequest, NotFound, Unavailable
from plimsoll.domain.underwriting.product import Product
from plimsoll.ports import LiveModels, Products
from starter.engine.client import RPC_PATIENCE, as_engine_error
from workflows import names
from workflows.ask_for_retraining import AskForRetraining
from workflows.check_drift import CheckDrift
from workflows.sweep_portfolio import SweepPortfolio
from workflows.sync_transactions import SyncTransactions

log = structlog.get_logger()

EVERY = 600.0  # seconds between two looks whether all schedules are there
# After an outage one check is enough; Temporal's default would catch up a year of them.
CATCH_UP = timedelta(hours=1)
MOST_BACKFILLED = 500
A_DAY, AN_HOUR = timedelta(days=1), timedelta(hours=1)


class Scheduling:
    """Beside the batch queue: the portfolio's sweep, and what a product that got a live model needs."""

    def __init__(
        self,
        products: Products,
        live: LiveModels,
        client: Client,
        sweep_every: Callable[[], timedelta] | None = None,
        feeds: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._products = products
        self._live = live
        self._client = client
        self._sweep_every = sweep_every
        self._feeds = feeds

    async def run(self) -> None:
        while True:
            try:
                async for made in self.ensure():
                    log.info("schedule.made", schedule=made)
            except Unavailable as error:
                log.warning("schedules.wait", code=error.code)
            await asyncio.sleep(EVERY)

    async def ensure(self) -> AsyncIterator[str]:
        """Yields the id of each schedule that was not there. What people paused stays paused."""
        if self._sweep_every is not None and await ensure_schedule(
            self._client, names.SWEEP_SCHEDULE, sweep_schedule(self._sweep_every())
        ):
            yield names.SWEEP_SCHEDULE
        for feed in self._feeds():
            if await ensure_schedule(self._client, names.sync_schedule_id(feed), sync_schedule(feed)):
                yield names.sync_schedule_id(feed)
        for product in self._products.all():
            if (await self._live.lineup(product.model)).champion is None:
                continue
            for schedule, wanted in schedules_of(product):
                if await ensure_schedule(self._client, schedule, wanted):
                    yield schedule


def schedules_of(product: Product) -> Sequence[tuple[str, Schedule]]:
    """Id and schedule of everything that runs by itself for a product with a live model."""
    return (
        (names.drift_schedule_id(product.id), drift_schedule(product)),
        (names.retraining_schedule_id(product.id), retraining_schedule(product)),
    )


async def ensure_schedule(client: Client, schedule: str, wanted: Schedule) -> bool:
    """True when it was made now. Raises EngineUnavailable."""
    try:
        await client.create_schedule(schedule, wanted, rpc_timeout=RPC_PATIENCE)
        return True
    except ScheduleAlreadyRunningError:
        await _in_step(client.get_schedule_handle(schedule), wanted)
        return False
    except RPCError as error:
        raise as_engine_error(error) from error


def drift_schedule(product: Product) -> Schedule:
    every = timedelta(hours=product.monitoring.every_hours)
    return Schedule(
        action=ScheduleActionStartWorkflow(
            CheckDrift.run,
            DriftCheck(product=product.id),
            id=names.drift_schedule_id(product.id),
            task_queue=names.BATCH,
            static_summary=product.id,
        ),
        # Many products on one machine must not all check on the full hour.
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)], jitter=min(every / 20, timedelta(minutes=10))),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )


def retraining_schedule(product: Product) -> Schedule:
    """Once a day whether one is due: the month has its day whenever the last try was, and new labels theirs."""
    return Schedule(
        action=ScheduleActionStartWorkflow(
            AskForRetraining.run,
            AskIfDue(product=product.id),
            id=names.retraining_schedule_id(product.id),
            task_queue=names.BATCH,
            static_summary=product.id,
        ),
        # The data are read for it: not with every other product's, and not on the full hour.
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=A_DAY)], jitter=timedelta(hours=1)),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )


def sweep_schedule(every: timedelta) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            SweepPortfolio.run,
            Sweep(),
            id=names.SWEEP_SCHEDULE,
            task_queue=names.BATCH,
            static_summary="the whole portfolio",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)], jitter=min(every / 20, timedelta(minutes=10))),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )


def sync_schedule(feed: str) -> Schedule:
    """Every hour, and at once when its provider says that there is something: one run at a time, one more behind it."""
    return Schedule(
        action=ScheduleActionStartWorkflow(
            SyncTransactions.run,
            Sync(feed=feed),
            id=names.sync_schedule_id(feed),
            task_queue=names.OUTREACH,
            static_summary=feed,
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=AN_HOUR)], jitter=timedelta(minutes=5)),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ONE, catchup_window=CATCH_UP),
    )


async def _in_step(handle: ScheduleHandle, wanted: Schedule) -> None:
    """The pack may say another interval by now."""

    def changed(found: ScheduleUpdateInput) -> ScheduleUpdate | None:
        now = found.description.schedule
        if now.spec.intervals == wanted.spec.intervals and now.policy == wanted.policy:
            return None
        return ScheduleUpdate(Schedule(action=wanted.action, spec=wanted.spec, policy=wanted.policy, state=now.state))

    try:
        await handle.update(changed, rpc_timeout=RPC_PATIENCE)
    except RPCError as error:
        raise as_engine_error(error) from error


# What people do -------------------------------------------------------------------------------


async def listed(client: Client) -> list[dict[str, Any]]:
    """Every schedule, as it stands at the engine now."""
    try:
        ids = [each.id async for each in await client.list_schedules(page_size=100, rpc_timeout=RPC_PATIENCE)]
    except RPCError as error:
        raise as_engine_error(error) from error
    return [await shown(client, each) for each in sorted(ids)]


async def shown(client: Client, schedule: str) -> dict[str, Any]:
    """Raises NotFound."""
    try:
        return _shown(await client.get_schedule_handle(schedule).describe(rpc_timeout=RPC_PATIENCE))
    except RPCError as error:
        raise _named(error, schedule) from error


async def run_now(client: Client, schedule: str) -> dict[str, Any]:
    return await _told(client, schedule, lambda handle: handle.trigger(rpc_timeout=RPC_PATIENCE))


async def sync_now(client: Client, feed: str) -> None:
    """Reads this feed now; a run that is under way is followed by one more, since it may be past what is new."""
    schedule = names.sync_schedule_id(feed)
    try:
        await ensure_schedule(client, schedule, sync_schedule(feed))
        await client.get_schedule_handle(schedule).trigger(rpc_timeout=RPC_PATIENCE)
    except RPCError as error:
        raise _named(error, schedule) from error


async def pause(client: Client, schedule: str, note: str) -> dict[str, Any]:
    return await _told(client, schedule, lambda handle: handle.pause(note=note, rpc_timeout=RPC_PATIENCE))


async def resume(client: Client, schedule: str, note: str) -> dict[str, Any]:
    return await _told(client, schedule, lambda handle: handle.unpause(note=note, rpc_timeout=RPC_PATIENCE))


async def backfill(client: Client, schedule: str, since: datetime, until: datetime) -> dict[str, Any]:
    """The runs that were due in a span of the past, one after the other."""
    if until <= since:
        raise InvalidRequest(f"The span ends ({until.isoformat()}) before it begins ({since.isoformat()}).")
    every = timedelta(seconds=(await shown(client, schedule))["every_seconds"])
    if every and (until - since) / every > MOST_BACKFILLED:
        raise InvalidRequest(f"That would be more than {MOST_BACKFILLED} runs: choose a shorter span.")
    # One at a time, all of them: skipping would drop what the backfill is for.
    span = ScheduleBackfill(start_at=since, end_at=until, overlap=ScheduleOverlapPolicy.BUFFER_ALL)
    return await _told(client, schedule, lambda handle: handle.backfill(span, rpc_timeout=RPC_PATIENCE))


async def _told(client: Client, schedule: str, act: Any) -> dict[str, Any]:
    try:
        await act(client.get_schedule_handle(schedule))
    except RPCError as error:
        raise _named(error, schedule) from error
    return await shown(client, schedule)


def _named(error: RPCError, schedule: str) -> Exception:
    if error.status is RPCStatusCode.NOT_FOUND:
        return NotFound(f"There is no schedule {schedule}: `plimsoll schedule list` shows them.")
    return as_engine_error(error)


def _shown(found: ScheduleDescription) -> dict[str, Any]:
    spec, state, info = found.schedule.spec, found.schedule.state, found.info
    action = found.schedule.action
    every = spec.intervals[0].every if spec.intervals else timedelta()
    recent = info.recent_actions[-1] if info.recent_actions else None
    return {
        "id": found.id,
        "runs": action.workflow if isinstance(action, ScheduleActionStartWorkflow) else None,
        "every_seconds": every.total_seconds(),
        "paused": state.paused,
        "note": state.note or None,
        "next_at": next(iter(info.next_action_times), None),
        "last_at": recent.started_at if recent else None,
        "last_run": getattr(recent.action, "workflow_id", None) if recent else None,
        "started": info.num_actions,
        "skipped": info.num_actions_skipped_overlap,
        "missed": info.num_actions_missed_catchup_window,
        "running": [run.workflow_id for run in info.running_actions if hasattr(run, "workflow_id")],
    }
