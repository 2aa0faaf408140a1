"""Processes told apart for certain: by id *and* moment of birth, never by name.

An id alone is not enough. Ids are reused, so after a crash the number we wrote down may
belong to somebody else's process by the time we come back to end it.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

POLL = 0.02


@dataclass(frozen=True)
class ProcessMark:
    """A process as written to `stack.json`: its id and when, on which boot, it was born."""

    pid: int
    born: str

    @classmethod
    def of(cls, pid: int) -> "ProcessMark | None":
        birth = born(pid)
        return cls(pid, birth) if birth else None

    @property
    def alive(self) -> bool:
        return born(self.pid) == self.born


def born(pid: int) -> str | None:
    """The birth mark of a running process; None for one that is gone or only awaits burial."""
    if not Path("/proc/self/stat").exists():
        return _born_elsewhere(pid)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return None
    state, started = fields[0], fields[19]
    return None if state in "ZX" else f"{machine()}:{started}"


def machine() -> str:
    """This boot of this machine, and which family of process ids we see (containers have their own)."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return str(int(psutil.boot_time()))


def _born_elsewhere(pid: int) -> str | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{machine()}:{process.create_time()}"
    except psutil.Error:
        return None


def end(process: ProcessMark, by: signal.Signals = signal.SIGTERM, patience: float = 10) -> bool:
    """Asks the process to stop, then makes it; True when it left on its own."""
    if not process.alive:
        return True
    _signal(process, by)
    if wait_until(lambda: not process.alive, patience):
        return True
    _signal(process, signal.SIGKILL)
    wait_until(lambda: not process.alive, 5)
    return False


def stop_child(child: "subprocess.Popen[bytes]", by: signal.Signals, patience: float) -> None:
    """The same for a child of ours, which has to be waited for as well."""
    if child.poll() is not None:
        return
    child.send_signal(by)
    try:
        child.wait(patience)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def end_all(processes: Iterable[ProcessMark], patience: float = 5) -> None:
    """Asks all at once, then makes those that stay."""
    processes = list(processes)
    for process in processes:
        _signal(process, signal.SIGTERM)
    wait_until(lambda: not any(process.alive for process in processes), patience)
    for process in processes:
        _signal(process, signal.SIGKILL)
    wait_until(lambda: not any(process.alive for process in processes), 5)


def members_of_group(leader: int) -> list[ProcessMark]:
    """The processes of a group; its leader itself may be long gone."""
    return [mark for mark in map(ProcessMark.of, _pids_where(os.getpgid, leader)) if mark]


def members_of_session(leader: ProcessMark) -> list[ProcessMark]:
    """What a session leader left behind, whether or not it still lives.

    The kernel gives no new process the number of a session that still has members. So if
    that number now belongs to a stranger, the session is empty; if to nobody, every
    process that names it as its session came from our leader.
    """
    if leader.born.rpartition(":")[0] != machine():
        return []
    if born(leader.pid) not in (leader.born, None):
        return []
    return [mark for mark in map(ProcessMark.of, _pids_where(os.getsid, leader.pid)) if mark]


def _pids_where(belongs_to: Callable[[int], int], leader: int) -> list[int]:
    found = []
    for pid in psutil.pids():
        try:
            if belongs_to(pid) == leader:
                found.append(pid)
        except OSError:
            continue
    return found


def _signal(process: ProcessMark, number: signal.Signals) -> None:
    if process.alive:
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return


def wait_until(true: Callable[[], bool], patience: float, every: float = POLL) -> bool:
    """Whether it became true before our patience ended."""
    deadline = time.monotonic() + patience
    while not true():
        if time.monotonic() >= deadline:
            return False
        time.sleep(every)
    return True
