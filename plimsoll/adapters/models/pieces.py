"""Signs of life while a library works, and files that are whole."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.domain.models.training import Progress

TICK = 2.0  # seconds between two signs of life while a library works


@contextmanager
def alive(progress: Progress, text: str, done: int, of: int) -> Iterator[None]:
    """Tells how far it is, now and every two seconds for how long already; raises what `progress` raised."""
    progress(text, done, of)
    over, raised, began = Event(), [], time.monotonic()

    def tick() -> None:
        while not over.wait(TICK):
            try:
                progress(f"{text}, {time.monotonic() - began:.0f} s", done, of)
            except BaseException as error:
                raised.append(error)
                return

    # A copy of the context, because whoever listens may find its own place there.
    ticking = Thread(target=copy_context().run, args=(tick,), daemon=True)
    ticking.start()
    try:
        yield
    finally:
        over.set()
        ticking.join()
    if raised:
        raise raised[0]


def write_json(path: Path, told: Any) -> None:
    _whole(path, lambda beside: beside.write_text(json.dumps(told, indent=1, default=plain) + "\n"))


def write_array(path: Path, values: npt.NDArray[Any]) -> None:
    def write(beside: Path) -> None:
        with beside.open("wb") as file:
            np.save(file, values, allow_pickle=False)

    _whole(path, write)


def _whole(path: Path, write: Callable[[Path], Any]) -> None:
    """There whole or not there: a killed worker leaves no half of a file behind under its name."""
    beside = path.with_name(f".{path.name}.part")
    write(beside)
    beside.replace(path)


def plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no place in a report")
