"""Pooled connections outlive no restart: once Postgres is back, whoever asks next is answered."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from plimsoll.adapters.postgres.database import Database
from plimsoll.domain.errors import Unavailable
from tests.chaos.parts import KillablePostgres

SIZE = 6


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillablePostgres]:
    """One to be restarted, so not the one the other tests use."""
    killable = KillablePostgres(tmp_path_factory.mktemp("shaky"))
    killable.start()
    killable.cluster.provision()
    yield killable
    killable.stop()


@pytest.fixture
async def pool(postgres: KillablePostgres):
    database = Database(postgres.cluster.url(), SIZE)
    await database.open(wait=10)
    yield database
    await database.close()


async def all_connections_used(pool: Database) -> None:
    await asyncio.gather(*(pool.row("select pg_sleep(0.1)") for _ in range(SIZE)))


async def stopped_and_started(postgres: KillablePostgres) -> None:
    await asyncio.to_thread(postgres.stop)
    await asyncio.to_thread(postgres.start)


async def killed_and_started(postgres: KillablePostgres) -> None:
    await asyncio.to_thread(postgres.kill)
    await asyncio.to_thread(postgres.start)


@pytest.mark.parametrize("restarted", [stopped_and_started, killed_and_started])
async def test_the_first_request_after_a_restart_is_answered(
    postgres: KillablePostgres, pool: Database, restarted: Callable[[KillablePostgres], Awaitable[None]]
):
    """Nobody asked anything meanwhile, so every connection in the pool is dead and nobody knows."""
    await all_connections_used(pool)
    await restarted(postgres)
    assert await pool.row("select 1 as one") == {"one": 1}


async def test_as_many_requests_at_once_as_there_are_connections_are_all_answered(
    postgres: KillablePostgres, pool: Database
):
    await all_connections_used(pool)
    await stopped_and_started(postgres)
    answers = await asyncio.gather(*(pool.row("select 1 as one") for _ in range(3 * SIZE)))
    assert answers == [{"one": 1}] * 3 * SIZE


async def test_after_a_long_absence_the_next_request_is_answered(postgres: KillablePostgres, pool: Database):
    """Long enough for every connection to have been given up, with somebody asking all the time."""
    await asyncio.to_thread(postgres.stop)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await pool.check()
    await asyncio.to_thread(postgres.start)
    assert await pool.row("select 1 as one") == {"one": 1}


async def test_connections_that_were_ended_one_by_one_cost_no_request(pool: Database):
    await all_connections_used(pool)
    await pool.rows(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where usename = current_user and pid <> pg_backend_pid()"
    )
    answers = await asyncio.gather(*(pool.row("select 1 as one") for _ in range(SIZE)))
    assert answers == [{"one": 1}] * SIZE


async def test_a_pipeline_cancelled_at_any_moment_leaves_no_one_a_connection_in_the_midst_of_it(
    postgres: KillablePostgres,
):
    """A step of an episode that took too long came back so, and its connection was handed on, still piping: the reader
    of the transactions died of it, and with it the worker."""
    database = Database(postgres.cluster.url(), size=1)
    await database.open(wait=10)

    async def piped() -> None:
        async with database.pipelined() as connection:
            for _ in range(3):
                await (await connection.execute("select pg_sleep(0.001)")).fetchone()
            await connection.execute("select pg_sleep(0.001)")

    for step in range(100):
        under_way = asyncio.create_task(piped())
        await asyncio.sleep(step / 10_000)
        under_way.cancel()
        await asyncio.gather(under_way, return_exceptions=True)
        async with database.connection() as connection:
            await connection.execute("select 1; select 2")  # what no pipeline takes
    await database.close()


async def test_opening_waits_for_a_postgres_that_is_still_starting(postgres: KillablePostgres):
    await asyncio.to_thread(postgres.stop)
    database = Database(postgres.cluster.url(), SIZE)
    opening = asyncio.create_task(database.open(wait=30))
    await asyncio.sleep(4)  # longer than a connection is tried for by itself
    await asyncio.to_thread(postgres.start)
    await opening
    await database.check()
    await database.close()


async def test_a_connection_in_good_health_is_not_asked_before_its_use(pool: Database, monkeypatch: pytest.MonkeyPatch):
    """What keeps the look before every use cheap: no round trip."""

    async def asked(connection: object) -> None:
        raise AssertionError("a healthy connection was asked")

    await all_connections_used(pool)
    monkeypatch.setattr(pool._pool, "check_connection", asked)
    for _ in range(50):
        await pool.row("select 1 as one")
