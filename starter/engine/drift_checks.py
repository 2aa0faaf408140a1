"""A drift check that a person asked for: its run, begun at once."""

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from activities.monitoring import DriftCheck
from starter.engine.client import RPC_PATIENCE, as_engine_error
from workflows import names
from workflows.check_drift import CheckDrift


async def begin_check(client: Client, check: DriftCheck) -> None:
    """Raises EngineUnavailable."""
    try:
        await client.start_workflow(
            CheckDrift.run,
            check,
            id=names.drift_check_id(check.report),
            task_queue=names.BATCH,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=check.product,
            rpc_timeout=RPC_PATIENCE,
        )
    except RPCError as error:
        raise as_engine_error(error) from error
