"""RetrainModel: from something that asks for a new model to a challenger, or a rejection with its reasons.

It changes no role. Who passes the gate may be proposed; proposing, approving and releasing are people's business.
"""

from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ChildWorkflowError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.retraining import Begun, Ended, Retrained, RetrainingRef, RetrainingSteps
    from activities.training import Trained, TrainingRef
    from plimsoll.domain.models.retraining_run import RetrainingState
    from plimsoll.domain.models.training_run import TrainingState
    from workflows import names
    from workflows.patience import (
        A_COMPARISON,
        ANOTHER_TRAINING,
        LOOK_AT_ANOTHER_TRAINING,
        SEVERAL_TIMES,
        SILENCE,
        STEP_PATIENCE,
        UNTIL_IT_WORKS,
    )
    from workflows.train_model import TrainModel


@workflow.defn(name="RetrainModel")
class RetrainModel:
    @workflow.init
    def __init__(self, retraining: RetrainingRef) -> None:
        self._retraining = retraining

    @workflow.run
    async def run(self, retraining: RetrainingRef) -> Retrained:
        try:
            weighed = await self._do(RetrainingSteps.weigh)
            if weighed.state is not RetrainingState.RUNNING:
                return weighed
            await self._do(RetrainingSteps.recalibrate)
            training = await self._begin_training()
            if training is None:
                return await self._end("waited")
            if (await self._train(training)).state is not TrainingState.DONE:
                return await self._end("training")
            return await self._do(RetrainingSteps.compare)
        except (ActivityError, ChildWorkflowError) as error:
            if is_cancelled_exception(error):
                raise
            return await self._end("defect")

    async def _begin_training(self) -> str | None:
        """A training of the product that runs already is waited for: one at a time."""
        give_up_at = workflow.now() + ANOTHER_TRAINING
        while True:
            begun = await self._begun()
            if begun.training or workflow.now() >= give_up_at:
                return begun.training
            await workflow.sleep(LOOK_AT_ANOTHER_TRAINING, summary="another training of the product is under way")

    async def _train(self, training: str) -> Trained:
        workflow.set_current_details("training the successor")
        return await workflow.execute_child_workflow(
            TrainModel.run,
            TrainingRef(training=training, product=self._retraining.product),
            id=names.training_id(training),
            static_summary=self._retraining.product,
        )

    async def _begun(self) -> Begun:
        return await workflow.execute_activity_method(
            RetrainingSteps.begin_training,
            self._retraining,
            start_to_close_timeout=STEP_PATIENCE,
            retry_policy=UNTIL_IT_WORKS,
        )

    async def _do(self, activity: Any) -> Retrained:
        return await workflow.execute_activity_method(
            activity,
            self._retraining,
            start_to_close_timeout=A_COMPARISON,
            heartbeat_timeout=SILENCE,
            retry_policy=SEVERAL_TIMES,
        )

    async def _end(self, because: str) -> Retrained:
        return await workflow.execute_activity_method(
            RetrainingSteps.end,
            Ended(**self._retraining.model_dump(), because=because),
            start_to_close_timeout=STEP_PATIENCE,
            retry_policy=UNTIL_IT_WORKS,
        )
