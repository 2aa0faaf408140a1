"""Lets time pass for one case, in test mode: its run's own clock skips, every wait and notice on the way included."""

import asyncio
from datetime import timedelta

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from plimsoll.domain.errors import InvalidRequest, NotAllowed, NotFound
from plimsoll.domain.ids import APPLICATION, INTERVENTION
from plimsoll.settings import Settings
from plimsoll.wiring import Ports
from starter.engine.client import as_engine_error
from workflows import names

LONGEST = timedelta(days=400)
PATIENCE = 25.0  # seconds an answer waits for it; the run goes on skipping after that


async def fast_forward(settings: Settings, ports: Ports, client: Client, case: str, span: timedelta) -> bool:
    """Whether it came to an end in time for the answer. Raises NotAllowed, InvalidRequest, NotFound."""
    if settings.mode != "test":
        raise NotAllowed("Time passes by itself here: fast-forward is for test mode (PLIMSOLL_MODE=test).")
    if not timedelta() < span <= LONGEST:
        raise InvalidRequest(f"Between a second and {LONGEST.days} days can be let pass, not {span}.")
    run = await _run_of(ports, case)
    await ports.clocks.move(case, span)
    skipper = TimeSkipper(client, config=TimeSkippingConfig())
    handle: WorkflowHandle = skipper.client.get_workflow_handle(run)
    try:
        async with asyncio.timeout(PATIENCE):
            await skipper.fast_forward(handle, span)
    except TimeoutError:
        return False
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise NotFound(f"{case} has no run under way: `plimsoll redrive` starts what should be.") from None
        raise as_engine_error(error) from error
    return True


async def _run_of(ports: Ports, case: str) -> str:
    kind = case.split("_", 1)[0]
    if kind == INTERVENTION:
        await ports.outreach.interventions.get(case)
        return names.intervention_id(case)
    if kind == APPLICATION:
        row = await ports.clocks.run_of_application(case)
        return names.underwriting_id(case, row["round"], row["run_suffix"])
    raise InvalidRequest(f"{case!r} is neither an application (app_…) nor an intervention (int_…).")
