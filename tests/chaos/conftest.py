"""Houses whose workers, API or Temporal server are processes of their own, to be killed."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from plimsoll.local.temporal_namespace import ensure_namespace
from tests.chaos.parts import KillableTemporal, Nursery, a_nursery
from tests.chaos.reaching import reach_everybody
from tests.house import House, a_house
from tests.stack_fixtures import LocalPostgres, LocalTemporal


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with a_nursery(tmp_path_factory.mktemp("workers")) as opened:
        yield opened


@pytest.fixture(scope="module")
async def empty_house(
    migrated: LocalPostgres, local_temporal: LocalTemporal, running_sandbox, models: Path, tmp_path_factory
) -> AsyncIterator[House]:
    """Everything but workers."""
    made = migrated.create_database(template="migrated")
    temporal = LocalTemporal(local_temporal.address, f"chaos-{uuid.uuid4().hex[:8]}")
    home = tmp_path_factory.mktemp("house")
    async with a_house(home, made, sandbox=running_sandbox, temporal=temporal, models=models) as house:
        yield house
    migrated.drop_database(made.name)


@pytest.fixture(scope="module")
async def reaching_house(empty_house: House) -> House:
    await reach_everybody(empty_house)
    return empty_house


@pytest.fixture(scope="module")
def killable_temporal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillableTemporal]:
    server = KillableTemporal(tmp_path_factory.mktemp("killable"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def shaky_house(
    migrated: LocalPostgres, killable_temporal: KillableTemporal, running_sandbox, models: Path, tmp_path: Path
) -> AsyncIterator[House]:
    """Its Temporal may be killed at any moment."""
    made = migrated.create_database(template="migrated")
    temporal = LocalTemporal(killable_temporal.server.address, f"shaky-{uuid.uuid4().hex[:8]}")
    await asyncio.to_thread(killable_temporal.start) if not killable_temporal.server.serves else None
    await ensure_namespace(temporal.address, temporal.namespace)
    async with a_house(tmp_path, made, sandbox=running_sandbox, temporal=temporal, models=models) as house:
        yield house
    migrated.drop_database(made.name)
