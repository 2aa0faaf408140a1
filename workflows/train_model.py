"""TrainModel: from labelled applications to a version in the registry.

It ends with a candidate. Proposing, approving and releasing are people's business, and no run's.
"""

from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.training import FETCH, Taken, TakeStep, Trained, Training, TrainingRef
    from plimsoll.domain.models.training import TrainingStep
    from plimsoll.domain.models.training_run import TrainingState
    from workflows.patience import (
        A_TRAINING_STEP,
        MIRROR_PATIENCE,
        SEVERAL_TIMES,
        SILENCE,
        STEP_PATIENCE,
        UNTIL_IT_WORKS,
    )


@workflow.defn(name="TrainModel")
class TrainModel:
    @workflow.init
    def __init__(self, training: TrainingRef) -> None:
        self._training = training

    @workflow.run
    async def run(self, training: TrainingRef) -> Trained:
        try:
            for step in (
                FETCH,
                TrainingStep.VALIDATE,
                TrainingStep.SPLIT,
                TrainingStep.CANDIDATES,
                TrainingStep.CALIBRATE,
                TrainingStep.EVALUATE,
                TrainingStep.FAIRNESS,
                TrainingStep.PUBLISH,  # the version's folder, with report and card
            ):
                if (await self._take(step)).stopped:
                    return Trained(training=training.training, state=TrainingState.STOPPED)
            trained = await self._do(Training.register)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return await self._do(Training.give_up)
        await self._show_in_mlflow()
        return trained

    async def _take(self, step: str) -> Taken:
        """Watched by its own words: a worker that dies is noticed, and another goes on where it stood."""
        workflow.set_current_details(step)
        activity: Any = Training.fetch if step == FETCH else Training.take
        argument = self._training
        if step != FETCH:
            argument = TakeStep(**self._training.model_dump(), step=TrainingStep(step))
        return await workflow.execute_activity_method(
            activity,
            argument,
            start_to_close_timeout=A_TRAINING_STEP,
            heartbeat_timeout=SILENCE,
            retry_policy=SEVERAL_TIMES,
            summary=step,
        )

    async def _show_in_mlflow(self) -> None:
        """A mirror: when it is down the release does not wait, and the next change catches up."""
        workflow.set_current_details("mirrored in MLflow")
        try:
            await workflow.execute_activity_method(
                Training.mirror,
                start_to_close_timeout=MIRROR_PATIENCE,
                schedule_to_close_timeout=3 * MIRROR_PATIENCE,
                heartbeat_timeout=SILENCE,
                retry_policy=UNTIL_IT_WORKS,
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("MLflow was not told")

    async def _do(self, activity: Any) -> Trained:
        return await workflow.execute_activity_method(
            activity,
            self._training,
            start_to_close_timeout=STEP_PATIENCE,
            retry_policy=UNTIL_IT_WORKS,
        )
