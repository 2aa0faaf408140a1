"""Requests and answers as ASGI messages, and the rude things one can do with a connection.

Written by hand because the sources stand in every benchmark: a framework's routing and
models would cost more than the source itself.
"""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

from sandbox.journal import Served
from sandbox.sources.endpoint import NotUnderstood

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LARGEST_REQUEST = 256 * 1024
LONGEST_HOLD = 300.0
HUGE = 8 * 1024 * 1024
JSON_TYPE = (b"content-type", b"application/json")
REPLAYED = (b"idempotency-replayed", b"true")


class Reply(NamedTuple):
    status: int
    body: bytes
    served: Served


async def read_body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST_REQUEST:
            raise NotUnderstood("the body is too large")
        if not message.get("more_body"):
            return body


def header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


async def send_reply(send: Send, reply: Reply, *extra: tuple[bytes, bytes]) -> None:
    replayed = (REPLAYED,) if reply.served == "repeated" else ()
    await answer(send, reply.status, reply.body, *replayed, *extra)


async def answer(send: Send, status: int, body: bytes, *extra: tuple[bytes, bytes]) -> None:
    headers = [JSON_TYPE, (b"content-length", str(len(body)).encode()), *extra]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def answer_short(send: Send, body: bytes) -> None:
    """Announce more than is sent; the server then cuts the connection."""
    headers = [JSON_TYPE, (b"content-length", str(len(body) + 1000).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def answer_hugely(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [JSON_TYPE]})
    chunk = b" " * 65536
    for _ in range(HUGE // len(chunk)):
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"{}"})


async def answer_compressed(send: Send) -> None:
    await answer(send, 200, gzip.compress(b" " * HUGE), (b"content-encoding", b"gzip"))


async def drip(send: Send, reply: Reply) -> None:
    """One byte a second: no single read is late, only the whole."""
    headers = [JSON_TYPE, (b"content-length", str(len(reply.body)).encode())]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    for place in range(len(reply.body)):
        await send({"type": "http.response.body", "body": reply.body[place : place + 1], "more_body": True})
        await asyncio.sleep(1)
    await send({"type": "http.response.body", "body": b""})


async def hold(receive: Receive) -> None:
    """Keep the caller waiting until it gives up."""
    try:
        async with asyncio.timeout(LONGEST_HOLD):
            await until_gone(receive)
    except TimeoutError:
        await hang_up(receive)


async def hang_up(receive: Receive) -> None:
    """Close the connection without a word.

    ASGI has no message for it, so this reaches for the server's own connection: `receive` is a
    method of uvicorn's request cycle, which knows its transport.
    """
    receive.__self__.transport.abort()  # type: ignore[attr-defined]
    await until_gone(receive)


async def until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
