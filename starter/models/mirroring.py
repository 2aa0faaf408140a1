"""MLflow beside the registry: told by itself after a change, by hand after an outage, opened on demand."""

import asyncio
import contextlib
import subprocess
import sys

import structlog

from plimsoll.domain.errors import Unavailable
from plimsoll.settings import load_settings
from plimsoll.wiring import Ports, open_ports
from plimsoll.wiring.models import mlflow_command

log = structlog.get_logger()

LOOK = 10.0  # seconds between two looks whether something changed


class Mirroring:
    """Runs beside the batch worker: what changed since the last time is shown to MLflow."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._shown: int | None = None

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            try:
                await self.catch_up()
            except Unavailable as error:
                log.warning("mirror.waits", code=error.code, why=error.message)

    async def catch_up(self) -> bool:
        """Whether there was something to show. Raises Unavailable."""
        changed = await self._ports.registry.last_change()
        if changed == self._shown:
            return False
        if changed:
            await self._ports.mirror.catch_up()
        self._shown = changed
        return bool(changed)


async def mirror_now() -> int:
    """How many versions MLflow was shown. Raises Unavailable."""
    async with open_ports(load_settings()) as ports:
        await ports.mirror.catch_up()
        return len(await ports.registry.find_all(limit=1000))


def serve_ui(port: int) -> int:
    """Until it is interrupted."""
    command, environment = mlflow_command(load_settings(), port)
    with contextlib.suppress(KeyboardInterrupt):
        return subprocess.run([sys.executable, *command], env=environment, check=False).returncode
    return 0
