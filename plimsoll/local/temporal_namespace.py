"""Run as a program: makes sure the namespace is there and answers. Safe to repeat.

python -m plimsoll.local.temporal_namespace ADDRESS NAMESPACE
"""

import asyncio
import os
import sys
import time
from datetime import timedelta

from plimsoll.local.errors import ServerMissing
from plimsoll.local.temporal_server import RETENTION_DAYS

PATIENCE = 60.0


async def ensure_namespace(address: str, namespace: str, patience: float = PATIENCE) -> None:
    """Registers the namespace, keeping closed runs for 30 days; returns once it can be used."""
    from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
    from temporalio.client import Client
    from temporalio.service import RPCError, RPCStatusCode

    request = RegisterNamespaceRequest(namespace=namespace)
    request.workflow_execution_retention_period.FromTimedelta(timedelta(days=RETENTION_DAYS))
    deadline = time.monotonic() + patience
    while True:
        try:
            client = await Client.connect(address, namespace=namespace)
            try:
                await client.workflow_service.register_namespace(request)
            except RPCError as error:
                if error.status is not RPCStatusCode.ALREADY_EXISTS:
                    raise
            # Known to the store is not yet known to every service: ask the one that answers lists.
            await client.count_workflows()
            return
        except (RPCError, RuntimeError) as error:
            if time.monotonic() > deadline:
                problem = f"Temporal at {address} has no usable namespace {namespace}: {error}"
                raise ServerMissing(problem) from error
            await asyncio.sleep(0.1)


def main() -> int:
    try:
        asyncio.run(ensure_namespace(sys.argv[1], sys.argv[2]))
    except ServerMissing as error:
        print(error.message, file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    # Not sys.exit: a process that used the SDK can abort on its ordinary way out.
    code = main()
    os._exit(code)
