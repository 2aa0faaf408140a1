"""The sandbox as one ASGI application: the sources in front, the switchboard behind them."""

from pathlib import Path

from sandbox import wire
from sandbox.clerk import Clerk
from sandbox.desk import Desk
from sandbox.faults import FaultBoard
from sandbox.journal import Journal
from sandbox.limits import Limits
from sandbox.people import People
from sandbox.sources import ENDPOINTS, SOURCES
from sandbox.switchboard import build_switchboard


class Sandbox:
    def __init__(self, log: Path | None = None) -> None:
        people, journal, faults, limits = People(), Journal(log), FaultBoard(), Limits(SOURCES)
        self._desk = Desk(people, Clerk(journal), faults, limits)
        self._switchboard = build_switchboard(people, journal, faults, limits)

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        if scope["type"] == "http" and scope["path"] in ENDPOINTS:
            await self._desk(scope, receive, send)
        else:
            await self._switchboard(scope, receive, send)
