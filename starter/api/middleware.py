"""Around every request: an id, a size limit, a time limit, one log line, metrics. No personal data."""

import asyncio
import re
import time
from typing import Any

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from plimsoll.domain.errors import TooLarge
from plimsoll.domain.ids import REQUEST, new_id
from plimsoll.domain.underwriting.desk import LARGEST_PAPER
from starter.api.problems import present, problem

log = structlog.get_logger()

REQUESTS = Counter("plimsoll_http_requests_total", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "plimsoll_http_request_seconds",
    "Time to answer.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
QUIET = {"/healthz", "/readyz", "/metrics"}
# Tables come in one body, and may be larger than one application.
TABLES = {"/v1/scores/batch", "/v1/transactions", "/v1/repayments"}
TABLE_LIMIT = 8 * 1024 * 1024
A_PAPER = re.compile(r"^/v1/applications/[^/]+/documents/[^/]+$")
OWN_ID = re.compile(r"^[\w.:-]{1,80}$")


class Envelope:
    """Plain ASGI, since this runs for every request of the hot path."""

    def __init__(self, app: ASGIApp, body_limit: int, timeout: float) -> None:
        self._app = app
        self._body_limit = body_limit
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, answered = time.perf_counter(), {"status": 500}
        headers = dict(scope["headers"])
        request_id = _request_id(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered["status"] = message["status"]
                message["headers"] = [*message["headers"], (b"request-id", request_id.encode())]
            await send(message)

        try:
            await self._within_limits(scope, receive, send_with_id, headers)
        finally:
            self._note(scope, answered["status"], time.perf_counter() - began)
            structlog.contextvars.clear_contextvars()

    async def _within_limits(self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes]) -> None:
        declared, limit = headers.get(b"content-length", b"0"), self._limit(scope["path"])
        if declared.isdigit() and int(declared) > limit:
            await present(_too_big(limit))(scope, receive, send)
            return
        received, started = 0, False

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > limit:
                    raise _too_big(limit)
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            async with asyncio.timeout(self._timeout):
                await self._app(scope, counted, noted)
        except TimeoutError:
            if not started:
                sentence = f"No answer within {self._timeout:g} s: ask again."
                late = problem(503, "timeout", sentence, {"Retry-After": "5"})
                await late(scope, receive, send)

    def _limit(self, path: str) -> int:
        if path in TABLES:
            return max(self._body_limit, TABLE_LIMIT)
        return max(self._body_limit, LARGEST_PAPER) if A_PAPER.match(path) else self._body_limit

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route: Any = scope.get("route")
        path = getattr(route, "path", "unknown")
        if path in QUIET:
            return
        REQUESTS.labels(scope["method"], path, status).inc()
        SECONDS.labels(scope["method"], path).observe(seconds)
        log.info("request", method=scope["method"], route=path, status=status, ms=round(seconds * 1000, 1))


def _too_big(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit // 1024} KiB: send less at once.")


def _request_id(headers: dict[bytes, bytes]) -> str:
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    return given if OWN_ID.match(given) else new_id(REQUEST)
