"""Which worker a process hosts: built the same for `worker.py` and for the API's hot lane."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib.metadata import version

from temporalio.client import Client
from temporalio.worker import Interceptor, PollerBehaviorAutoscaling, UnsandboxedWorkflowRunner, Worker

from activities import activities_on
from plimsoll.wiring import Ports
from workflows import names, workflows_on

# Given, because the SDK would otherwise read and hash every module there is: three seconds in
# which the event loop of an API process answers nobody.
BUILD = f"plimsoll-{version('plimsoll')}"
# An episode's first message leaves within its workflow task. A hundred at once would each be too slow for that, and
# do it a second time step by step; those that wait do so in the outbox or at the server, where no clock runs. Half of
# them is for `Beginnings`; a task that is waited for holds a place as well.
AT_ONCE = {names.OUTREACH: 32}
DRAIN = timedelta(seconds=10)  # time for what is under way when asked to stop


def build_worker(client: Client, ports: Ports, queue: str, *interceptors: Interceptor) -> Worker:
    return Worker(
        client,
        task_queue=queue,
        workflows=workflows_on(queue),
        activities=activities_on(queue, ports),
        build_id=BUILD,
        activity_executor=ThreadPoolExecutor(4),
        # Twice the throughput; determinism is what the replay tests and the sandboxed tests are for.
        workflow_runner=UnsandboxedWorkflowRunner(),
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(
            minimum=1, maximum=8 if queue in AT_ONCE else 20, initial=2
        ),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(minimum=1, maximum=20, initial=2),
        max_cached_workflows=500,
        max_concurrent_workflow_tasks=AT_ONCE.get(queue),
        interceptors=interceptors,
        graceful_shutdown_timeout=DRAIN,
    )


def hosts_anything(queue: str, ports: Ports) -> bool:
    """A queue whose work comes with a later version has nothing to poll for yet."""
    return bool(workflows_on(queue) or activities_on(queue, ports))


def hot_worker(client: Client, *, ports: Ports) -> Worker:
    """The worker an API process hosts, so that what it starts it also runs."""
    return build_worker(client, ports, names.DECISIONS)
