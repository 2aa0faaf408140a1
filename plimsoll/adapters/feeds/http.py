"""One call to a feed: within its limit, with a deadline, and whatever goes wrong in our words.

Nothing is tried twice here: Temporal does that, and waits as long as the feed asked for.
"""

import asyncio
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from plimsoll.connections import Connections
from plimsoll.domain.errors import SourceBusy, SourceUnavailable

DEADLINE = 20.0  # seconds
LARGEST = 8 * 1024 * 1024


class FeedCalls:
    """Calls to one feed, evenly spaced below the rate it allows."""

    def __init__(self, name: str, url: str, per_second: float) -> None:
        self._name = name
        self._every = 1 / per_second
        self._next_at = 0.0
        self._http = httpx.AsyncClient(
            base_url=url,
            timeout=httpx.Timeout(DEADLINE, connect=3.0),
            trust_env=False,
            transport=Connections(at_most=10, patience=DEADLINE),
        )

    async def json(self, method: str, path: str, *, refused: tuple[int, ...] = (), **given: Any) -> Any:
        """What it answers. Raises SourceBusy, SourceUnavailable; a status in `refused` comes back as its body."""
        await self._my_turn()
        try:
            async with asyncio.timeout(DEADLINE):
                answer = await self._http.request(method, path, **given)
        except (TimeoutError, httpx.HTTPError) as error:
            kind = "timeout" if isinstance(error, TimeoutError | httpx.TimeoutException) else "refused"
            raise self._unavailable(kind, f"did not answer ({type(error).__name__})") from None
        return self._read(answer, refused)

    async def close(self) -> None:
        await self._http.aclose()

    async def _my_turn(self) -> None:
        now = time.monotonic()
        at = max(now, self._next_at)
        self._next_at = at + self._every
        await asyncio.sleep(at - now)

    def _read(self, answer: httpx.Response, refused: tuple[int, ...]) -> Any:
        if answer.status_code == 429:
            wait = seconds_to_wait(answer.headers.get("retry-after"))
            raise SourceBusy(f"{self._name} asks to come back later", source=self._name, retry_after=wait)
        if answer.status_code != 200 and answer.status_code not in refused:
            kind = "server_error" if answer.status_code >= 500 else "refused"
            raise self._unavailable(kind, f"answered with status {answer.status_code}")
        if len(answer.content) > LARGEST:
            raise self._unavailable("too_large", f"sent more than {LARGEST} bytes")
        try:
            return answer.json(parse_float=str)  # money keeps the digits it was written with
        except ValueError:
            raise self._unavailable("garbage", "sent no JSON") from None

    def _unavailable(self, kind: str, fact: str) -> SourceUnavailable:
        return SourceUnavailable(f"{self._name} {fact}", source=self._name, kind=kind)


def garbage(name: str) -> SourceUnavailable:
    return SourceUnavailable(f"{name} sent a page that cannot be read", source=name, kind="garbage")


def seconds_to_wait(retry_after: str | None) -> float | None:
    """A number of seconds or a date; anything else says nothing."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
