"""Who is calling and what they may: every route names its permission, or the API does not start."""

import asyncio
import time
from collections.abc import Iterable

from fastapi import Request
from fastapi.routing import APIRoute

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.errors import NotSignedIn
from plimsoll.wiring import Access

# Seconds a key or session is trusted without asking Postgres again. Its end is heard at once; this
# is the bound while nothing can be heard, and for what ends by the clock alone.
TRUST = 2.0
PUBLIC = "public"


class Gatekeeper:
    """Turns a bearer credential into an actor, remembering it for a moment."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._seen: dict[str, tuple[float, Actor]] = {}
        self._asked: dict[tuple[str, bool], asyncio.Task[Actor]] = {}
        self._forgotten = 0

    async def actor(self, credential: str, by_a_person: bool) -> Actor:
        """Raises NotSignedIn."""
        seen = self._seen.get(credential)
        if seen and time.monotonic() - seen[0] < TRUST:
            return seen[1]
        # Trust ends for a whole crowd at once: one of them asks, for all.
        asked = self._asked.get((credential, by_a_person))
        if asked is None:
            asking = self._ask(credential, by_a_person, self._forgotten)
            asked = self._asked[credential, by_a_person] = asyncio.create_task(asking)
        return await asyncio.shield(asked)  # whoever gives up must not take the others along

    async def _ask(self, credential: str, by_a_person: bool, forgotten: int) -> Actor:
        """`forgotten` as it was when this was asked: something may end before the task even begins."""
        try:
            if credential.startswith("pls_"):
                actor = await self._access.actor_of_session(credential, by_a_person)
            else:
                actor = await self._access.actor_of_key(credential)
        finally:
            if forgotten == self._forgotten:
                del self._asked[credential, by_a_person]
        if len(self._seen) > 10_000:
            self._seen.clear()
        if forgotten == self._forgotten:  # read before something ended, it may be what ended
            self._seen[credential] = (time.monotonic(), actor)
        return actor

    async def listen(self) -> None:
        """Hears of keys and sessions that end in other processes, for as long as this one lives."""
        async for _ in self._access.endings():
            self.forget()

    def forget(self) -> None:
        """A key or session ended: nothing remembered may outlive it."""
        self._forgotten += 1
        self._seen.clear()
        self._asked.clear()


class Needs:
    """The dependency that guards a route: `Depends(Needs(Permission.READ))`."""

    def __init__(self, *permissions: Permission) -> None:
        self.permissions = permissions

    async def __call__(self, request: Request) -> Actor:
        """The actor, when any of the permissions is theirs."""
        actor = await signed_in(request)
        request.app.state.rate_limit.must_allow(actor)
        if not any(actor.may(permission) for permission in self.permissions):
            actor.must(self.permissions[0])
        return actor


async def signed_in(request: Request) -> Actor:
    credential = bearer(request)
    # A page that refreshes itself says so: it must not keep an abandoned session alive.
    by_a_person = request.headers.get("x-plimsoll-refresh") != "automatic"
    return await request.app.state.gatekeeper.actor(credential, by_a_person)


def bearer(request: Request) -> str:
    header = request.headers.get("authorization", "")
    kind, _, credential = header.partition(" ")
    if kind.lower() != "bearer" or not credential:
        raise NotSignedIn("No API key: send the header `Authorization: Bearer plk_…`.")
    return credential.strip()


def refuse_unguarded(routes: Iterable[APIRoute], public: Iterable[str]) -> None:
    """Raises RuntimeError naming every route that declares no permission and is not on the public list."""
    open_routes = set(public)
    unguarded = [
        f"{','.join(sorted(route.methods or ()))} {route.path}"
        for route in routes
        if route.path not in open_routes and not permissions_of(route)
    ]
    if unguarded:
        raise RuntimeError(f"Routes without a declared permission: {'; '.join(unguarded)}.")


def permissions_of(route: APIRoute) -> tuple[Permission, ...]:
    """Any one of these lets a caller in; empty when the route declares none."""
    guards = (dependency.call for dependency in route.dependant.dependencies)
    return tuple(permission for guard in guards if isinstance(guard, Needs) for permission in guard.permissions)
