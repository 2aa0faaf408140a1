"""The local stack as a whole: up, down, describe, restart. What the CLI calls.

    for event in stack.up(home, ports="auto"):
        print(event.part, event.state, event.sentence)
    stack.describe(home)["api"]
    stack.down(home)

`up` prepares what takes long (keys, the Temporal server's binary), writes the plan to
`stack.json` and starts the supervisor, which does the rest and outlives us.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from plimsoll.local import parts as catalogue
from plimsoll.local import secrets, state
from plimsoll.local.errors import NotRunning, PartFailed, PartUnknown, StackError, StoreUnusable
from plimsoll.local.parts import ROOT, Given, Plan
from plimsoll.local.ports import choose
from plimsoll.local.processes import end, end_all, members_of_session, wait_until
from plimsoll.local.state import PartState, Stack
from plimsoll.local.temporal_binaries import obtain

WATCH_EVERY = 0.05
START_PATIENCE = 300.0
STOP_PATIENCE = 180.0


@dataclass(frozen=True)
class Event:
    """Something a waiting person wants to know."""

    part: str
    state: str
    sentence: str = ""
    seconds: float = 0.0  # since `up` was called


def up(
    home: Path,
    ports: Literal["default", "auto"] = "default",
    detach: bool = True,
    only: list[str] | None = None,
) -> Iterator[Event]:
    """Starts the stack and tells what happens until every part is ready.

    Detached, that is the end of it. Otherwise the events go on while the stack runs, and it
    stops when the caller closes the iterator or dies. Calling it on a running stack joins in.
    """
    started = time.monotonic()
    home = home.expanduser().absolute()
    secrets.make_private_folder(home)
    (home / "logs").mkdir(mode=0o700, exist_ok=True)
    with _Lifeline(attached=not detach) as lifeline:
        try:
            yield from _timed(_start_or_join(home, ports == "auto", only, lifeline), started)
            if not detach:
                yield from _timed(_while_running(home), started)
        finally:
            if not detach:
                down(home)


def down(home: Path) -> bool:
    """Stops everything of this home, in reverse order; False when there was nothing to stop."""
    home = home.expanduser().absolute()
    if not home.exists():
        return False
    wait_until(lambda: state.load(home).supervised or not state.is_taken(home), START_PATIENCE)
    stack = state.load(home)
    if stack.supervised and stack.supervisor:
        end(stack.supervisor, signal.SIGTERM, STOP_PATIENCE)
        _clear_leftovers(home)
        return True
    return _clear_leftovers(home)


def restart(home: Path, part: str) -> None:
    """Stops one part; the supervisor starts it again at once. Returns when it is on its way."""
    stack = state.load(home.expanduser().absolute())
    if not stack.supervised or not stack.supervisor:
        raise NotRunning(f"Nothing runs in {home}; start it with `plimsoll up`.")
    record = stack.parts.get(part)
    if record is None:
        raise PartUnknown(f"There is no part {part} here; there are {', '.join(stack.parts)}.")
    if record.process:
        end(record.process, signal.Signals(record.stop_signal), record.stop_patience)
    os.kill(stack.supervisor.pid, signal.SIGHUP)


def describe(home: Path) -> dict[str, Any]:
    """Where everything answers, and how each part is: what `up --json` and `doctor --json` print."""
    home = home.expanduser().absolute()
    stack = state.load(home)
    return {
        "home": str(home),
        **{name: stack.settings.get(name) for name in ("api", "console", "sandbox")},
        "temporal": stack.settings.get("temporal_address"),
        "temporal_ui": stack.settings.get("temporal_ui_url"),
        "ready": stack.supervised and stack.ready,
        "supervisor": stack.supervisor.pid if stack.supervisor and stack.supervised else None,
        "pids": {name: part.pid for name, part in stack.parts.items() if part.alive},
        "parts": {name: _described(part, stack.supervised) for name, part in stack.parts.items()},
    }


def _described(part: state.PartRecord, supervised: bool) -> dict[str, Any]:
    # Without a supervisor the file may be older than the truth.
    stopped = not supervised and not part.alive
    return {
        "state": str(PartState.STOPPED if stopped else part.state),
        "pid": part.pid if part.alive else None,
        "since": part.since,
        "restarts": part.restarts,
        "sentence": part.sentence,
        "log": part.log,
    }


def _start_or_join(home: Path, automatic: bool, only: list[str] | None, lifeline: "_Lifeline") -> Iterator[Event]:
    lock = state.take(home)
    if lock is None:
        _try_again_now(home)
        if (yield from _until_ready(home)):
            return
        # It was going down, killed perhaps a moment ago: then it is ours to start.
        wait_until(lambda: not state.is_taken(home), STOP_PATIENCE)
        lock = state.take(home)
    if lock is None:
        raise StackError(f"Somebody else is starting or stopping the stack in {home}; try again.")
    with closing(lock):
        yield from _prepare(home, automatic, only)
        _start_supervisor(home, lock, lifeline)
    if not (yield from _until_ready(home)):
        raise StackError(f"The supervisor ended; see {home / 'logs' / 'supervisor.log'}.")


def _prepare(home: Path, automatic: bool, only: list[str] | None) -> Iterator[Event]:
    """Everything before the first process: order in the house, keys, binaries, ports, the plan on paper."""
    _clear_leftovers(home)
    given = Given.by(os.environ)
    chosen = catalogue.names(given, only)
    stack = state.load(home)
    stack.ports = {**stack.ports, **choose(catalogue.ports_needed(chosen), stack.ports, automatic)}
    plan = Plan(home, {port: stack.ports[port] for port in catalogue.ports_needed(chosen)}, given)
    yield from _first_run(plan, chosen)
    if "temporal" in chosen:
        for sentence in obtain():
            yield Event("temporal", "fetching", sentence)
    stack.only = only
    stack.settings = plan.settings()
    stack.parts = {name: state.PartRecord() for name in chosen}
    state.save(stack)


def _first_run(plan: Plan, chosen: list[str]) -> Iterator[Event]:
    folder = plan.home / "secrets"
    if "postgres" in chosen and plan.cluster.exists:
        _refuse_lost_keys(folder)
        secrets.make_callback_secret(folder)
        return
    secrets.make_keys(folder)
    if "postgres" in chosen:
        yield Event("postgres", "creating", f"creating the database in {plan.cluster.folder}")
        plan.cluster.create()


def _refuse_lost_keys(folder: Path) -> None:
    """New keys beside old data would look fine and make every person's record unreadable."""
    lost = secrets.missing(folder)
    if lost:
        raise StoreUnusable(
            f"There is a database, but {', '.join(lost)} of {folder} has gone; put it back from a backup, "
            "or move the home away to begin anew."
        )


def _start_supervisor(home: Path, lock: IO[str], lifeline: "_Lifeline") -> None:
    passed = (lock.fileno(), *lifeline.to_pass)
    log = os.open(home / "logs" / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(log, "ab") as output:
        subprocess.Popen(
            (sys.executable, "-m", "plimsoll.local.supervisor", str(home), *map(str, passed)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=ROOT,
            pass_fds=passed,
            start_new_session=True,
        )


def _until_ready(home: Path) -> Generator[Event, None, bool]:
    """Follows a stack until it is ready; False when it ended instead."""
    for stack, events in _snapshots(home):
        yield from events
        for name, part in stack.parts.items():
            if part.state is PartState.FAILING:
                raise PartFailed(f"{part.sentence} (log: {part.log})", part=name)
        if stack.ready and stack.supervised:
            return True
    return False


def _while_running(home: Path) -> Iterator[Event]:
    for _, events in _snapshots(home):
        yield from events


def _snapshots(home: Path) -> Iterator[tuple[Stack, list[Event]]]:
    """The stack as it is, and what changed since the last look, until the supervisor ends."""
    seen: dict[str, tuple[PartState, float]] = {}
    while state.is_taken(home):
        stack = state.load(home)
        news = {name: (part.state, part.since) for name, part in stack.parts.items() if part.since}
        changed = [name for name, now in news.items() if seen.get(name) != now]
        seen.update(news)
        yield stack, [Event(name, str(stack.parts[name].state), stack.parts[name].sentence) for name in changed]
        time.sleep(WATCH_EVERY)


def _timed(events: Iterator[Event], started: float) -> Iterator[Event]:
    for event in events:
        yield Event(event.part, event.state, event.sentence, round(time.monotonic() - started, 2))


def _try_again_now(home: Path) -> None:
    """A stack that already runs may hold parts that wait half a minute for their next attempt."""
    stack = state.load(home)
    if stack.supervised and stack.supervisor and not stack.ready:
        os.kill(stack.supervisor.pid, signal.SIGHUP)


def _clear_leftovers(home: Path) -> bool:
    """Ends what a killed supervisor left behind; whether there was anything."""
    stack = state.load(home)
    left = [part for part in reversed(stack.parts.values()) if part.process and part.alive]
    for part in left:
        if part.process:
            end(part.process, signal.Signals(part.stop_signal), part.stop_patience)
    strays = members_of_session(stack.supervisor) if stack.supervisor else []
    end_all(strays)
    for part in stack.parts.values():
        part.state = PartState.STOPPED
    _forget_supervisor(stack)
    return bool(left or strays)


def _forget_supervisor(stack: Stack) -> None:
    stack.supervisor = None
    state.save(stack)


class _Lifeline:
    """A pipe held open while a foreground `up` lives; its end tells the supervisor to stop."""

    def __init__(self, attached: bool) -> None:
        self._ends: tuple[int, ...] = os.pipe() if attached else ()

    @property
    def to_pass(self) -> tuple[int, ...]:
        return self._ends[:1]

    def __enter__(self) -> "_Lifeline":
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in self._ends:
            os.close(descriptor)
