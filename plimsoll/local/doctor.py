"""What is wrong with this home's stack and what to do about it, one sentence a part.

`examine` looks at everything, also at what a production profile would refuse to start
with. Such a finding is `off`, not `wrong`: on one's own machine it is a convenience.
"""

import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from plimsoll.local import secrets, state
from plimsoll.local.parts import READY_PATHS
from plimsoll.local.ports import LOOPBACK, accepts
from plimsoll.local.readiness import answers
from plimsoll.local.state import PartRecord, PartState, Stack
from plimsoll.settings import Settings

ENOUGH_DISK = 1024**3
SAFE_WRITES = ("fsync", "full_page_writes", "synchronous_commit")
LOOPBACK_NAMES = {LOOPBACK, "localhost", "::1"}


class FindingState(StrEnum):
    OK = "ok"
    WRONG = "wrong"
    OFF = "off"


@dataclass(frozen=True)
class Finding:
    part: str
    state: FindingState
    sentence: str


def examine(home: Path) -> list[Finding]:
    """Every part of the stack, the home itself, and what production would refuse."""
    home = home.expanduser().absolute()
    stack, settings = state.load(home), Settings(home=home)
    return [
        *_home(home),
        *_supervisor(stack),
        *(_part(name, record, stack) for name, record in stack.parts.items()),
        *_given(settings, stack),
        *_database(settings, stack),
        *(Finding("production", FindingState.OFF, sentence) for sentence in refused_in_production(settings)),
    ]


def refused_in_production(settings: Settings) -> list[str]:
    """What the production profile does not start with, each with its remedy; empty when it may."""
    return [*_refused_conveniences(settings), *_refused_connections(settings)]


def _home(home: Path) -> Iterator[Finding]:
    if not home.exists():
        yield Finding("home", FindingState.OFF, f"There is no stack in {home}; `plimsoll up` makes one.")
        return
    free = shutil.disk_usage(home).free
    if free < ENOUGH_DISK:
        yield Finding(
            "home", FindingState.WRONG, f"Only {free // 1024**2} MiB are free in {home}; make room before it is full."
        )
    else:
        yield Finding("home", FindingState.OK, f"{home}, {free // 1024**3} GiB free.")
    yield _secrets(home / "secrets")


def _secrets(folder: Path) -> Finding:
    open_to_others = [path.name for path in folder.glob("*") if stat.S_IMODE(path.stat().st_mode) & 0o077]
    if not folder.exists():
        return Finding("secrets", FindingState.OFF, "None yet; the first `plimsoll up` makes them.")
    if stat.S_IMODE(folder.stat().st_mode) & 0o077 or open_to_others:
        named = ", ".join(open_to_others) or folder.name
        return Finding("secrets", FindingState.WRONG, f"Others may read {named}; `chmod -R go= {folder}`.")
    lost = [name for name in (secrets.KEK, secrets.SEAL_KEY) if not (folder / name).exists()]
    if lost:
        return Finding(
            "secrets", FindingState.WRONG, f"{', '.join(lost)} has gone from {folder}; put it back from a backup."
        )
    return Finding("secrets", FindingState.OK, f"Only their owner can read {folder}.")


def _supervisor(stack: Stack) -> Iterator[Finding]:
    if stack.supervised and stack.supervisor:
        yield Finding("supervisor", FindingState.OK, f"Process {stack.supervisor.pid} looks after the parts.")
    elif any(record.alive for record in stack.parts.values()):
        yield Finding(
            "supervisor",
            FindingState.WRONG,
            "It was killed and left parts behind; `plimsoll up` takes over, `plimsoll down` stops them.",
        )
    elif stack.supervisor:
        yield Finding(
            "supervisor",
            FindingState.WRONG,
            "It ended with all its parts and without `plimsoll down`: the machine was restarted, or everything was "
            "killed. Nothing accepted is lost; `plimsoll up` goes on.",
        )
    elif stack.parts:
        yield Finding("supervisor", FindingState.OFF, "The stack is down; `plimsoll up` starts it.")


def _part(name: str, record: PartRecord, stack: Stack) -> Finding:
    if record.state is PartState.DONE:
        return Finding(name, FindingState.OK, "Done at the last start.")
    if not stack.supervised and not record.alive:
        return Finding(name, FindingState.OFF, "Not running; `plimsoll up` starts it.")
    if record.state is not PartState.READY:
        why = record.sentence or f"It is {record.state}."
        return Finding(name, FindingState.WRONG, f"{why.rstrip('.')}. Its log: {record.log}")
    if not _answers(name, stack):
        return Finding(
            name, FindingState.WRONG, f"It runs but does not answer; `python -m plimsoll.local restart {name}`."
        )
    again = (
        f", started again {'once' if record.restarts == 1 else f'{record.restarts} times'}" if record.restarts else ""
    )
    return Finding(name, FindingState.OK, f"Process {record.pid} answers{again}.")


def _answers(name: str, stack: Stack) -> bool:
    if name in READY_PATHS:
        return answers(stack.settings[name], *READY_PATHS[name])()
    return name not in stack.ports or accepts(stack.ports[name])


def _given(settings: Settings, stack: Stack) -> Iterator[Finding]:
    """Engines that somebody else runs."""
    if settings.temporal_address and "temporal" not in stack.parts:
        host, _, port = settings.temporal_address.rpartition(":")
        if port.isdigit() and accepts(int(port), host):
            yield Finding("temporal", FindingState.OK, f"{settings.temporal_address} (not ours) answers.")
        else:
            yield Finding(
                "temporal",
                FindingState.WRONG,
                f"Nobody answers at TEMPORAL_ADDRESS {settings.temporal_address}; start it or unset the variable.",
            )


def _database(settings: Settings, stack: Stack) -> Iterator[Finding]:
    if settings.database_url is None:
        return
    ours = stack.parts.get("postgres")
    if ours and not ours.alive and settings.database_url == stack.settings.get("database_url"):
        yield Finding("database", FindingState.WRONG, "Postgres is not running, so nothing can be read or accepted.")
        return
    import psycopg

    try:
        with psycopg.connect(settings.database_url, connect_timeout=3) as connection:
            unsafe = [name for name in SAFE_WRITES if _shown(connection, name) == "off"]
            migrated = connection.execute("select to_regclass('alembic_version') is not null").fetchone()
    except psycopg.OperationalError as error:
        first_line = str(error).strip().partition("\n")[0]
        yield Finding("database", FindingState.WRONG, f"No connection as the application: {first_line}")
        return
    if unsafe:
        names = ", ".join(unsafe)
        yield Finding("database", FindingState.WRONG, f"{names} is off: a crash loses commits; turn it on.")
    elif not (migrated and migrated[0]):
        yield Finding("database", FindingState.WRONG, "It has no schema yet; `plimsoll up` migrates it.")
    else:
        yield Finding("database", FindingState.OK, "Reached as the application; every commit is synced.")


def _shown(connection: Any, name: str) -> str:
    row = connection.execute("select current_setting(%s)", [name]).fetchone()
    return str(row[0])


def _refused_conveniences(settings: Settings) -> Iterator[str]:
    if settings.mode == "test":
        yield "Test mode lets sandbox sources answer and cases be fast-forwarded; set PLIMSOLL_MODE=live."
    if not settings.source_urls:
        yield "The sandbox answers for every source; name the real ones in PLIMSOLL_SOURCE_URLS."
    if settings.secrets_dir is None:
        yield "Keys made on this machine wrap the personal keys; mount your own and set PLIMSOLL_SECRETS_DIR."
    if settings.log_level == "debug":
        yield "Debug logs tell more than an operator may see; set PLIMSOLL_LOG_LEVEL=info."


def _refused_connections(settings: Settings) -> Iterator[str]:
    database = urlsplit(settings.database_url or "")
    encrypted = parse_qs(database.query).get("sslmode", [""])[0] in ("require", "verify-ca", "verify-full")
    if not settings.database_url:
        yield "No database is named; set DATABASE_URL."
    elif database.hostname in LOOPBACK_NAMES:
        yield "The database is on this very machine; name a server of its own in DATABASE_URL."
    if settings.database_url and not encrypted:
        yield "The database is reached without TLS; add sslmode=verify-full to DATABASE_URL."
    if (settings.temporal_address or LOOPBACK).rpartition(":")[0].strip("[]") in LOOPBACK_NAMES | {""}:
        yield "Temporal is on this very machine and asks nobody who they are; set TEMPORAL_ADDRESS."
    if urlsplit(settings.console).scheme != "https":
        yield f"PLIMSOLL_CONSOLE is {settings.console}; name the https address people use."
