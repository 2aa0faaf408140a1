"""`verify` and `redrive`: verbs that work on the parts themselves."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

import typer

from starter.cli.printing import DONE, FAILED, AsJson, as_json, note

if TYPE_CHECKING:
    from plimsoll.settings import Settings
    from plimsoll.wiring import Ports

T = TypeVar("T")


def add_to(app: typer.Typer) -> None:
    app.command("verify")(verify)
    app.command("redrive")(redrive)


def verify(json: AsJson = False) -> int:
    """Reads the whole record again: bytes, chain, checkpoints, rows. Names the first bad entry."""

    async def read_again(ports: "Ports", settings: "Settings"):
        return await ports.verifier.verify()

    found = _with_ports(read_again)
    if json:
        as_json({"ok": found.ok, **asdict(found)})
    elif found.ok:
        print(
            f"The record is whole: {found.entries} entries, {found.sealed} sealed, {found.rows} rows and "
            f"{found.checkpoints} checkpoints agree."
        )
    else:
        print(f"The record does not verify. {found.problem}.")
    return DONE if found.ok else FAILED


def redrive(json: AsJson = False) -> int:
    """Starts whatever is open and has no live run: after Temporal was lost, or a run was terminated."""

    async def start_again(ports: "Ports", settings: "Settings") -> list[str]:
        from starter.engine.client import connect
        from starter.engine.schedules import Scheduling
        from starter.loops.reconciler import Reconciler

        client = await connect(settings)
        started = []
        reconciler = Reconciler(ports.outbox, client, ports.open_runs)
        async for task in reconciler.redrive():
            started.append(task.application)
            note(f"started {task.application}")
        async for run in reconciler.redrive_others():
            started.append(run.id)
            note(f"started {run.kind} {run.id}")
        async for schedule in Scheduling(ports.products, ports.live, client).ensure():
            note(f"made the schedule {schedule}")
        return started

    started = _with_ports(start_again)
    as_json({"started": started}) if json else print(f"{len(started)} runs started again.")
    return DONE


def _with_ports(work: Callable[["Ports", "Settings"], Awaitable[T]]) -> T:
    import logging

    from plimsoll.settings import load_settings
    from plimsoll.wiring import open_ports

    # It says at every attempt what the one sentence of the error says once.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)

    async def run() -> T:
        settings = load_settings()
        async with open_ports(settings) as ports:
            return await work(ports, settings)

    return asyncio.run(run())
