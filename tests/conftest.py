"""What every test may ask for: a migrated database, a real Temporal server, the sandbox, a model, a house.

Each test or module gets a database nobody else writes to (`tests/databases.py`) and its own
Temporal namespace, so that no test sees another's work.
"""

import os
import shutil
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import psycopg
import pytest

from plimsoll.adapters.postgres.migrate import migrate
from tests.databases import Databases, lendable
from tests.house import House, a_house
from tests.sandbox_process import running_sandbox, sandbox
from tests.stack_fixtures import Database, LocalPostgres, LocalTemporal, local_postgres, local_temporal

__all__ = ["local_postgres", "local_temporal", "running_sandbox", "sandbox"]

TEMPLATE = "migrated"

# How long an example takes says something of the machine, nothing of the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")
_exit_code: int | None = None


@pytest.fixture(scope="session")
def migrated(local_postgres: LocalPostgres) -> LocalPostgres:
    """The session's Postgres, with a migrated database to copy."""
    template = local_postgres.create_database(TEMPLATE)
    migrate(template.owner_url, template.app_url)
    return local_postgres


@pytest.fixture(scope="session")
def databases(migrated: LocalPostgres) -> Databases:
    made = migrated.create_database("lendable", template=TEMPLATE)
    with psycopg.connect(made.superuser_url, autocommit=True) as connection:
        lendable(connection)
    return Databases(migrated, made.name)


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    with databases.lent() as lent:
        yield lent


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one trained version, for houses: a house takes what is live there into its registry."""
    from tests.applicants import quick_models

    return shutil.copytree(quick_models()[0], tmp_path_factory.mktemp("trained") / "models")


@pytest.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[House]:
    """Real Postgres, vault and products, fake sources and a fake scorer; no engine."""
    async with a_house(tmp_path, database, faked=True) as opened:
        yield opened


@pytest.fixture(scope="module")
async def running_house(
    databases: Databases,
    local_temporal: LocalTemporal,
    running_sandbox,
    models: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[House]:
    """Everything real and its own: database, namespace, sandbox sources, model, workers, dispatcher."""
    temporal = LocalTemporal(local_temporal.address, f"test-{uuid.uuid4().hex[:8]}")
    home = tmp_path_factory.mktemp("house")
    with databases.lent() as lent:
        async with (
            a_house(home, lent, sandbox=running_sandbox, temporal=temporal, models=models) as opened,
            opened.at_work(),
        ):
            yield opened


# Processes that used the Temporal SDK can abort at interpreter exit (rc 134, temporal.md section 3):
# everything is torn down and printed by now, so leave at once with the code that was earned.


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    global _exit_code
    _exit_code = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    if _exit_code is None or "temporalio" not in sys.modules or hasattr(config, "workerinput"):
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_exit_code)
