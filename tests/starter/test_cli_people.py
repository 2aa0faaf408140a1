"""`plimsoll person`, as somebody of compliance types it: what there is of a person, and erasing them."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from plimsoll.domain.access import Role
from tests.builders import a_sound_application
from tests.house import bearer
from tests.stack_fixtures import Database
from tests.starter.serving import Served, a_served_house


@pytest.fixture
async def compliance(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    async with a_served_house(tmp_path / "home", database, monkeypatch, Role.COMPLIANCE) as served:
        yield served


async def run(served: Served, *words: str) -> int:
    return await asyncio.to_thread(served.run, *words)


async def test_a_person_is_shown_erased_and_shown_as_erased(
    compliance: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    application = await compliance.house.accept(a_sound_application())
    assert await run(compliance, "person", "show", application, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["applications"], found["erased_at"]) == (1, None)
    assert await run(compliance, "person", "erase", application, "--yes", "--reason", "asked to be") == 0
    assert f"{found['id']} is erased" in capsys.readouterr().out
    assert await run(compliance, "person", "show", found["id"], "--json") == 0
    assert json.loads(capsys.readouterr().out)["erased_at"] is not None


async def test_nobody_is_erased_without_a_yes(
    compliance: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    application = await compliance.house.accept(a_sound_application())
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert await run(compliance, "person", "erase", application, "--reason", "asked to be") == 1
    kept = await compliance.house.row("select wrapped_key from person")
    assert kept["wrapped_key"] is not None


async def test_a_collector_may_erase_nobody(compliance: Served) -> None:
    application = await compliance.house.accept(a_sound_application())
    key = await compliance.house.key_for(Role.COLLECTOR)
    async with httpx.AsyncClient(base_url=compliance.api, headers=bearer(key)) as api:
        answer = await api.post(f"/v1/people/{application}/erase", json={"reason": "because I can"})
    assert answer.status_code == 403
