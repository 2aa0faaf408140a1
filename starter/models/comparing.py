"""Two versions on the rows neither has learnt from: worked out in a process of its own.

Reading a lender's file and asking two models about it takes seconds of a core; in the API's own
process nobody's application would be decided meanwhile. Of a large file it takes longer than the
API lets anybody wait: whoever asks again finds the work where it is, not at its beginning.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from multiprocessing import get_context
from typing import Any

from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.models.registry import ModelRecord
from plimsoll.domain.models.side_by_side import SideBySide
from plimsoll.wiring import Ports

PATIENCE = 300.0  # seconds
KEPT = 600.0  # seconds that an answer waits for somebody to ask again

_under_way: dict[tuple[str, str], "asyncio.Task[SideBySide]"] = {}


async def side_by_side(ports: Ports, one: ModelRecord, other: ModelRecord, now: datetime) -> SideBySide:
    """Raises InvalidRequest when they are not versions of one product, or the data are gone; ModelUnavailable."""
    if one.product != other.product:
        raise InvalidRequest(
            f"{one.called} was trained for {one.product} and {other.called} for {other.product}: they cannot be asked "
            "about the same applications."
        )
    product, asked = ports.products.get(one.product), (one.id, other.id)
    if asked not in _under_way:
        work = asyncio.to_thread(_apart, ports.contest.side_by_side, product, one, other, now)
        _under_way[asked] = asyncio.create_task(work)
        _under_way[asked].add_done_callback(lambda done: _forgotten_later(asked, done))
    begun = _under_way[asked]
    try:
        return await asyncio.shield(begun)
    finally:
        if begun.done():
            _forget(asked, begun)


def _forgotten_later(asked: tuple[str, str], done: "asyncio.Task[SideBySide]") -> None:
    asyncio.get_running_loop().call_later(KEPT, _forget, asked, done)


def _forget(asked: tuple[str, str], done: "asyncio.Task[SideBySide]") -> None:
    if _under_way.get(asked) is done:
        del _under_way[asked]
    if not done.cancelled():
        done.exception()  # told to whoever waited; without a look asyncio complains of it


def _apart(work: Callable[..., Any], *given: Any) -> Any:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        return processes.submit(work, *given).result(timeout=PATIENCE)
