"""The sandbox as one ASGI application: sources and gateways in front, the switchboard behind them."""

from pathlib import Path

from sandbox import wire
from sandbox.clerk import Clerk
from sandbox.desk import Desk
from sandbox.faults import FaultBoard
from sandbox.feeds.routes import Feeds, feed_routes
from sandbox.gateways import CHANNELS
from sandbox.gateways.callbacks import Callbacks
from sandbox.gateways.desk import PATH, GatewayDesk
from sandbox.gateways.routes import gateway_routes
from sandbox.journal import Journal
from sandbox.limits import Limits
from sandbox.people import People
from sandbox.sources import ENDPOINTS, SOURCES
from sandbox.switchboard import build_switchboard


class Sandbox:
    def __init__(self, log: Path | None = None, callback_secret: Path | None = None) -> None:
        people, journal, faults, limits = People(), Journal(log), FaultBoard(), Limits((*SOURCES, *CHANNELS))
        self._desk = Desk(people, Clerk(journal), faults, limits)
        callbacks = Callbacks(callback_secret)
        self._gateways = GatewayDesk(journal, faults, limits, callbacks)
        self._switchboard = build_switchboard(people, journal, faults, limits)
        self._switchboard.include_router(gateway_routes(self._gateways, callbacks))
        self._switchboard.include_router(feed_routes(Feeds()))

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        if scope["type"] == "http" and scope["path"] in ENDPOINTS:
            await self._desk(scope, receive, send)
        elif scope["type"] == "http" and PATH.match(scope["path"]) and scope["method"] in ("GET", "POST"):
            await self._gateways(scope, receive, send)
        else:
            await self._switchboard(scope, receive, send)
