"""UnderwriteApplication: one application, from acceptance to its decision.

The steps commit their own rows, so the run only orders them and waits. It tries the express
lane first (all steps in one local activity) and falls back to visible, retryable steps; what
was done already answers from its row.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.decisions import Decisions
    from activities.evidence import Evidence
    from activities.express import Express
    from activities.messages import CaseRef, Ending, Progress, Pull, ReviewState, SourcePlan, Step
    from activities.policy import Policy
    from activities.reviews import Reviews
    from activities.scoring import Scoring
    from plimsoll.domain.underwriting.product import Lane
    from workflows import names
    from workflows.patience import (
        AT_MOST_ONCE,
        CALL_MARGIN,
        EXPRESS_PATIENCE,
        STEP_PATIENCE,
        UNTIL_IT_WORKS,
        UNTIL_PATIENCE_ENDS,
    )


@workflow.defn(name="UnderwriteApplication")
class UnderwriteApplication:
    @workflow.init
    def __init__(self, case: CaseRef) -> None:
        self._case = case
        self._withdrawn = False
        self._words = 0  # signals that a reviewer has spoken
        self._waits_on: set[str] = set()
        self._dropped = False  # the work was cancelled

    @workflow.run
    async def run(self, case: CaseRef) -> Ending:
        progress = await self._decide_at_once()
        if not progress.settled:
            progress = await self._unless_withdrawn(self._take_the_long_way(progress))
        return Ending(application=case.application, outcome=progress.outcome, closed=progress.closed)

    @workflow.signal(description="The application was withdrawn; Postgres knows already.")
    def withdrawn(self) -> None:
        self._withdrawn = True

    @workflow.signal(description="A reviewer answered; Postgres holds the answer.")
    def reviewed(self) -> None:
        self._words += 1

    # The two lanes --------------------------------------------------------------------------

    async def _decide_at_once(self) -> Progress:
        """All steps in one local activity. Anything but a decision leads to the long way."""
        if self._case.lane is not Lane.EXPRESS:
            return Progress()
        try:
            return await workflow.execute_local_activity_method(
                Express.decide_at_once,
                self._step(Lane.EXPRESS),
                schedule_to_close_timeout=EXPRESS_PATIENCE,
                retry_policy=AT_MOST_ONCE,
            )
        except FailureError as error:  # a local activity's failure comes bare, not inside an ActivityError
            if is_cancelled_exception(error):
                raise
            return Progress(blocked_by="express_failed")

    async def _take_the_long_way(self, progress: Progress) -> Progress:
        if not progress.referred:
            progress = await self._step_by_step()
        if progress.referred:
            progress = await self._ask_a_person()
        return progress

    async def _step_by_step(self) -> Progress:
        progress = await self._do(Policy.screen)
        if progress.settled:
            return progress
        if not progress.knocked_out:
            await self._pull_all(progress.to_pull)
            await self._do(Scoring.score)
            progress = await self._do(Policy.decide)
        if progress.settled or progress.referred:
            return progress
        return await self._do(Decisions.record)

    # Evidence -------------------------------------------------------------------------------

    async def _pull_all(self, plans: tuple[SourcePlan, ...]) -> None:
        """All sources at once; every sibling is awaited before an error is raised."""
        self._waits_on = {plan.name for plan in plans}
        results = await asyncio.gather(*(self._pull(plan) for plan in plans), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _pull(self, plan: SourcePlan) -> None:
        """Waits for a source until patience with it is over; then the product's rule speaks."""
        left = plan.deadline - workflow.now()
        if left.total_seconds() > 0:
            try:
                await workflow.execute_activity_method(
                    Evidence.pull,
                    self._pull_of(plan),
                    task_queue=names.EVIDENCE,
                    start_to_close_timeout=CALL_MARGIN + timedelta(seconds=plan.timeout),
                    schedule_to_close_timeout=left,
                    retry_policy=UNTIL_PATIENCE_ENDS,
                    summary=plan.name,
                )
                self._has_answered(plan)
                return
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
        await self._do(Evidence.give_up, self._pull_of(plan))
        self._has_answered(plan)

    def _has_answered(self, plan: SourcePlan) -> None:
        """Shown on the run's page in Temporal's UI; Postgres tells everyone else."""
        self._waits_on.discard(plan.name)
        waits = ", ".join(sorted(self._waits_on))
        workflow.set_current_details(f"waits on {waits}" if waits else "evidence is in")

    # People ---------------------------------------------------------------------------------

    async def _ask_a_person(self) -> Progress:
        """Reads the task, waits for a word or the task's own deadline, and reads again."""
        workflow.set_current_details("waits for a person")
        heard = self._words
        review = await self._do(Reviews.open)
        while not (review.answered or review.over):
            step = await self._a_word_or(review, heard)
            heard = self._words
            review = await self._do(Reviews.look, step)
        return await self._do(Decisions.record)

    async def _a_word_or(self, review: ReviewState, heard: int) -> Step:
        """`heard`: the words there were when this look began. One that came during it may not be in what it read."""
        if self._words > heard and not workflow.patched("a-word-during-a-look"):
            heard = self._words
        left = review.next_deadline - workflow.now()
        if left.total_seconds() > 0:
            # When nobody answers, the next look escalates or ends the wait.
            with contextlib.suppress(TimeoutError):
                await workflow.wait_condition(
                    lambda: self._words > heard, timeout=left, timeout_summary="review deadline"
                )
        return self._step()

    # Below the story ------------------------------------------------------------------------

    async def _unless_withdrawn(self, work: Coroutine[Any, Any, Progress]) -> Progress:
        """The work, unless the applicant withdraws first: then it is dropped where it stands."""
        task = asyncio.create_task(work)
        await workflow.wait_condition(lambda: task.done() or self._withdrawn)
        if not task.done():
            self._dropped = True
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return Progress(closed=True)
        return await task

    async def _do(self, activity: Any, step: Step | None = None) -> Any:
        result = await workflow.execute_activity_method(
            activity,
            step or self._step(),
            start_to_close_timeout=STEP_PATIENCE,
            retry_policy=UNTIL_IT_WORKS,
        )
        # A result that comes in the same task as the cancellation swallows it: the SDK hands over the result.
        if self._dropped and workflow.patched("withdrawn-with-a-result"):
            raise asyncio.CancelledError
        return result

    def _step(self, lane: Lane = Lane.STEPWISE) -> Step:
        return Step(case=self._case, now=workflow.now(), lane=lane)

    def _pull_of(self, plan: SourcePlan) -> Pull:
        return Pull(case=self._case, now=workflow.now(), source=plan)
