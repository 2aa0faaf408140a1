"""Places where a chaos test kills this process: before and after each side effect. Nothing otherwise.

`PLIMSOLL_FAULTPOINT=record.after` arms one, in a test and never in production. Unless armed, the
decorated function is left exactly as it was.
"""

import functools
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

KNOWN: list[str] = []  # every place there is: tests/chaos dies at each of them
_ARMED = os.environ.get("PLIMSOLL_FAULTPOINT") if os.environ.get("PLIMSOLL_PROFILE") != "production" else None


def faultpoints(name: str) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], Callable[P, Coroutine[Any, Any, R]]]:
    """Marks a side effect: one place before it, one after it."""
    before, after = f"{name}.before", f"{name}.after"
    KNOWN.extend((before, after))

    def mark(effect: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        if _ARMED not in (before, after):
            return effect

        @functools.wraps(effect)
        async def killed_there(*args: P.args, **kwargs: P.kwargs) -> R:
            _die_at(before)
            result = await effect(*args, **kwargs)
            _die_at(after)
            return result

        return killed_there

    return mark


def _die_at(place: str) -> None:
    if place == _ARMED:
        os.kill(os.getpid(), signal.SIGKILL)
