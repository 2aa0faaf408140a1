"""Who may call what: generated from the routes, asked over HTTP, committed as a file (ASVS 8.2.1).

A diff needs a reviewer's eye. When it is meant, copy what the failing test found into
`role_matrix.txt`: a line per route, with every role that is let in.
"""

from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from plimsoll.domain.access import Role
from starter.api.app import PUBLIC, all_routes
from starter.api.auth import permissions_of, refuse_unguarded
from tests.house import bearer, problem_of
from tests.starter.conftest import Door

MATRIX = Path(__file__).parent / "role_matrix.txt"


def routes() -> list[tuple[str, str]]:
    return sorted((method, route.path) for route in all_routes() for method in route.methods)


async def ask(door: Door, method: str, path: str, key: str | None) -> httpx.Response:
    """With ids of nothing and an empty body: what matters is whether the door opens."""
    filled = path
    for name in ("application", "product", "task", "key", "experiment"):
        filled = filled.replace("{" + name + "}", "x")
    return await door.client.request(method, filled, headers=bearer(key) if key else {})


async def test_every_role_reaches_exactly_the_routes_of_the_committed_matrix(door: Door):
    lines = []
    keys = {role: await door.house.key_for(role) for role in Role}
    for method, path in routes():
        answers = {role: (await ask(door, method, path, keys[role])).status_code for role in Role}
        assert 401 not in answers.values(), (method, path)
        assert 500 not in answers.values(), (method, path, answers)
        lines.append(f"{method} {path}: {' '.join(sorted(r for r, status in answers.items() if status != 403))}")
    found = "\n".join(lines) + "\n"
    assert found == MATRIX.read_text(), f"found:\n{found}"


async def test_nobody_gets_in_without_a_key(door: Door):
    for method, path in routes():
        if path not in PUBLIC:
            answer = await ask(door, method, path, None)
            assert (answer.status_code, problem_of(answer)["code"]) == (401, "not_signed_in"), (method, path)


async def test_a_key_without_a_role_gets_in_nowhere(door: Door):
    nobody = await door.house.key_for()
    for method, path in routes():
        if path not in PUBLIC:
            assert (await ask(door, method, path, nobody)).status_code == 403, (method, path)


def test_every_route_declares_a_permission():
    assert all(permissions_of(route) for route in all_routes() if route.path not in PUBLIC)


def test_a_route_without_a_permission_stops_the_api_at_start():
    router = APIRouter()

    @router.get("/v1/forgotten")
    async def forgotten() -> None: ...

    with pytest.raises(RuntimeError, match="GET /v1/forgotten"):
        refuse_unguarded([route for route in router.routes if isinstance(route, APIRoute)], PUBLIC)
