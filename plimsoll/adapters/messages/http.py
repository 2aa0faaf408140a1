"""One call to a gateway over HTTP, with every limit; `details["sent"]` tells whether it may have arrived."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx

from plimsoll.connections import Connections
from plimsoll.domain.outreach.contact import GatewayUnavailable

SECONDS = 8.0  # for the whole call, however lively the bytes drip
LARGEST = 256 * 1024
REFUSED = (400, 409, 422)  # the message is at fault
PLAIN = {"accept": "application/json", "accept-encoding": "identity"}
WAITS = {"timeout": httpx.Timeout(SECONDS, connect=2.0).as_dict()}
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Answer(NamedTuple):
    status: int
    content: Any  # JSON; None when there is none


class GatewayClient:
    """Connections are made when first needed, by whichever loop calls.

    No encoding is asked for, so that a small answer cannot unpack into a huge one.
    """

    def __init__(self) -> None:
        self._connections: Connections | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def ask(
        self, gateway: str, method: str, url: str, *, headers: Mapping[str, str] | None = None, **sent: Any
    ) -> Answer:
        """2xx, 404 and what is wrong with the message (400, 409, 422) are answers. Raises GatewayUnavailable."""
        request = httpx.Request(method, url, headers={**PLAIN, **(headers or {})}, extensions=WAITS, **sent)
        try:
            async with asyncio.timeout(SECONDS):
                response = await self._open().handle_async_request(request)
                try:
                    body = await _read(gateway, response)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.TimeoutException) as lateness:
            raise unavailable(gateway, "timeout", lateness) from None
        except httpx.TransportError as breakage:
            raise unavailable(gateway, "refused", breakage) from None
        if response.status_code in (401, 403, 429):
            kind = "busy" if response.status_code == 429 else "not_allowed"
            raise GatewayUnavailable(f"{gateway} took nothing ({response.status_code}).", kind=kind, sent=False)
        if response.status_code >= 500 or 300 <= response.status_code < 400:
            raise GatewayUnavailable(f"{gateway} answered {response.status_code}.", kind="server_error", sent=True)
        return Answer(response.status_code, _json(gateway, body))

    def warm(self) -> None:
        """What the first call would wait for, and everything else with it."""
        self._open()

    def _open(self) -> Connections:
        loop = asyncio.get_running_loop()
        if self._connections is None or self._loop is not loop:
            self._connections = Connections(at_most=100, patience=SECONDS)
            self._loop = loop
        return self._connections


async def _read(gateway: str, response: httpx.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > LARGEST:
            raise GatewayUnavailable(f"{gateway} answered with more than {LARGEST} bytes.", kind="garbage", sent=True)
    return bytes(body)


def _json(gateway: str, body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        raise GatewayUnavailable(f"{gateway} answered what is no JSON.", kind="garbage", sent=True) from None


def unavailable(gateway: str, kind: str, cause: Exception) -> GatewayUnavailable:
    sent = not isinstance(cause, NEVER_SENT)
    return GatewayUnavailable(f"{gateway} cannot be reached ({type(cause).__name__}).", kind=kind, sent=sent)
