"""The requests that come in hundreds a second, without the framework around them.

Routing, dependency solving and exit stacks cost an acceptance a fifth of its time. So this answers
applications, scores and transactions first, with the very function and guard of the documented route; every
other request goes on into FastAPI.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from plimsoll.domain.access import Permission
from plimsoll.domain.errors import PlimsollError
from starter.api.auth import Needs
from starter.api.problems import present, unforeseen
from starter.api.routes import applications, scores, transactions


@dataclass(frozen=True)
class Shortcut:
    """A documented route, and what it would have come to."""

    route: Any
    answer: Callable[..., Awaitable[Any]]
    guard: Needs


def _to(router: APIRouter, answer: Callable[..., Awaitable[Any]], permissions: tuple[Permission, ...]) -> Shortcut:
    route = next(route for route in router.routes if getattr(route, "endpoint", None) is answer)
    return Shortcut(route, answer, Needs(*permissions))


SHORTCUTS = {
    shortcut.route.path: shortcut
    for shortcut in (
        _to(applications.router, applications.submit, applications.MAY_SUBMIT),
        _to(scores.router, scores.score, scores.MAY_SCORE),
        _to(transactions.router, transactions.send_transactions, transactions.MAY_SEND),
        _to(transactions.router, transactions.send_repayments, transactions.MAY_SEND),
    )
}


class HotDoor:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        shortcut = SHORTCUTS.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if shortcut is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = shortcut.route  # what metrics and the log call it
        request = Request(scope, receive)
        try:
            actor = await shortcut.guard(request)
            answer = await shortcut.answer(request, actor, request.app.state.running)
        except PlimsollError as error:
            answer = present(error)
        except Exception as error:
            answer = unforeseen(request, error)
        await answer(scope, receive, send)
