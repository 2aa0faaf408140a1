"""The sandbox as its own process, for any test that needs the outside world.

async def test_something(sandbox):
    sandbox.fault("bureau", kind="500", times=1)
    ...use sandbox.url, or build_sources(sandbox.addresses, client)...
    assert sandbox.fresh_inquiries("bureau", "SGC-0001") == 1
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.sources import SOURCES

ROOT = Path(__file__).resolve().parent.parent
START_PATIENCE = 30.0
GENEROUS = 5000


@dataclass
class SandboxProcess:
    """A running sandbox, its switchboard, and the means to kill and restart it on its journal."""

    port: int
    log: Path
    process: subprocess.Popen[bytes] | None = None
    switchboard: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.switchboard = httpx.Client(base_url=self.url, trust_env=False, timeout=10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def callback_secret(self) -> Path:
        """A house whose gateways call back puts its own here: `house.listens_to(sandbox)`."""
        return self.log.with_suffix(".secret")

    @property
    def addresses(self) -> dict[str, str]:
        """What `build_sources` takes."""
        return dict.fromkeys(SOURCES, self.url)

    def start(self) -> None:
        command = [sys.executable, "-m", "sandbox", "--port", str(self.port), "--log", str(self.log)]
        command += ["--callback-secret", str(self.callback_secret)]
        self.process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
        self._await_health()

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def fault(self, source: str, **fault: Any) -> None:
        self.switchboard.put(f"/_faults/{source}", json=fault).raise_for_status()

    def lift_faults(self) -> None:
        self.switchboard.delete("/_faults").raise_for_status()

    def limit(self, source: str, per_second: float) -> None:
        self.switchboard.put(f"/_limits/{source}", json={"per_second": per_second}).raise_for_status()

    def lift_limits(self) -> None:
        for source in self.addresses:
            self.limit(source, GENEROUS)

    def requests(self, source: str | None = None, **filters: Any) -> list[dict[str, Any]]:
        """The journal, in order; filters are `since`, `reference`, `key`."""
        chosen = {name: value for name, value in {"source": source, **filters}.items() if value is not None}
        return self.switchboard.get("/_requests", params=chosen).raise_for_status().json()

    def fresh_inquiries(self, source: str, reference: str) -> int:
        """How often the source did the work for this person: at most once is the promise to keep."""
        return sum(entry["served"] == "fresh" for entry in self.requests(source, reference=reference))

    def people(self, kind: str, **choice: Any) -> list[dict[str, Any]]:
        return self.switchboard.get("/_people", params={"kind": kind, **choice}).raise_for_status().json()

    def _end(self, with_signal: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(with_signal)
            self.process.wait(timeout=20)
            self.process = None

    def _await_health(self) -> None:
        give_up_at = time.monotonic() + START_PATIENCE
        while time.monotonic() < give_up_at:
            try:
                if self.switchboard.get("/healthz").is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise TimeoutError(f"the sandbox did not answer within {START_PATIENCE} s")


@contextmanager
def a_sandbox(folder: Path) -> Iterator[SandboxProcess]:
    """A fresh sandbox on a free port, its journal in `folder`; gone afterwards."""
    sandbox = SandboxProcess(port=free_port(), log=folder / "sandbox.jsonl")
    try:
        sandbox.start()
        yield sandbox
    finally:
        sandbox.stop()
        sandbox.switchboard.close()


def start_sandbox(folder: Path) -> tuple[str, Callable[[], None]]:
    """The short form: its address, and a function that stops it."""
    sandbox = SandboxProcess(port=free_port(), log=folder / "sandbox.jsonl")
    sandbox.start()
    return sandbox.url, sandbox.stop


def journal_of(url: str) -> list[dict[str, Any]]:
    """Everything any sandbox was asked, in order."""
    return httpx.get(f"{url}/_requests", trust_env=False, timeout=60).raise_for_status().json()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """One sandbox for the session; tests use `sandbox`, which tidies up after each of them."""
    with a_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: SandboxProcess) -> Iterator[SandboxProcess]:
    yield running_sandbox
    running_sandbox.lift_faults()
    running_sandbox.lift_limits()
