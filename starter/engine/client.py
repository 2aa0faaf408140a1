"""The way to Temporal: connect, start, signal. Errors say whether time can heal them."""

from datetime import timedelta

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.common import Priority, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import GrpcCompression, RPCError, RPCStatusCode

from activities.messages import CaseRef
from plimsoll.domain.errors import EngineUnavailable, NotFound
from plimsoll.ports import EngineTask
from plimsoll.settings import Settings
from workflows import names
from workflows.patience import WORKFLOW_TASK_PATIENCE
from workflows.underwrite_application import UnderwriteApplication

RPC_PATIENCE = timedelta(seconds=5)
HEALTH_PATIENCE = timedelta(seconds=2)


async def connect(settings: Settings) -> Client:
    """Raises EngineUnavailable at once when the server is away."""
    if not settings.temporal_address:
        raise EngineUnavailable("No Temporal server: set TEMPORAL_ADDRESS, or run `plimsoll up`.")
    try:
        return await Client.connect(
            settings.temporal_address,
            namespace=settings.temporal_namespace,
            data_converter=pydantic_data_converter,
            grpc_compression=GrpcCompression.NONE,
        )
    except (RuntimeError, RPCError) as error:
        raise EngineUnavailable(
            f"Temporal does not answer at {settings.temporal_address}: `plimsoll doctor` says more."
        ) from error


async def answers(client: Client) -> bool:
    """Whether the server is there now."""
    try:
        return await client.service_client.check_health(timeout=HEALTH_PATIENCE)
    except (RuntimeError, RPCError):
        return False


async def start(client: Client, task: EngineTask, *, eager: bool) -> None:
    """Starts the run of a case, or finds it running. Raises EngineUnavailable, FinishedBefore."""
    try:
        await client.start_workflow(
            UnderwriteApplication.run,
            CaseRef(application=task.application, round=task.round, product=task.product, lane=task.lane),
            id=names.underwriting_id(task.application, task.round, task.run_suffix),
            task_queue=names.DECISIONS,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            request_eager_start=eager,
            task_timeout=WORKFLOW_TASK_PATIENCE,
            priority=Priority(priority_key=task.priority.key),
            static_summary=task.product,
            rpc_timeout=RPC_PATIENCE,
        )
    except WorkflowAlreadyStartedError:
        raise FinishedBefore(task.application) from None
    except RPCError as error:
        raise as_engine_error(error) from error


async def signal(client: Client, task: EngineTask) -> None:
    """Tells a run something Postgres knows already. A run that is gone needs no telling."""
    handle = client.get_workflow_handle(names.underwriting_id(task.application, task.round, task.run_suffix))
    try:
        await handle.signal(task.kind, rpc_timeout=RPC_PATIENCE)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise as_engine_error(error) from error


async def is_running(client: Client, task: EngineTask) -> bool:
    handle = client.get_workflow_handle(names.underwriting_id(task.application, task.round, task.run_suffix))
    try:
        return (await handle.describe(rpc_timeout=RPC_PATIENCE)).status is WorkflowExecutionStatus.RUNNING
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise as_engine_error(error) from error


async def live_state(handle: WorkflowHandle) -> dict:
    """What Temporal says of a run now: status and the activities it is trying."""
    try:
        found = await handle.describe(rpc_timeout=RPC_PATIENCE)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise NotFound(f"Temporal holds no run {handle.id}.") from None
        raise as_engine_error(error) from error
    return {
        "workflow_id": found.id,
        "run_id": found.run_id,
        "status": found.status.name.lower() if found.status else "unknown",
        "started_at": found.start_time,
        "closed_at": found.close_time,
        "history_length": found.history_length,
        "pending": [
            {
                "activity": pending.activity_type.name,
                "attempt": pending.attempt,
                "state": pending.state,
                "last_failure": pending.last_failure.message or None,
            }
            for pending in found.raw_description.pending_activities
        ],
    }


class FinishedBefore(Exception):
    """The engine holds a completed run of this id."""


def as_engine_error(error: RPCError) -> EngineUnavailable:
    return EngineUnavailable(f"Temporal did not take the call ({error.status.name.lower()}).")
