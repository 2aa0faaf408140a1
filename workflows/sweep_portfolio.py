"""SweepPortfolio: every customer looked at once, beside the live stream, and handed over where help is due.

The portfolio is cut into ranges of about the same size. Each is one activity that says how far it
is, so a worker that dies costs a block; and the sweep's key hands nobody over twice.
"""

import asyncio

from temporalio import workflow
from temporalio.common import SearchAttributeKey

with workflow.unsafe.imports_passed_through():
    from activities.sweeping import Ended, Sweep, Sweeping, SweepRange, Swept
    from workflows.patience import A_SWEEP, SILENCE, STEP_PATIENCE, UNTIL_IT_WORKS

DUE_AT = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")
AT_ONCE = 2  # ranges; each block takes its turn with the live stream


@workflow.defn(name="SweepPortfolio")
class SweepPortfolio:
    @workflow.run
    async def run(self, sweep: Sweep) -> Swept:
        sweep = self._named(sweep)
        swept = await self._sweep_all(sweep.key, await self._plan(sweep))
        return await self._end(sweep.key, swept)

    def _named(self, sweep: Sweep) -> Sweep:
        """By the moment it was due, so that a second attempt or a backfill is the same sweep."""
        due = workflow.info().typed_search_attributes.get(DUE_AT) or workflow.now()
        return sweep.model_copy(update={"key": sweep.key or due.isoformat()})

    async def _plan(self, sweep: Sweep) -> list[str]:
        return await workflow.execute_activity_method(
            Sweeping.plan, sweep, start_to_close_timeout=STEP_PATIENCE, retry_policy=UNTIL_IT_WORKS
        )

    async def _sweep_all(self, key: str, boundaries: list[str]) -> Swept:
        turn, done = asyncio.Semaphore(AT_ONCE), 0
        parts = list(zip(["", *boundaries], [*boundaries, None], strict=True))

        async def swept(after: str, upto: str | None) -> Swept:
            nonlocal done
            async with turn:
                came = await self._sweep(SweepRange(key=key, after=after, upto=upto, now=workflow.now()))
            done += 1
            workflow.set_current_details(f"{done} of {len(parts)} ranges")
            return came

        total = Swept()
        for came in await asyncio.gather(*(swept(after, upto) for after, upto in parts), return_exceptions=True):
            if isinstance(came, BaseException):
                raise came
            total = total.and_(came)
        return total

    async def _sweep(self, part: SweepRange) -> Swept:
        return await workflow.execute_activity_method(
            Sweeping.sweep,
            part,
            start_to_close_timeout=A_SWEEP,
            heartbeat_timeout=SILENCE,
            retry_policy=UNTIL_IT_WORKS,
            summary=f"after {part.after or 'the beginning'}",
        )

    async def _end(self, key: str, swept: Swept) -> Swept:
        return await workflow.execute_activity_method(
            Sweeping.end,
            Ended(key=key, swept=swept, now=workflow.now()),
            start_to_close_timeout=STEP_PATIENCE,
            retry_policy=UNTIL_IT_WORKS,
        )
