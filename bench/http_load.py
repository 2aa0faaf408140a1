"""A small open-loop HTTP client: requests leave on schedule, whether or not earlier ones came back.

A generator that waits for answers slows down with the server and hides what a user would feel
(coordinated omission). Latency is counted from the moment a request was due.
"""

import asyncio
import time
from collections import Counter
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
    seen, idle = Seen(), asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]()
    address = urlsplit(url)
    for _ in range(connections):
        idle.put_nowait(await asyncio.open_connection(address.hostname, address.port))
    began, tasks = time.perf_counter(), set()
    for number in range(int(rate * seconds)):
        due = number / rate
        delay = began + due - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        task = asyncio.create_task(_send(idle, next(requests), began, due, seen))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    seen.seconds = time.perf_counter() - began
    while not idle.empty():
        idle.get_nowait()[1].close()
    return seen


async def _send(idle: asyncio.Queue, request: bytes, began: float, due: float, seen: Seen) -> None:
    reader, writer = await idle.get()
    try:
        writer.write(request)
        status, headers = await _answer(reader)
    finally:
        idle.put_nowait((reader, writer))
    seen.statuses[status] += 1
    seen.latencies.append((due, time.perf_counter() - began - due))
    if status in (429, 503) and b"retry-after" not in headers:
        seen.retry_after_missing += 1


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
    if length:
        await reader.readexactly(length)
    return int(head[9:12]), head


def post(url: str, path: str, key: str, idempotency_key: str, body: bytes) -> bytes:
    """One HTTP/1.1 request, ready to be written."""
    host = urlsplit(url).netloc
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\nIdempotency-Key: {idempotency_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
