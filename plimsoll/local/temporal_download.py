"""Run as a program: has the Python SDK fetch the `temporal` tool into a folder, then leaves.

The SDK downloads only on the way to starting a server, so one is started and stopped.
"""

import asyncio
import os
import sys


async def download(folder: str, version: str) -> None:
    from temporalio.testing import WorkflowEnvironment

    server = await WorkflowEnvironment.start_local(dev_server_download_version=f"v{version}", download_dest_dir=folder)
    await server.shutdown()


if __name__ == "__main__":
    asyncio.run(download(sys.argv[1], sys.argv[2]))
    # The SDK can abort a process on its ordinary way out (docs: exit codes stay true).
    os._exit(0)
