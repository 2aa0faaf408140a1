"""The Gate: nothing of the console answers without a session, but the door itself.

Streamlit serves its pages, media, uploads and websocket to whoever asks. This ASGI middleware
stands in front of all of it, and serves sign-in and sign-out, which are plain forms.
"""

import hashlib
import html.parser
import re
import time
from collections.abc import Callable
from importlib.resources import files
from typing import Protocol
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.backend import Backend, Json, Problem, SignedOut, Unreachable
from ui.door import REASONS, away_page, sign_in_page, sign_out_page
from ui.menu import MENU
from ui.settings import ConsoleSettings

HEALTH = "/_stcore/health"
SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"
DRIFT_PAGE = "/drift-page"
# It draws itself and reaches nothing; being of no origin, it cannot touch the console around it.
DRIFT_PAGE_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; frame-ancestors 'self'"
)
START = "/queue"
PAGES = tuple(f"/{page.path}" for page in MENU)
TRUST = 5.0  # seconds a session is trusted for files and page loads; a websocket is always asked for anew
LONGEST_FORM = 4096
REPORT_ID = re.compile(r"drf_[0-9a-z]{26}")
SESSION_LIFE = 8 * 3600


class Sessions(Protocol):
    """What the Gate needs of the API."""

    def open(self, key: str) -> str: ...

    def end(self, token: str) -> None: ...

    def check(self, token: str) -> Json: ...

    def drift_page(self, token: str, report: str) -> bytes: ...


class ApiSessions:
    def __init__(self, api: str) -> None:
        self._api = api

    def open(self, key: str) -> str:
        """The token of a new session. Raises SignedOut for a key nobody knows."""
        return Backend(self._api, key).open_session()["token"]

    def end(self, token: str) -> None:
        Backend(self._api, token).end_session()

    def check(self, token: str) -> Json:
        return Backend(self._api, token, automatic=True).who_am_i()

    def drift_page(self, token: str, report: str) -> bytes:
        return Backend(self._api, token).drift_page(report)


class Gate:
    def __init__(self, app: ASGIApp, settings: ConsoleSettings, sessions: Sessions) -> None:
        self._app = app
        self._settings = settings
        self._sessions = sessions
        self._seen: dict[str, float] = {}  # token -> until when it is trusted
        self._policy = content_policy()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, self._hardened(send))
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    # HTTP ----------------------------------------------------------------------------------

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer = self._refusal(request) or await self._own_page(request)
        if answer is None and request.url.path != HEALTH:
            answer = await self._without_session(request)
        await (answer or self._app)(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        """A name we do not answer to, or an act started by another site."""
        if not self._host_is_ours(request):
            return PlainTextResponse("This console does not answer under that name.", 421)
        acts = request.method not in ("GET", "HEAD", "OPTIONS")
        if (acts or "origin" in request.headers) and not self._origin_is_ours(request):
            return PlainTextResponse("This was sent by another site: refused.", 403)
        return None

    async def _own_page(self, request: Request) -> Response | None:
        page: Callable | None = {
            ("GET", SIGN_IN): self._show_door,
            ("POST", SIGN_IN): self._sign_in,
            ("GET", SIGN_OUT): self._ask_to_leave,
            ("POST", SIGN_OUT): self._sign_out,
            ("GET", DRIFT_PAGE): self._drift_page,
        }.get((request.method, request.url.path))
        if page is None and request.url.path in (SIGN_IN, SIGN_OUT):
            return PlainTextResponse("GET or POST, please.", 405)
        return await page(request) if page else None

    async def _without_session(self, request: Request) -> Response | None:
        """None when this request may pass."""
        try:
            signed_in = await self._is_signed_in(self._token(request), fresh=False)
        except Problem as problem:
            return HTMLResponse(away_page(problem.sentence), 503)
        if signed_in:
            return RedirectResponse(START, 303) if request.url.path == "/" and _is_navigation(request) else None
        if not _is_navigation(request):
            return PlainTextResponse("Sign in first.", 401)
        return RedirectResponse(f"{SIGN_IN}?{urlencode({'next': _wanted(request)})}", 303)

    # Sign-in, sign-out ---------------------------------------------------------------------

    async def _show_door(self, request: Request) -> Response:
        because = REASONS.get(request.query_params.get("because", ""))
        return self._door(_safe_next(request.query_params.get("next")), because)

    async def _sign_in(self, request: Request) -> Response:
        form = await _form(request)
        wanted, key = _safe_next(form.get("next")), form.get("key", "").strip()
        if not key.startswith("plk_"):
            return self._door(wanted, "Enter a key: it starts with plk_.", 400)
        try:
            token = await run_in_threadpool(self._sessions.open, key)
        except Unreachable as problem:
            return self._door(wanted, problem.sentence, 503)
        except Problem:
            return self._door(wanted, "This key is not known here, or has been revoked.", 401)
        answer = RedirectResponse(wanted, 303)
        answer.set_cookie(self._settings.cookie, token, max_age=SESSION_LIFE, **self._cookie_marks)
        return answer

    async def _ask_to_leave(self, request: Request) -> Response:
        return HTMLResponse(sign_out_page())

    async def _sign_out(self, request: Request) -> Response:
        token = self._token(request)
        self._seen.pop(token, None)
        answer = RedirectResponse(f"{SIGN_IN}?because=left", 303)
        try:
            if token:
                await run_in_threadpool(self._sessions.end, token)
        except SignedOut:
            pass
        except Problem as problem:
            # The cookie stays: saying "signed out" while the session lives on would be a lie.
            return HTMLResponse(away_page(f"You are not signed out yet. {problem.sentence}"), 503)
        answer.delete_cookie(self._settings.cookie, **self._cookie_marks)
        return answer

    async def _drift_page(self, request: Request) -> Response:
        """A drift report, for the frame of the Drift page: read as the person who looks at it."""
        report = request.query_params.get("report", "")
        if not REPORT_ID.fullmatch(report):
            return PlainTextResponse("There is no such report.", 404)
        try:
            page = await run_in_threadpool(self._sessions.drift_page, self._token(request), report)
        except SignedOut:
            return PlainTextResponse("Sign in first.", 401)
        except Problem as problem:
            return PlainTextResponse(problem.sentence, 404)
        return HTMLResponse(page, headers={"Content-Security-Policy": DRIFT_PAGE_POLICY})

    def _door(self, wanted: str, problem: str | None, status: int = 200) -> Response:
        keys = str(self._settings.keys_file) if self._settings.profile == "local" else None
        return HTMLResponse(sign_in_page(wanted, problem, keys), status)

    # Websocket -----------------------------------------------------------------------------

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        try:
            may = (
                self._host_is_ours(connection)
                and self._origin_is_ours(connection)
                and await self._is_signed_in(self._token(connection), fresh=True)
            )
        except Problem:
            may = False
        if may:
            await self._app(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "Sign in first."})

    # Checks --------------------------------------------------------------------------------

    async def _is_signed_in(self, token: str, *, fresh: bool) -> bool:
        if not token.startswith("pls_"):
            return False
        if not fresh and self._seen.get(token, 0.0) > time.monotonic():
            return True
        try:
            await run_in_threadpool(self._sessions.check, token)
        except SignedOut:
            self._seen.pop(token, None)
            return False
        if len(self._seen) > 1000:
            self._seen.clear()
        self._seen[token] = time.monotonic() + TRUST
        return True

    def _token(self, connection: HTTPConnection) -> str:
        return connection.cookies.get(self._settings.cookie, "")

    def _host_is_ours(self, connection: HTTPConnection) -> bool:
        given = connection.headers.getlist("host")
        return len(given) == 1 and _hostname(f"//{given[0]}") in self._settings.hosts

    def _origin_is_ours(self, connection: HTTPConnection) -> bool:
        """Same host and port as asked for, and one of our names. No origin is no proof."""
        given = connection.headers.getlist("origin")
        if len(given) != 1 or _hostname(given[0]) not in self._settings.hosts:
            return False
        public = urlsplit(self._settings.console).netloc
        return urlsplit(given[0]).netloc in (connection.headers.get("host"), public)

    @property
    def _cookie_marks(self) -> dict:
        return {"httponly": True, "samesite": "strict", "secure": self._settings.secure, "path": "/"}

    def _hardened(self, send: Send) -> Send:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", self._policy)
                headers["X-Content-Type-Options"] = "nosniff"
                # Not no-referrer: that would blank the Origin of our own forms.
                headers["Referrer-Policy"] = "same-origin"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                if "text/html" in headers.get("content-type", ""):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        return with_headers


def content_policy() -> str:
    """Nothing from elsewhere: no fonts, scripts, frames or calls home, whatever a page or a library tries."""
    scripts = " ".join(f"'sha256-{digest}'" for digest in _inline_scripts())
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'unsafe-eval' {scripts}".strip(),  # charts are compiled in the browser
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "worker-src 'self' blob:",
            "frame-ancestors 'none'",
            "form-action 'self'",
            "base-uri 'self'",
            "object-src 'none'",
        )
    )


def _inline_scripts() -> list[str]:
    from base64 import b64encode

    from ui.door import GO_TO_THE_DOOR

    found = _Scripts()
    found.feed((files("streamlit") / "static" / "index.html").read_text())
    return [b64encode(hashlib.sha256(code.encode()).digest()).decode() for code in (*found.inline, GO_TO_THE_DOOR)]


class _Scripts(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.inline: list[str] = []
        self._reading = False

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self._reading = tag == "script" and "src" not in dict(attrs)

    def handle_data(self, data: str) -> None:
        if self._reading:
            self.inline.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._reading = False


def _hostname(address: str) -> str:
    try:
        parts = urlsplit(address)
        _ = parts.port
        return "" if parts.username or parts.password else parts.hostname or ""
    except ValueError:
        return ""


def _is_navigation(request: Request) -> bool:
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


def _wanted(request: Request) -> str:
    query = request.url.query
    return _safe_next(quote(request.url.path) + (f"?{query}" if query else ""))


def _safe_next(wanted: str | None) -> str:
    """One of our own pages, or the start: never another site."""
    parts = urlsplit(wanted or "")
    if parts.scheme or parts.netloc or parts.path not in PAGES or "\\" in (wanted or ""):
        return START
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_FORM:
            return {}
    return {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
