"""AskForRetraining: once a day, whether performance, labels or the month ask for a new model."""

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.retraining import Asked, AskIfDue, RetrainingRef, RetrainingSteps
    from workflows import names
    from workflows.patience import A_COMPARISON, SEVERAL_TIMES, SILENCE
    from workflows.retrain_model import RetrainModel


@workflow.defn(name="AskForRetraining")
class AskForRetraining:
    @workflow.run
    async def run(self, asked: AskIfDue) -> Asked:
        found = await workflow.execute_activity_method(
            RetrainingSteps.ask_if_due,
            asked,
            start_to_close_timeout=A_COMPARISON,
            heartbeat_timeout=SILENCE,
            retry_policy=SEVERAL_TIMES,
        )
        if found.retraining:
            await self._begin(asked.product, found.retraining)
        return found

    async def _begin(self, product: str, retraining: str) -> None:
        """A run of its own, that outlives this one. The reconciler, which saw the row, may have been first."""
        try:
            await workflow.start_child_workflow(
                RetrainModel.run,
                RetrainingRef(retraining=retraining, product=product),
                id=names.retraining_id(retraining),
                static_summary=product,
                parent_close_policy=ParentClosePolicy.ABANDON,
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("the retraining is under way already")
