"""One pooled HTTP client for all sources, with every limit a source could exceed.

    connect, read        each has its timeout
    the whole call       has a deadline, however lively the bytes drip
    the body             is read up to a cap, and never unpacked
    redirects            are not followed, proxies of the environment not used

Whatever goes wrong becomes SourceUnavailable or SourceBusy. `details["sent"]` tells whether
the question may have reached the source. Nothing is tried twice here: Temporal does that.
"""

import asyncio
import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, NamedTuple

import httpx

from plimsoll.connections import Connections
from plimsoll.domain.errors import SourceBusy, SourceUnavailable

KIB = 1024
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Reply(NamedTuple):
    """A source's answer as received: 200, or a 404 where the source speaks of absence."""

    status: int
    body: bytes
    repeated: bool


class SourceClient:
    """Shared by all sources of a process; close it when the process ends.

    It drives a transport of httpx rather than its client: redirects, cookies, hooks and
    authentication are not wanted here and cost a quarter of a millisecond per call.
    """

    def __init__(
        self,
        *,
        connect_timeout: float = 1.0,
        read_timeout: float = 2.0,
        deadline: float = 2.5,
        size_cap: int = 256 * KIB,
        connections: int = 32,
    ) -> None:
        self._deadline = deadline
        self._size_cap = size_cap
        self._extensions = {"timeout": httpx.Timeout(read_timeout, connect=connect_timeout).as_dict()}
        self._connections = Connections(at_most=connections, patience=connect_timeout)

    async def post(self, source: str, url: str, question: dict[str, Any], key: str | None) -> Reply:
        body = json.dumps(question, separators=(",", ":")).encode()
        headers = {"content-type": "application/json"}
        if key is not None:
            headers["idempotency-key"] = key
        return await self._exchange(source, "POST", address(url), headers, body)

    async def get(self, source: str, url: str, parameters: dict[str, str]) -> Reply:
        return await self._exchange(source, "GET", address(url).copy_merge_params(parameters), {}, None)

    async def close(self) -> None:
        await self._connections.aclose()

    async def _exchange(
        self, source: str, method: str, url: httpx.URL, headers: dict[str, str], body: bytes | None
    ) -> Reply:
        request = httpx.Request(
            method,
            url,
            # No encoding is asked for, so that a small answer cannot unpack into a huge one.
            headers={**headers, "accept": "application/json", "accept-encoding": "identity"},
            content=body,
            extensions=self._extensions,
        )
        try:
            async with asyncio.timeout(self._deadline):
                return await self._converse(source, request)
        except (TimeoutError, httpx.TimeoutException) as lateness:
            raise unavailable(source, "timeout", "did not answer in time", lateness) from lateness
        except httpx.TransportError as breakage:
            raise unavailable(source, "refused", "closed or refused the connection", breakage) from breakage

    async def _converse(self, source: str, request: httpx.Request) -> Reply:
        response = await self._connections.handle_async_request(request)
        try:
            refuse_bad_status(source, response)
            return Reply(
                response.status_code,
                await self._read(source, response),
                response.headers.get("idempotency-replayed") == "true",
            )
        finally:
            await response.aclose()

    async def _read(self, source: str, response: httpx.Response) -> bytes:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise unavailable(source, "garbage", "sent a packed answer nobody asked for")
        body = bytearray()
        try:
            async for part in response.aiter_raw():
                body += part
                if len(body) > self._size_cap:
                    raise unavailable(source, "too_large", f"sent more than {self._size_cap} bytes")
        except httpx.RemoteProtocolError as cut:
            raise unavailable(source, "garbage", "cut its answer short", cut) from cut
        return bytes(body)


def refuse_bad_status(source: str, response: httpx.Response) -> None:
    """200 and 404 are answers; what a 404 means only the source's adapter knows."""
    status = response.status_code
    if status in (200, 404):
        return
    if status == 429:
        wait = seconds_to_wait(response.headers.get("retry-after"))
        raise SourceBusy(f"{source} asks to come back later", source=source, retry_after=wait)
    if status >= 500:
        raise unavailable(source, "server_error", f"failed with status {status}")
    kind = "refused" if status >= 400 else "garbage"
    raise unavailable(source, kind, f"answered with status {status}")


def seconds_to_wait(retry_after: str | None) -> float | None:
    """Retry-After is a number of seconds or a date; anything else says nothing."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def unavailable(source: str, kind: str, fact: str, cause: Exception | None = None) -> SourceUnavailable:
    return SourceUnavailable(f"{source} {fact}", source=source, kind=kind, sent=not isinstance(cause, NEVER_SENT))


@lru_cache(maxsize=64)
def address(url: str) -> httpx.URL:
    """Parsing a URL costs as much as building the rest of the request; there are only a few."""
    return httpx.URL(url)
