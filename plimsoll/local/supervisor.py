"""Starts the parts in order, starts again what dies, stops all in reverse. Run by `stack.up`.

    python -m plimsoll.local.supervisor HOME LOCK_FD [LIFELINE_FD]

One process, no threads: it sleeps until a child dies, a signal comes or a start is due.
It leads a session of its own that all parts share, so that whatever it leaves behind when
it is killed can be told for certain (`processes.members_of_session`).

Signals: TERM or INT stops the stack, HUP tries failing parts again at once.
"""

import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from plimsoll.domain.errors import PlimsollError
from plimsoll.local import parts as catalogue
from plimsoll.local import state
from plimsoll.local.parts import ROOT, Given, Part, Plan
from plimsoll.local.processes import ProcessMark, end_all, members_of_group, stop_child
from plimsoll.local.state import PartRecord, PartState, Stack

BACKOFF = (0.2, 0.5, 1.0, 2.0)
SLOW_RETRY = 30.0
# A part that lived this long before it died is not in a crash loop.
SETTLED_AFTER = 30.0
GIVE_UP_REPORTING_AFTER = len(BACKOFF) + 1
WHILE_STARTING = 0.05
LOG_LIMIT, LOGS_KEPT = 10 * 1024 * 1024, 5


@dataclass
class Charge:
    """A part in our care."""

    part: Part
    record: PartRecord
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    failures: int = 0
    next_attempt: float = 0.0

    @property
    def exit_code(self) -> int | None:
        return self.process.poll() if self.process else None


@dataclass
class Supervisor:
    stack: Stack
    charges: dict[str, Charge]
    told_to_stop: bool = False
    told_to_hurry: bool = False
    changed: bool = True
    wake: int = field(default=-1)
    lifeline: int | None = None

    def run(self) -> None:
        self._listen_to_signals()
        try:
            while not self.told_to_stop:
                self._hurry_if_told()
                for charge in self.charges.values():
                    self._look_after(charge)
                self._tell()
                self._sleep()
        finally:
            self._stop_all()

    def _look_after(self, charge: Charge) -> None:
        match charge.record.state:
            case PartState.WAITING | PartState.RESTARTING | PartState.FAILING:
                if self._may_start(charge):
                    self._start(charge)
            case PartState.STARTING:
                self._see_whether_ready(charge)
            case PartState.READY if charge.exit_code is not None:
                self._failed(charge, f"ended with {_ending(charge.exit_code)}")

    def _may_start(self, charge: Charge) -> bool:
        needs = all(self.charges[need].record.state.up for need in charge.part.needs)
        return needs and time.monotonic() >= charge.next_attempt

    def _start(self, charge: Charge) -> None:
        part, log = charge.part, Path(charge.record.log)
        charge.started = time.monotonic()
        try:
            part.prepare()
            _rotate(log)
            with _opened(log) as output:
                charge.process = subprocess.Popen(
                    part.command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=part.environment,
                    cwd=ROOT,
                    process_group=0,
                )
        except (OSError, PlimsollError) as error:
            self._failed(charge, str(error))
            return
        mark = ProcessMark.of(charge.process.pid)
        charge.record.pid, charge.record.born = charge.process.pid, mark.born if mark else None
        self._enter(charge, PartState.STARTING)

    def _see_whether_ready(self, charge: Charge) -> None:
        code, part = charge.exit_code, charge.part
        if code is not None:
            self._ended_while_starting(charge, code)
        elif part.ready and part.ready():
            self._came_up(charge)
        elif time.monotonic() - charge.started > part.ready_within:
            self._failed(charge, f"was not ready within {part.ready_within:.0f} s")

    def _ended_while_starting(self, charge: Charge, code: int) -> None:
        if charge.part.ready is None and code == 0:
            charge.failures = 0
            self._enter(charge, PartState.DONE)
        else:
            self._failed(charge, f"ended with {_ending(code)}")

    def _came_up(self, charge: Charge) -> None:
        try:
            charge.part.once_ready()
        except PlimsollError as error:
            self._failed(charge, str(error))
        else:
            self._enter(charge, PartState.READY)

    def _failed(self, charge: Charge, what: str) -> None:
        settled = time.monotonic() - charge.started > SETTLED_AFTER and charge.record.state is PartState.READY
        charge.failures = 1 if settled else charge.failures + 1
        charge.record.restarts += 1
        self._end(charge)
        failing = charge.failures >= GIVE_UP_REPORTING_AFTER
        delay = SLOW_RETRY if failing else BACKOFF[charge.failures - 1]
        charge.next_attempt = time.monotonic() + delay
        told = _last_line(Path(charge.record.log))
        sentence = f"{charge.part.name} {what}" + (f": {told}" if told else "")
        self._enter(charge, PartState.FAILING if failing else PartState.RESTARTING, sentence)

    def _end(self, charge: Charge) -> None:
        """Nothing of the part may outlive it: a stray child would hold its port."""
        if charge.process is None:
            return
        stop_child(charge.process, charge.part.stop_signal, charge.part.stop_patience)
        end_all(members_of_group(charge.process.pid), patience=2)
        charge.process = None

    def _stop_all(self) -> None:
        for charge in reversed(self.charges.values()):
            if charge.process:
                self._enter(charge, PartState.STOPPING)
                self._tell()
                self._end(charge)
            self._enter(charge, PartState.STOPPED)
        self.stack.supervisor = None
        self._tell()

    def _enter(self, charge: Charge, new: PartState, sentence: str = "") -> None:
        charge.record.state, charge.record.since, charge.record.sentence = new, time.time(), sentence
        self.changed = True
        if charge.failures <= GIVE_UP_REPORTING_AFTER:  # beyond that the log would say the same for ever
            took = f" after {time.monotonic() - charge.started:.2f} s" if new.up else ""
            print(f"{_now()} {charge.part.name}: {sentence or new}{took}", flush=True)

    def _tell(self) -> None:
        if self.changed:
            state.save(self.stack)
            self.changed = False

    def _hurry_if_told(self) -> None:
        if self.told_to_hurry:
            self.told_to_hurry = False
            for charge in self.charges.values():
                charge.next_attempt = charge.failures = 0

    def _sleep(self) -> None:
        watched = [self.wake] + ([self.lifeline] if self.lifeline is not None else [])
        woken, _, _ = select.select(watched, [], [], self._time_to_next())
        if self.wake in woken:
            os.read(self.wake, 4096)
        if self.lifeline in woken:
            self.told_to_stop = True  # whoever ran us in the foreground has gone

    def _time_to_next(self) -> float | None:
        """Until a start is due; for ever while all parts are up."""
        states = [charge.record.state for charge in self.charges.values()]
        if PartState.STARTING in states:
            return WHILE_STARTING
        due = [
            charge.next_attempt - time.monotonic()
            for charge in self.charges.values()
            if charge.record.state in (PartState.RESTARTING, PartState.FAILING)
        ]
        return max(min(due), WHILE_STARTING) if due else None

    def _listen_to_signals(self) -> None:
        self.wake, write = os.pipe()
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGHUP, self._on_hurry)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)

    def _on_stop(self, *_: object) -> None:
        self.told_to_stop = True

    def _on_hurry(self, *_: object) -> None:
        self.told_to_hurry = True


def supervise(home: Path, lifeline: int | None) -> None:
    """Looks after the stack that `stack.up` wrote down, until told to stop."""
    stack = state.load(home)
    given = Given.by(os.environ)
    chosen = catalogue.parts(Plan(home, stack.ports, given), catalogue.names(given, stack.only))
    stack.supervisor = ProcessMark.of(os.getpid())
    stack.parts = {part.name: _record_of(part, home) for part in chosen}
    # On paper before anything starts, so that nothing we might leave behind goes unrecorded.
    state.save(stack)
    charges = {part.name: Charge(part, stack.parts[part.name]) for part in chosen}
    Supervisor(stack, charges, lifeline=lifeline).run()


def _record_of(part: Part, home: Path) -> PartRecord:
    return PartRecord(
        log=str(home / "logs" / f"{part.name}.log"),
        stop_signal=int(part.stop_signal),
        stop_patience=part.stop_patience,
    )


def _opened(log: Path):
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return os.fdopen(descriptor, "ab")


def _rotate(log: Path) -> None:
    """Past the limit the old log moves aside: name.log.1 is the youngest, the fifth is dropped."""
    if not log.exists() or log.stat().st_size <= LOG_LIMIT:
        return
    for number in range(LOGS_KEPT - 1, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number + 1}"))
    log.replace(log.with_name(f"{log.name}.1"))


def _last_line(log: Path) -> str:
    """The last words of a part, read from the end of a log of any size."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4096))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1][:300] if lines else ""


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


if __name__ == "__main__":
    home_given, _lock, *rest = sys.argv[1:]
    supervise(Path(home_given), int(rest[0]) if rest else None)
