"""What waits to try again, tried at once: Temporal's own reset of a waiting activity."""

import asyncio

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetActivityRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from plimsoll.wiring import Ports
from starter.engine.client import as_engine_error, live_state
from workflows import names

AT_ONCE = 20


async def resume_waiting_on(ports: Ports, client: Client, source: str) -> int:
    """How many cases were woken. Closes the source's circuit first, or the calls would wait again."""
    await ports.gate.close_circuit(source)
    woken, after = 0, None
    while True:
        rows = await ports.reading.applications(limit=100, waiting_on=source, after=after)
        for start in range(0, len(rows), AT_ONCE):
            results = await asyncio.gather(*(_wake(client, row) for row in rows[start : start + AT_ONCE]))
            woken += sum(results)
        if len(rows) < 100:
            return woken
        after = rows[-1]["id"]


async def retry_now(client: Client, row: dict) -> int:
    """Every step of one case that waits for its next try; how many there were."""
    handle = client.get_workflow_handle(names.underwriting_id(row["id"], row["round"], row["run_suffix"]))
    pending = await live_state(handle)
    waiting = {step["activity"] for step in pending["pending"]}
    return sum(await asyncio.gather(*(_wake(client, row, activity) for activity in sorted(waiting))))


async def _wake(client: Client, row: dict, activity: str = "pull") -> bool:
    workflow_id = names.underwriting_id(row["id"], row["round"], row["run_suffix"])
    try:
        await client.workflow_service.reset_activity(
            ResetActivityRequest(
                namespace=client.namespace, execution=WorkflowExecution(workflow_id=workflow_id), type=activity
            )
        )
        return True
    except RPCError as error:
        if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
            return False  # it went on by itself meanwhile
        raise as_engine_error(error) from error
