"""A training, watched from the command line until it ends."""

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from starter.cli.printing import note
from starter.cli.remote import Remote

BETWEEN_LOOKS = 0.5  # seconds
A_WHILE = 30.0  # seconds between two words of a step that goes on, where no bar can be drawn


def followed_to_its_end(api: Remote, run: dict[str, Any]) -> dict[str, Any]:
    """The run as it ended; a bar on the way, or lines where there is no terminal. Leaving early leaves it running."""
    return _with_a_bar(api, run) if sys.stderr.isatty() else _in_lines(api, run)


def where_it_stands(now: dict[str, Any]) -> str:
    """`candidates: forest, trial 2 of 8 (12 of 175) …`"""
    how_far = f" ({now['done']} of {now['of']})" if now["of"] > 1 else ""
    what = now["text"].rstrip(".")  # of a step that has just ended it is a whole sentence
    return f"{now['step']}: {what}{how_far} …" if what else f"{now['step']} …"


def _with_a_bar(api: Remote, run: dict[str, Any]) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[detail]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("waiting for a worker", total=len(run["steps"]), detail="")
        for seen in _looks(api, run):
            run, now = seen, seen["progress"]
            if now:
                part = now["done"] / now["of"] if now["of"] else 0.0
                progress.update(bar, description=now["step"], completed=len(now["finished"]) + part, detail=now["text"])
    return run


def _in_lines(api: Remote, run: dict[str, Any]) -> dict[str, Any]:
    step, told_at = "", 0.0
    for seen in _looks(api, run):
        run, now = seen, seen["progress"]
        if now and run["state"] == "running" and (now["step"] != step or time.monotonic() - told_at >= A_WHILE):
            step, told_at = now["step"], time.monotonic()
            note(where_it_stands(now))
    return run


def _looks(api: Remote, run: dict[str, Any]) -> Iterator[dict[str, Any]]:
    from plimsoll.domain.errors import Unavailable

    while True:
        yield run
        if run["state"] != "running":
            return
        time.sleep(BETWEEN_LOOKS)
        with suppress(Unavailable):  # the run goes on without anybody watching
            run = api.get(f"/v1/trainings/{run['id']}")
