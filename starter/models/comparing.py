"""Two versions on the rows neither has learnt from: worked out in a process of its own.

Reading a lender's file and asking two models about it takes seconds of a core; in the API's own
process nobody's application would be decided meanwhile.
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


async def side_by_side(ports: Ports, one: ModelRecord, other: ModelRecord, now: datetime) -> SideBySide:
    """Raises InvalidRequest when they are not versions of one product, or the data are gone; ModelUnavailable."""
    if one.product != other.product:
        raise InvalidRequest(
            f"{one.called} was trained for {one.product} and {other.called} for {other.product}: they cannot be asked "
            "about the same applications."
        )
    product = ports.products.get(one.product)
    return await asyncio.to_thread(_apart, ports.contest.side_by_side, product, one, other, now)


def _apart(work: Callable[..., Any], *given: Any) -> Any:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        return processes.submit(work, *given).result(timeout=PATIENCE)
