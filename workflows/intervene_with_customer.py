"""InterveneWithCustomer: one customer's episode, from the first step to how it went after ninety days.

Postgres knows where it stands; the run reaches out, waits and looks again. Whatever happens
meanwhile (a receipt, a reply, a payment, a flag, a collector's answer, a new signal) is a row
already, and the signal only wakes.
"""

from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.interventions import InterventionRef, Interventions, LookAt, Standing, send_step
    from activities.messages import ContactRef, Permitted
    from activities.outreach import Outreach
    from plimsoll.domain.outreach.episode import EpisodeState
    from workflows.patience import (
        A_MESSAGE,
        AT_MOST_ONCE,
        BEFORE_ANOTHER_TRY,
        EXPRESS_PATIENCE,
        GATEWAY_PATIENCE,
        LONG_ENOUGH,
        STEP_PATIENCE,
        UNTIL_IT_WORKS,
        UNTIL_PATIENCE_ENDS,
    )


@workflow.defn(name="InterveneWithCustomer")
class InterveneWithCustomer:
    @workflow.init
    def __init__(self, episode: InterventionRef) -> None:
        self._episode = episode
        self._woken = False

    @workflow.run
    async def run(self, episode: InterventionRef) -> Standing:
        standing = await self._begin()
        while not standing.over:
            match standing.state:
                case EpisodeState.TREATING:
                    standing = await self._take_the_step(standing)
                case EpisodeState.PROMISED:
                    standing = await self._see_whether_it_is_kept(standing)
                case _:
                    standing = await self._see_how_it_went(standing)
        return standing

    @workflow.signal(description="Something happened; Postgres knows already.")
    def told(self) -> None:
        self._woken = True

    # The story --------------------------------------------------------------------------------

    async def _begin(self) -> Standing:
        """The treatment was chosen when it was triggered: its first message leaves in one local activity."""
        try:
            return await workflow.execute_local_activity_method(
                Interventions.begin,
                self._look_now(),
                schedule_to_close_timeout=EXPRESS_PATIENCE,
                retry_policy=AT_MOST_ONCE,
            )
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            return await self._look()

    async def _take_the_step(self, standing: Standing) -> Standing:
        """Permit, send, and then its receipt, a reply, a collector's answer, or silence: the next look knows."""
        if standing.reach is None:
            return await self._heard_or(standing)
        permit = await self._permit(standing)
        if permit.granted and permit.contact and not await self._is_sent(permit.contact):
            await self._until(workflow.now() + BEFORE_ANOTHER_TRY, "gateway")
        return await self._look(asked=True)

    async def _see_whether_it_is_kept(self, standing: Standing) -> Standing:
        return await self._heard_or(standing)

    async def _see_how_it_went(self, standing: Standing) -> Standing:
        """Nothing more is done; after 30, 60 and 90 days somebody looks what became of it."""
        return await self._heard_or(standing)

    # Reaching out -----------------------------------------------------------------------------

    async def _permit(self, standing: Standing) -> Permitted:
        return await self._do(Outreach.permit, send_step(standing, workflow.now()))

    async def _is_sent(self, contact: str) -> bool:
        """A gateway may be down for an hour. Beyond patience the row says how far it came, and a look goes by that."""
        try:
            await workflow.execute_activity_method(
                Outreach.send,
                ContactRef(contact=contact, now=workflow.now()),
                start_to_close_timeout=A_MESSAGE,
                schedule_to_close_timeout=GATEWAY_PATIENCE,
                retry_policy=UNTIL_PATIENCE_ENDS,
            )
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            return False
        return True

    # Waiting ----------------------------------------------------------------------------------

    async def _heard_or(self, standing: Standing) -> Standing:
        """Until somebody says something, or the moment in the row has come."""
        assert standing.until is not None
        workflow.set_current_details(f"waits on {standing.waits_on}")
        await self._until(standing.until, standing.waits_on)
        self._start_over_when_the_history_is_long()
        return await self._look()

    async def _until(self, moment: datetime, on: str) -> None:
        wait = max(moment - workflow.now(), timedelta())
        try:
            await workflow.wait_condition(lambda: self._woken, timeout=wait, timeout_summary=on)
        except TimeoutError:
            return  # nobody said anything, which is the usual case

    def _start_over_when_the_history_is_long(self) -> None:
        """The row says where it stands, so a fresh run needs nothing carried over; a signal that came is in it, too."""
        info = workflow.info()
        if info.is_continue_as_new_suggested() or info.get_current_history_length() >= LONG_ENOUGH:
            workflow.continue_as_new(self._episode)

    # Below the story --------------------------------------------------------------------------

    async def _look(self, asked: bool = False) -> Standing:
        self._woken = False
        return await self._do(Interventions.look, self._look_now(asked))

    async def _do(self, activity: Any, message: Any) -> Any:
        return await workflow.execute_activity_method(
            activity, message, start_to_close_timeout=STEP_PATIENCE, retry_policy=UNTIL_IT_WORKS
        )

    def _look_now(self, asked: bool = False) -> LookAt:
        return LookAt(intervention=self._episode.intervention, now=workflow.now(), asked=asked)
