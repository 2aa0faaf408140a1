"""A house whose workers are processes of their own, to be killed."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.chaos.parts import Nursery, a_nursery
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
