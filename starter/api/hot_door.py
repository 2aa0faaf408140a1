"""`POST /v1/applications` without the framework around it.

Accepting is the one request that comes in hundreds a second. Routing, dependency solving and
exit stacks cost it a fifth of its time, so this answers it first, with the very function and
guard of the documented route; every other request goes on into FastAPI.
"""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from plimsoll.domain.errors import PlimsollError
from starter.api.auth import Needs
from starter.api.problems import present, unforeseen
from starter.api.routes import applications

ROUTE = next(route for route in applications.router.routes if getattr(route, "endpoint", None) is applications.submit)
GUARD = Needs(*applications.MAY_SUBMIT)


class HotDoor:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] != applications.router.prefix:
            await self._app(scope, receive, send)
            return
        scope["route"] = ROUTE  # what metrics and the log call it
        request = Request(scope, receive)
        try:
            actor = await GUARD(request)
            answer = await applications.submit(request, actor, request.app.state.running)
        except PlimsollError as error:
            answer = present(error)
        except Exception as error:
            answer = unforeseen(request, error)
        await answer(scope, receive, send)
