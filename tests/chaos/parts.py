"""Parts of a stack that can be killed: a Temporal server, a Postgres, workers. Only what was started here."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from plimsoll.local.ports import INTERNAL, choose
from plimsoll.local.postgres import Cluster
from plimsoll.local.temporal_server import TemporalServer
from tests.house import environment_of
from tests.stack_fixtures import _binaries

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 60.0


def wait_until(holds, what: str, patience: float = PATIENCE) -> None:
    give_up_at = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < give_up_at, f"waited {patience:g} s in vain for {what}"
        time.sleep(0.02)


@dataclass
class KillableTemporal:
    """A server on fixed ports and one file: killed and started again, it is the same server."""

    home: Path
    server: TemporalServer = field(init=False)
    _process: subprocess.Popen | None = None

    def __post_init__(self) -> None:
        chosen = choose(("temporal", "temporal_ui", *INTERNAL), {}, automatic=True)
        self.server = TemporalServer(self.home / "temporal", chosen, _binaries())

    @property
    def log(self) -> Path:
        return self.home / "temporal.log"

    def start(self) -> None:
        self.server.prepare()
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self.server.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        wait_until(lambda: self.server.serves, "Temporal")

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


@dataclass
class KillablePostgres:
    home: Path
    cluster: Cluster = field(init=False)
    _process: subprocess.Popen | None = None

    def __post_init__(self) -> None:
        port = choose(("postgres",), {}, automatic=True)["postgres"]
        self.cluster = Cluster(self.home / "postgres", self.home / "secrets", port)

    def start(self) -> None:
        self.cluster.prepare()
        with (self.home / "postgres.log").open("ab") as output:
            self._process = subprocess.Popen(
                self.cluster.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        wait_until(lambda: self.cluster.answers, "Postgres")

    def kill(self) -> None:
        """The postmaster, as the kernel would for want of memory: no good-bye to anybody."""
        if self._process:
            postmaster = int((self.cluster.data / "postmaster.pid").read_text().split()[0])
            os.kill(postmaster, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=30)
            self._process = None


@dataclass
class Worker:
    """A real `worker.py` in a process of its own."""

    nursery: "Nursery"
    pid: int
    ready: Path

    def until_ready(self) -> None:
        wait_until(self.ready.exists, f"worker {self.pid} to be ready")

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def until_ended(self, patience: float = PATIENCE) -> int:
        """How it ended: an exit code, or minus the signal that killed it."""
        found: list[int] = []

        def ended() -> bool:
            found[:] = [status] if (status := self.nursery.ending_of(self.pid)) is not None else []
            return bool(found)

        wait_until(ended, f"worker {self.pid} to end", patience)
        return found[0]


class Nursery:
    """Forks workers from a process that has the heavy libraries loaded: a quarter of the time of a cold start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._alive: dict[int, Worker] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.nursery"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def worker(self, settings, **environment: str) -> Worker:
        number = len(list(self._folder.glob("worker-*.log"))) + 1
        ready = self._folder / f"worker-{number}.ready"
        order = {
            "environment": environment_of(settings, PLIMSOLL_READY_FILE=str(ready), **environment),
            "log": str(self._folder / f"worker-{number}.log"),
        }
        worker = Worker(self, self._ask(order), ready)
        self._alive[worker.pid] = worker
        return worker

    def ending_of(self, pid: int) -> int | None:
        status = self._ask({"ended": pid})
        if status is not None:
            self._alive.pop(pid, None)
        return status

    @property
    def logs(self) -> list[Path]:
        return sorted(self._folder.glob("worker-*.log"))

    def _ask(self, order: dict) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        for worker in list(self._alive.values()):
            worker.send(signal.SIGKILL)
            worker.until_ended()
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=20)


@contextmanager
def a_nursery(folder: Path) -> Iterator[Nursery]:
    folder.mkdir(exist_ok=True)
    nursery = Nursery(folder)
    try:
        yield nursery
    finally:
        nursery.close()
