"""CheckDrift: one look at what a product's model is asked now, and what its rules say follows."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.monitoring import Came, Checked, DriftCheck, Monitoring, Owed
    from plimsoll.domain.ids import DRIFT, id_at
    from plimsoll.domain.monitoring.drift_report import Trigger
    from plimsoll.domain.monitoring.terms import Action
    from workflows.patience import (
        A_DRIFT_CHECK,
        ALERT_AGAIN,
        ALERT_AGAIN_AT_MOST,
        ALERT_PATIENCE,
        AT_MOST_ONCE,
        SEVERAL_TIMES,
        SILENCE,
        STEP_PATIENCE,
        UNTIL_IT_WORKS,
    )

# Said by the schedule: the moment a check was due, which for a backfill is long ago.
DUE_AT = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")
LATE = timedelta(hours=2)  # beyond the schedule's catch-up window: somebody looks back


@workflow.defn(name="CheckDrift")
class CheckDrift:
    @workflow.run
    async def run(self, check: DriftCheck) -> Checked:
        checked = await self._check(self._settled(check))
        await self._do_what_follows(checked.owed)
        return checked

    def _settled(self, check: DriftCheck) -> DriftCheck:
        """With its own number and its own moment, so that a second attempt is the same check."""
        now = workflow.now()
        due = workflow.info().typed_search_attributes.get(DUE_AT) or now
        late = check.trigger is Trigger.SCHEDULE and now - due > LATE
        return check.model_copy(
            update={
                "report": check.report or _number(now),
                "until": check.until or due,
                "trigger": Trigger.BACKFILL if late else check.trigger,
            }
        )

    async def _check(self, check: DriftCheck) -> Checked:
        workflow.set_current_details(f"compares {check.product}")
        return await workflow.execute_activity_method(
            Monitoring.check,
            check,
            start_to_close_timeout=A_DRIFT_CHECK,
            heartbeat_timeout=SILENCE,
            retry_policy=SEVERAL_TIMES,
        )

    async def _do_what_follows(self, owed: Sequence[Owed]) -> None:
        """What changes something first: whoever is to be told may be away until tomorrow."""
        workflow.set_current_details(", ".join(f"{each.action}: {each.rule}" for each in owed))
        for each in owed:
            if each.action is Action.RETRAIN:
                await self._do(Monitoring.ask_for_retraining, each)
            elif each.action is Action.ROLL_BACK:
                await self._do(Monitoring.roll_back, each)
        told = [self._notify(each) for each in owed if each.action is Action.NOTIFY]
        for result in await asyncio.gather(*told, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    async def _notify(self, owed: Owed) -> None:
        """When nobody takes it for a day, the record says so and the console still shows it."""
        give_up_at, pause = workflow.now() + ALERT_PATIENCE, ALERT_AGAIN
        while not await self._was_told(owed):
            if workflow.now() >= give_up_at:
                await self._do(Monitoring.note_undelivered, owed)
                return
            await workflow.sleep(pause, summary=f"tries again to tell of {owed.rule}")
            pause = min(2 * pause, ALERT_AGAIN_AT_MOST)

    async def _was_told(self, owed: Owed) -> bool:
        try:
            await workflow.execute_activity_method(
                Monitoring.notify, owed, start_to_close_timeout=STEP_PATIENCE, retry_policy=AT_MOST_ONCE
            )
            return True
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return False

    async def _do(self, activity: Any, owed: Owed) -> Came:
        return await workflow.execute_activity_method(
            activity, owed, start_to_close_timeout=STEP_PATIENCE, retry_policy=UNTIL_IT_WORKS
        )


def _number(now: datetime) -> str:
    return id_at(DRIFT, int(now.timestamp() * 1000), workflow.random().getrandbits(80))
