"""The API in this process on real Postgres and Temporal, once per module, with a key for every role."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from plimsoll.domain.access import Role
from tests.builders import raw
from tests.house import House, bearer, the_api, until
from tests.stack_fixtures import Database
from tests.starter.serving import Served, a_served_house


@dataclass
class Door:
    """The API as its callers know it."""

    client: httpx.AsyncClient
    house: House
    keys: dict[Role, str]

    async def get(self, path: str, role: Role = Role.ANALYST, **given: Any) -> httpx.Response:
        return await self.client.get(path, headers=bearer(self.keys[role]), **given)

    async def post(self, path: str, role: Role, body: Any = None, **headers: str) -> httpx.Response:
        return await self.client.post(path, json=body, headers=bearer(self.keys[role], **headers))

    async def apply(self, body: dict[str, Any], key: str | None = None, **headers: str) -> httpx.Response:
        sent = {"idempotency-key": key or body["external_id"], **headers}
        return await self.client.post(
            "/v1/applications", content=raw(body), headers=bearer(self.keys[Role.CHANNEL], **sent)
        )

    async def decided(self, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self.apply(body, prefer="wait=20")
        assert answer.status_code == 201, answer.text
        return answer.json()


@pytest.fixture(scope="module")
async def door(running_house: House) -> AsyncIterator[Door]:
    keys = {role: await running_house.key_for(role) for role in Role}
    async with the_api(running_house.settings) as client:
        engine = client.app.state.running.engine  # type: ignore[attr-defined]

        async def connected() -> bool:
            return engine.connected

        await until(connected, what="the API to find Temporal")
        yield Door(client, running_house, keys)


@pytest.fixture
async def served(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    """A faked house, its API on a port, and the command line as a model owner."""
    async with a_served_house(tmp_path / "home", database, monkeypatch, Role.MODEL_OWNER) as served:
        yield served


@pytest.fixture
async def served_with_a_model(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, models: Path
) -> AsyncIterator[Served]:
    """A house with the session's real model, its API on a port, and the command line as a channel."""
    async with a_served_house(tmp_path / "home", database, monkeypatch, Role.CHANNEL, models) as served:
        yield served
