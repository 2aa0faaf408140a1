"""`stack.json`: the one file of a home that tells what runs where. Readable by its owner alone.

settings     addresses and database URLs; `plimsoll.settings` reads these
ports        chosen once for this home, taken again whenever they are free
only         the parts asked for, when not all
supervisor   the process that looks after the others
parts        each one's state, process, restarts and log
"""

import fcntl
import json
import os
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from plimsoll.local.processes import ProcessMark

STACK_FILE = "stack.json"
LOCK_FILE = "stack.lock"


class PartState(StrEnum):
    WAITING = "waiting"  # for what it needs
    STARTING = "starting"
    READY = "ready"
    DONE = "done"  # a run-once part that succeeded
    RESTARTING = "restarting"  # it died and is about to be started again
    FAILING = "failing"  # it keeps dying; tried again every half minute
    STOPPING = "stopping"
    STOPPED = "stopped"

    @property
    def up(self) -> bool:
        return self in (PartState.READY, PartState.DONE)


@dataclass
class PartRecord:
    """What is known of one part; the process is the last one it had."""

    state: PartState = PartState.WAITING
    sentence: str = ""
    pid: int | None = None
    born: str | None = None
    since: float = 0.0
    restarts: int = 0
    log: str = ""
    stop_signal: int = 15
    stop_patience: float = 10.0

    @property
    def process(self) -> ProcessMark | None:
        return ProcessMark(self.pid, self.born) if self.pid and self.born else None

    @property
    def alive(self) -> bool:
        return bool(self.process and self.process.alive)


@dataclass
class Stack:
    """The content of the file."""

    home: Path
    ports: dict[str, int] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    only: list[str] | None = None
    supervisor: ProcessMark | None = None
    parts: dict[str, PartRecord] = field(default_factory=dict)

    @property
    def supervised(self) -> bool:
        return bool(self.supervisor and self.supervisor.alive)

    @property
    def ready(self) -> bool:
        return bool(self.parts) and all(part.state.up for part in self.parts.values())


def load(home: Path) -> Stack:
    """What the file tells, or an empty stack; a file we cannot understand counts as none."""
    try:
        content = json.loads((home / STACK_FILE).read_text())
        return Stack(
            home=home,
            ports=content["ports"],
            settings=content["settings"],
            only=content["only"],
            supervisor=ProcessMark(**content["supervisor"]) if content["supervisor"] else None,
            parts={name: _record(values) for name, values in content["parts"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Stack(home=home)


def save(stack: Stack) -> None:
    """In one step: a reader sees the old content or the new, never half of it."""
    content: dict[str, Any] = {**asdict(stack), "home": str(stack.home)}
    draft = stack.home / f".{STACK_FILE}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
    draft.replace(stack.home / STACK_FILE)


def take(home: Path) -> IO[str] | None:
    """The right to run this home's stack; None while somebody else has it.

    The supervisor inherits the open file, so the right ends with its life, however it ends.
    """
    lock = os.fdopen(os.open(home / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def is_taken(home: Path) -> bool:
    lock = take(home)
    if lock:
        lock.close()
    return lock is None


def _record(values: dict[str, Any]) -> PartRecord:
    return PartRecord(**{**values, "state": PartState(values["state"])})
