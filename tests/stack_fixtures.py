"""A real Postgres and a real Temporal server for tests, each started once per session.

`tests/conftest.py` has them for every test; imported anywhere else, they would be started again.
They live on free ports in temporary folders and never touch a running stack.
"""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from plimsoll.local.ports import INTERNAL, choose
from plimsoll.local.postgres import APPLICATION, OWNER, SUPERUSER, Cluster
from plimsoll.local.temporal_binaries import obtain
from plimsoll.local.temporal_namespace import ensure_namespace
from plimsoll.local.temporal_server import TemporalServer


@dataclass(frozen=True)
class Database:
    """One database of the session's cluster, and how each role reaches it."""

    name: str
    app_url: str
    owner_url: str
    superuser_url: str


@dataclass(frozen=True)
class LocalPostgres:
    cluster: Cluster

    def create_database(self, name: str | None = None, template: str = "template1") -> Database:
        """An empty database, or a copy of one nobody is connected to (a migrated one, say)."""
        name = name or f"test_{uuid.uuid4().hex[:12]}"
        self.cluster.create_database(name, template)
        return Database(
            name=name,
            app_url=self.cluster.url(APPLICATION, name),
            owner_url=self.cluster.url(OWNER, name),
            superuser_url=self.cluster.url(SUPERUSER, name),
        )

    def drop_database(self, name: str) -> None:
        self.cluster.drop_database(name)


@dataclass(frozen=True)
class LocalTemporal:
    address: str
    namespace: str


@pytest.fixture(scope="session")
def local_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPostgres]:
    home = tmp_path_factory.mktemp("postgres")
    port = choose(("postgres",), {}, automatic=True)["postgres"]
    # Thousands of databases that nobody will miss: nothing waits for the disk.
    cluster = Cluster(home / "postgres", home / "secrets", port, durable=False)
    with cluster.running(log=home / "postgres.log"):
        yield LocalPostgres(cluster)


@pytest.fixture(scope="session")
def local_temporal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalTemporal]:
    home = tmp_path_factory.mktemp("temporal")
    chosen = choose(("temporal", "temporal_ui", *INTERNAL), {}, automatic=True)
    server = TemporalServer(home, chosen, _binaries())
    with server.running(log=home / "temporal.log"):
        asyncio.run(ensure_namespace(server.address, server.namespace))
        yield LocalTemporal(server.address, server.namespace)


def _binaries():
    progress = obtain()
    while True:
        try:
            print(next(progress))
        except StopIteration as done:
            return done.value
