"""RollOutModel: one release of one model, from its shadow to the end of the week in which the old one is kept.

Postgres knows the phase and every role; the run looks at the gates in time. People move a
roll-out through Postgres too, so what they say takes effect at once, and the signal only wakes
the run.
"""

from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.releases import Look, Releases, RolloutRef, Seen
    from workflows.patience import LOOK_PATIENCE, UNTIL_IT_WORKS


@workflow.defn(name="RollOutModel")
class RollOutModel:
    @workflow.init
    def __init__(self, rollout: RolloutRef) -> None:
        self._rollout = rollout
        self._woken = False

    @workflow.run
    async def run(self, rollout: RolloutRef) -> Seen:
        seen = await self._look()
        while not seen.over:
            await self._until(seen.next_look)
            self._start_over_when_the_history_is_long()
            seen = await self._look()
        return seen

    @workflow.signal(description="Somebody paused, resumed, promoted or rolled back; Postgres knows already.")
    def told(self) -> None:
        self._woken = True

    async def _look(self) -> Seen:
        self._woken = False
        return await workflow.execute_activity_method(
            Releases.look,
            Look(rollout=self._rollout.rollout, now=workflow.now()),
            start_to_close_timeout=LOOK_PATIENCE,
            retry_policy=UNTIL_IT_WORKS,
        )

    async def _until(self, moment: datetime) -> None:
        wait = max(moment - workflow.now(), timedelta())
        try:
            await workflow.wait_condition(lambda: self._woken, timeout=wait, timeout_summary="next look at the gates")
        except TimeoutError:
            return  # nobody said anything, which is the usual case

    def _start_over_when_the_history_is_long(self) -> None:
        if workflow.info().is_continue_as_new_suggested():
            workflow.continue_as_new(self._rollout)
