"""Parts of a stack that can be killed: a Temporal server, a Postgres, workers, the API. Only what was started here."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TypeVar

import httpx
import psutil

from plimsoll.local.ports import INTERNAL, choose
from plimsoll.local.postgres import Cluster
from plimsoll.local.temporal_server import TemporalServer
from plimsoll.settings import Settings
from tests.house import environment_of
from tests.sandbox_process import free_port
from tests.stack_fixtures import _binaries

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 120.0

# Places that only those come by who reach customers: test_killed_while_reaching.py
# Of these, those whose first message did not leave at once.
STEP_BY_STEP = ("look_at_intervention", "permit_contact", "begin_contact", "note_contact")
REACHING = ("begin_intervention", *STEP_BY_STEP, "hand_over", "note_first_message")
PARKING = ("park_contact",)  # where a gateway neither knows keys nor tells: the sandbox's do both
HEARING = ("hear_callback",)  # an API process


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
class Offspring:
    """A process of the nursery."""

    nursery: "Nursery"
    pid: int

    @property
    def alive(self) -> bool:
        try:
            return psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def until_ended(self, patience: float = PATIENCE) -> int:
        """How it ended: an exit code, or minus the signal that killed it."""
        found: list[int] = []

        def ended() -> bool:
            found[:] = [status] if (status := self.nursery.ending_of(self.pid)) is not None else []
            return bool(found)

        wait_until(ended, f"process {self.pid} to end", patience)
        return found[0]


@dataclass
class Worker(Offspring):
    """A real `worker.py`."""

    ready: Path

    def until_ready(self) -> None:
        wait_until(self.ready.exists, f"worker {self.pid} to be ready")


@dataclass
class Api(Offspring):
    """A real `python -m starter.api`, one process."""

    url: str

    def until_ready(self) -> None:
        """Connected to everything: from then on it decides what it accepts."""
        assert self.gets_ready(), f"the API at {self.url} died before it was ready"

    def gets_ready(self) -> bool:
        """Ready, or dead of a case that an earlier one left behind and it took up first."""
        wait_until(lambda: self._is_ready or not self.alive, f"the API at {self.url}")
        return self.alive

    @property
    def _is_ready(self) -> bool:
        return self._parts() == {"postgres": "ok", "temporal": "ok"}

    def _parts(self) -> dict[str, str] | None:
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False).json()["parts"]
        except httpx.TransportError:
            return None


Born = TypeVar("Born", bound=Offspring)


class Nursery:
    """Forks processes from one that has the heavy libraries loaded: a quarter of the time of a cold start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._alive: dict[int, Offspring] = {}
        self._numbers = count(1)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.nursery"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def worker(self, settings: Settings, queues: str = "decisions,evidence", **environment: str) -> Worker:
        name = f"worker-{next(self._numbers)}"
        ready = self._folder / f"{name}.ready"
        given = environment_of(settings, PLIMSOLL_READY_FILE=str(ready), **environment)
        return self._mine(Worker(self, self._fork(name, given, "worker", "--queues", queues), ready))

    def api(self, settings: Settings, port: int = 0, **environment: str) -> Api:
        port, name = port or free_port(), f"api-{next(self._numbers)}"
        pid = self._fork(name, environment_of(settings, **environment), "starter.api", "--port", str(port))
        return self._mine(Api(self, pid, f"http://127.0.0.1:{port}"))

    def _fork(self, name: str, environment: dict[str, str], module: str, *arguments: str) -> int:
        log = str(self._folder / f"{name}.log")
        return self._ask({"module": module, "arguments": arguments, "environment": environment, "log": log})

    def _mine(self, born: Born) -> Born:
        self._alive[born.pid] = born
        return born

    def ending_of(self, pid: int) -> int | None:
        status = self._ask({"ended": pid})
        if status is not None:
            self._alive.pop(pid, None)
        return status

    @property
    def logs(self) -> list[Path]:
        return sorted(self._folder.glob("*.log"))

    def _ask(self, order: dict) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        for process in list(self._alive.values()):
            process.send(signal.SIGKILL)
            process.until_ended()
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
