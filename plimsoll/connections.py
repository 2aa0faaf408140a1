"""Connections to the world outside: whom they trust, and how those of our HTTP clients are kept alive.

    client = httpx.AsyncClient(transport=Connections(at_most=32, patience=1.0), trust_env=False)

httpx's own pool does two things a decision cannot afford. It looks at every connection for every
request, with a system call each: with 32 of them that took longer than the request itself. And a
request that is cancelled after a connection was promised to it, before that is open, leaves its
place in the pool taken for ever (encode/httpcore#1093): one call too slow, and a source is lost
until the process starts anew. So each transport here holds one connection, and one that was left
in the middle is never used again.
"""

import asyncio
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator
from functools import cache

import httpx

# Many servers drop idle connections after five seconds; giving up first avoids writing a question
# into a connection that is just being closed.
IDLE_SECONDS = 4.0


@cache  # reading the certificates of the world takes a tenth of a second
def trusted() -> ssl.SSLContext:
    """Of sources, gateways, feeds and receivers of events: the authorities httpx brings along, no other by the
    environment."""
    return httpx.create_ssl_context(trust_env=False)


@cache
def trusted_by_the_system() -> ssl.SSLContext:
    """Of mail servers, whose certificate is often a house's own."""
    return ssl.create_default_context()


class Connections(httpx.AsyncBaseTransport):
    """At most so many at once to each address: one that hangs must not use up those of the others.

    Raises httpx.PoolTimeout when none came free within `patience` seconds.
    """

    def __init__(self, *, at_most: int, patience: float) -> None:
        self._to: defaultdict[tuple[str, str, int | None], _ToOneAddress] = defaultdict(
            lambda: _ToOneAddress(at_most, patience)
        )
        _open()  # the first of a process imports and reads for most of a second, in which no call should wait

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        address = self._to[url.scheme, url.host, url.port]
        transport = await address.take()
        try:
            response = await transport.handle_async_request(request)
        except BaseException:
            await address.throw_away(transport)
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _GivenBackWhenRead(response.stream, address, transport)
        return response

    async def aclose(self) -> None:
        for address in self._to.values():
            await address.close()


class _ToOneAddress:
    """The last used first, so that the others may end."""

    def __init__(self, at_most: int, patience: float) -> None:
        self._room = asyncio.Semaphore(at_most)
        self._patience = patience
        self._idle: list[httpx.AsyncHTTPTransport] = []

    async def take(self) -> httpx.AsyncHTTPTransport:
        try:
            async with asyncio.timeout(self._patience):
                await self._room.acquire()
        except TimeoutError as lateness:
            raise httpx.PoolTimeout("no connection came free") from lateness
        return self._idle.pop() if self._idle else _open()

    def give_back(self, transport: httpx.AsyncHTTPTransport) -> None:
        self._idle.append(transport)  # one that broke while it was read is dropped by its transport
        self._room.release()

    async def throw_away(self, transport: httpx.AsyncHTTPTransport) -> None:
        try:
            await transport.aclose()
        finally:
            self._room.release()

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().aclose()


def _open() -> httpx.AsyncHTTPTransport:
    return httpx.AsyncHTTPTransport(
        verify=trusted(), limits=httpx.Limits(max_connections=1, keepalive_expiry=IDLE_SECONDS)
    )


class _GivenBackWhenRead(httpx.AsyncByteStream):
    def __init__(
        self, body: httpx.AsyncByteStream, address: _ToOneAddress, transport: httpx.AsyncHTTPTransport
    ) -> None:
        self._body = body
        self._address = address
        self._transport: httpx.AsyncHTTPTransport | None = transport

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._body:
            yield part

    async def aclose(self) -> None:
        if self._transport is None:
            return
        transport, self._transport = self._transport, None
        try:
            await self._body.aclose()
        except BaseException:
            await self._address.throw_away(transport)
            raise
        self._address.give_back(transport)
