"""A small open-loop HTTP client: requests leave on schedule, whether or not earlier ones came back.

A generator that waits for answers slows down with the server and hides what a user would feel
(coordinated omission). Latency is counted from the moment a request was due. It shares the machine
with what it measures, so it is made of callbacks, and knows no more of HTTP than our answers need.
"""

import asyncio
import itertools
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Seen:
    """What came back: latency in seconds by second of the run, and statuses."""

    latencies: list[tuple[float, float]] = field(default_factory=list)  # (due at, taken)
    statuses: Counter[int] = field(default_factory=Counter)
    retry_after_missing: int = 0
    seconds: float = 0.0  # from the first request due to the last answer

    def quantile(self, share: float, since: float = 0.0, until: float = float("inf")) -> float:
        taken = sorted(latency for due, latency in self.latencies if since <= due < until)
        return taken[min(int(len(taken) * share), len(taken) - 1)] if taken else float("nan")


async def send_at_rate(url: str, requests: Iterator[bytes], rate: float, seconds: float, connections: int = 64) -> Seen:
    """Sends `rate` requests a second for so long, over keep-alive connections."""
    count = int(rate * seconds)
    due = deque(zip((number / rate for number in range(count)), itertools.islice(requests, count), strict=True))
    run, address = _Run(count), urlsplit(url)
    for _ in range(connections):
        await asyncio.get_running_loop().create_connection(
            lambda: _Connection(run), address.hostname or "", address.port or 80
        )
    run.began = time.perf_counter()
    try:
        while due and not run.over.done():
            delay = run.began + due[0][0] - time.perf_counter()
            if delay > 0:
                await asyncio.sleep(delay)
            run.send(*due.popleft())
        await run.over
    finally:
        run.hang_up()
    run.seen.seconds = time.perf_counter() - run.began
    return run.seen


class _Run:
    """What is due and finds no idle connection waits here, and its clock runs."""

    def __init__(self, count: int) -> None:
        self.seen = Seen()
        self.began = 0.0
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left = count
        self._connections: list[_Connection] = []
        self._idle: deque[_Connection] = deque()  # in turn, for a server hangs up on who is silent for long
        self._waiting: deque[tuple[float, bytes]] = deque()

    def send(self, due: float, request: bytes) -> None:
        if self._idle:
            self._idle.popleft().send(due, request)
        else:
            self._waiting.append((due, request))

    def connected(self, connection: "_Connection") -> None:
        self._connections.append(connection)
        self._idle.append(connection)

    def answered(self, connection: "_Connection", due: float, status: int, head: bytes) -> None:
        self.seen.statuses[status] += 1
        self.seen.latencies.append((due, time.perf_counter() - self.began - due))
        if status in (429, 503) and b"retry-after" not in head:
            self.seen.retry_after_missing += 1
        self._left -= 1
        if not self._left:
            self.over.set_result(None)
        elif self._waiting:
            connection.send(*self._waiting.popleft())
        else:
            self._idle.append(connection)

    def lost(self, connection: "_Connection") -> None:
        if connection in self._idle:
            self._idle.remove(connection)
        elif not self.over.done():
            self.over.set_exception(ConnectionError("the server hung up without an answer"))

    def hang_up(self) -> None:
        for connection in self._connections:
            connection.transport.close()


class _Connection(asyncio.Protocol):
    """One request at a time."""

    transport: asyncio.Transport

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._due = 0.0
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # uvloop's says what it is in its name only
        self._run.connected(self)

    def send(self, due: float, request: bytes) -> None:
        self._due = due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, body = self._read.partition(b"\r\n\r\n")
        head = head.lower()
        if end and len(body) >= _length(head):
            self._read = b""
            self._run.answered(self, self._due, int(head[9:12]), head)

    def connection_lost(self, error: Exception | None) -> None:
        self._run.lost(self)


def _length(head: bytes) -> int:
    """Of the body, as the head (in lower case) says."""
    _, _, rest = head.partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0]) if rest else 0


def post(url: str, path: str, key: str, idempotency_key: str, body: bytes) -> bytes:
    """One HTTP/1.1 request, ready to be written."""
    host = urlsplit(url).netloc
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\nIdempotency-Key: {idempotency_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
