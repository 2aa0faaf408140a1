"""Runs that are no application's: started when their row is there, found again when it still is.

A new kind is a line here and one in `plimsoll/adapters/postgres/engine/open_runs.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.common import (
    Priority,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.interventions import InterventionRef
from activities.releases import RolloutRef
from activities.retraining import RetrainingRef
from activities.training import TrainingRef
from plimsoll.ports import OpenRun
from starter.engine.client import RPC_PATIENCE, as_engine_error
from starter.engine.hosting import BUILD
from workflows import names
from workflows.intervene_with_customer import InterveneWithCustomer
from workflows.patience import WORKFLOW_TASK_PATIENCE
from workflows.retrain_model import RetrainModel
from workflows.roll_out_model import RollOutModel
from workflows.train_model import TrainModel

# The server lists each run's builds, and writes them down once more with its first task: a quarter of what an
# episode's start costs it. Said with the start, in its own words, they stand there already.
OF_BUILDS = SearchAttributeKey.for_keyword_list("BuildIds")
BUILDS = TypedSearchAttributes([SearchAttributePair(OF_BUILDS, ["unversioned", f"unversioned:{BUILD}"])])


@dataclass(frozen=True)
class Run:
    """How one kind is run."""

    workflow: Any
    queue: str
    id_of: Callable[[str], str]
    argument: Callable[[OpenRun], Any]


RUNS = {
    "training": Run(
        workflow=TrainModel.run,
        queue=names.BATCH,
        id_of=names.training_id,
        argument=lambda run: TrainingRef(training=run.id, product=run.product),
    ),
    "retraining": Run(
        workflow=RetrainModel.run,
        queue=names.BATCH,
        id_of=names.retraining_id,
        argument=lambda run: RetrainingRef(retraining=run.id, product=run.product),
    ),
    "intervention": Run(
        workflow=InterveneWithCustomer.run,
        queue=names.OUTREACH,
        id_of=names.intervention_id,
        argument=lambda run: InterventionRef(intervention=run.id, product=run.product),
    ),
    "rollout": Run(
        workflow=RollOutModel.run,
        queue=names.BATCH,
        id_of=names.rollout_id,
        argument=lambda run: RolloutRef(rollout=run.id, product=run.product),
    ),
}


def id_of(run: OpenRun) -> str:
    return RUNS[run.kind].id_of(run.id)


async def ensure_run(client: Client, wanted: OpenRun) -> WorkflowHandle:
    """Starts it, or finds it running. Raises EngineUnavailable.

    A run that ended while its row is open (terminated, lost with the engine's database) starts
    anew: its row tells it where it stands.
    """
    try:
        return await _started(client, wanted, BUILDS)
    except RPCError as error:
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:
            raise as_engine_error(error) from error
    try:
        return await _started(client, wanted, None)  # a server that lets nobody say what it would find out
    except RPCError as error:
        raise as_engine_error(error) from error


async def _started(client: Client, wanted: OpenRun, builds: TypedSearchAttributes | None) -> WorkflowHandle:
    kind = RUNS[wanted.kind]
    return await client.start_workflow(
        kind.workflow,
        kind.argument(wanted),
        id=kind.id_of(wanted.id),
        task_queue=kind.queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        task_timeout=WORKFLOW_TASK_PATIENCE,
        priority=Priority(priority_key=wanted.priority),
        static_summary=wanted.product,
        search_attributes=builds,
        request_eager_start=True,  # where whoever starts it hosts its queue as well, its first task comes back
        rpc_timeout=RPC_PATIENCE,
    )


async def is_running(client: Client, wanted: OpenRun) -> bool:
    handle = client.get_workflow_handle(RUNS[wanted.kind].id_of(wanted.id))
    try:
        return (await handle.describe(rpc_timeout=RPC_PATIENCE)).status is WorkflowExecutionStatus.RUNNING
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise as_engine_error(error) from error


async def tell(client: Client, kind: str, id_: str, signal: str) -> None:
    """Wakes a run to something Postgres knows already. A run that is gone needs no telling."""
    handle = client.get_workflow_handle(RUNS[kind].id_of(id_))
    try:
        await handle.signal(signal, rpc_timeout=RPC_PATIENCE)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise as_engine_error(error) from error
