"""The long forms: worker processes killed, frozen and drained under load; every run ends with its accounting.

Seeds are printed with the failure, so a red run can be repeated.
"""

import asyncio
import contextlib
import random
import signal
import uuid
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from plimsoll.domain.access import Role
from plimsoll.domain.errors import Unavailable
from plimsoll.domain.underwriting.product import Lane
from plimsoll.domain.values import Status
from plimsoll.local.temporal_namespace import ensure_namespace
from starter.engine.client import connect
from starter.loops.dispatcher import AT_ONCE
from starter.loops.reconciler import Reconciler
from tests.accounting import Accepted, account_for
from tests.builders import a_minors_application, a_referred_application, a_sound_application
from tests.chaos.parts import KillableTemporal, Nursery
from tests.house import House, a_house, apply, bearer, the_api, until
from tests.stack_fixtures import LocalPostgres, LocalTemporal

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
SECONDS = 60.0
OUTAGE = 300.0


async def load(house: House, seconds: float, pause: float = 0.15) -> Accepted:
    """Applications one after another for that long; express and stepwise in turn."""
    accepted = []
    ends = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < ends:
        body = a_sound_application()
        lane = Lane.STEPWISE if len(accepted) % 3 == 0 else Lane.EXPRESS
        accepted.append((await accepted_surely(house, body, lane), body))
        await asyncio.sleep(pause)
    return accepted


async def accepted_surely(house: House, body: dict[str, Any], lane: Lane) -> str:
    """As a careful client does it: whatever is not answered is sent again under the same key (I9)."""
    key = uuid.uuid4().hex
    while True:
        try:
            return await house.accept(body, key=key, lane=lane)
        except Unavailable:
            await asyncio.sleep(0.2)


async def healed(house: House) -> None:
    """Every connection the cuts have left dead in this process's pool is found out and replaced."""
    for _ in range(2 * house.settings.database_pool):
        with contextlib.suppress(Unavailable):
            await house.ports.database.check()


@pytest.fixture
async def healthy(empty_house: House, nursery: Nursery) -> AsyncIterator[House]:
    """One worker that nobody touches, so that there is always somebody to take over."""
    worker = nursery.worker(empty_house.settings)
    await asyncio.to_thread(worker.until_ready)
    yield empty_house
    worker.send(signal.SIGTERM)
    await asyncio.to_thread(worker.until_ended)


@pytest.mark.parametrize("seed", range(2))
async def test_random_kills_under_load_lose_and_double_nothing(healthy: House, nursery: Nursery, seed: int):
    """F1."""
    chance = random.Random(seed)
    loading = asyncio.create_task(load(healthy, SECONDS))
    while not loading.done():
        victim = nursery.worker(healthy.settings)
        await asyncio.to_thread(victim.until_ready)
        await asyncio.sleep(chance.uniform(0.2, 4))
        victim.send(signal.SIGKILL)
        await asyncio.to_thread(victim.until_ended)
    await account_for(healthy, await loading)


async def test_a_frozen_worker_that_wakes_up_late_changes_nothing(empty_house: House, nursery: Nursery):
    """F2: paused past every timeout with work in its hands, resumed when others have done it."""
    house = empty_house
    zombie = nursery.worker(house.settings)
    await asyncio.to_thread(zombie.until_ready)
    loading = asyncio.create_task(load(house, 4, pause=0.05))
    await asyncio.sleep(2)
    zombie.send(signal.SIGSTOP)
    accepted = await loading
    second = nursery.worker(house.settings)
    for application, _ in accepted:
        await house.until_closed(application, patience=120)
    before = await house.rows("select id, outcome, body_digest from decision order by id")
    zombie.send(signal.SIGCONT)
    await asyncio.sleep(20)  # longer than any activity of its own may take
    assert await house.rows("select id, outcome, body_digest from decision order by id") == before
    await account_for(house, accepted)
    for worker in (zombie, second):
        worker.send(signal.SIGTERM)
        await asyncio.to_thread(worker.until_ended)


async def test_a_worker_told_to_stop_drains_what_it_has_and_leaves_with_code_0(empty_house: House, nursery: Nursery):
    """F3: fifty in flight."""
    house = empty_house
    leaving = nursery.worker(house.settings)
    await asyncio.to_thread(leaving.until_ready)
    bodies = [a_sound_application() for _ in range(50)]
    accepted = list(zip(await asyncio.gather(*(house.accept(body) for body in bodies)), bodies, strict=True))
    leaving.send(signal.SIGTERM)
    assert await asyncio.to_thread(leaving.until_ended, 30) == 0
    heir = nursery.worker(house.settings)
    await account_for(house, accepted)
    heir.send(signal.SIGTERM)
    await asyncio.to_thread(heir.until_ended)


@pytest.mark.parametrize("seed", range(2))
async def test_connections_cut_at_random_heal_and_lose_nothing(healthy: House, seed: int):
    """F8: `pg_terminate_backend` on whatever is connected, every half second."""
    import psycopg

    chance = random.Random(seed)
    await healthy.somebody(Role.CHANNEL)
    loading = asyncio.create_task(load(healthy, SECONDS / 2))
    with psycopg.connect(healthy.database.superuser_url, autocommit=True) as connection:
        while not loading.done():
            await asyncio.sleep(chance.uniform(0.2, 0.8))
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = %s and pid <> pg_backend_pid() and random() < 0.5",
                (healthy.database.name,),
            )
    accepted = await loading
    await healed(healthy)
    applications = await healthy.row("select count(*) as n from application where id = any(%(ids)s)",
                                     ids=[application for application, _ in accepted])  # fmt: skip
    assert applications["n"] == len(accepted)
    await account_for(healthy, accepted)


@pytest.mark.parametrize("seed", range(2))
async def test_done_but_not_answered_half_of_the_time_makes_no_second_inquiry(healthy: House, seed: int):
    """F13: every source does the work and half the answers never arrive."""
    assert healthy.sandbox is not None
    for source in ("bureau", "bank", "registry"):
        healthy.sandbox.fault(source, kind="done_then_timeout", share=0.5, seed=seed)
    accepted = await load(healthy, SECONDS / 3, pause=0.5)
    await asyncio.sleep(5)
    healthy.sandbox.lift_faults()
    for source in ("bureau", "bank", "registry"):
        await healthy.ports.gate.close_circuit(source)
    await account_for(healthy, accepted, patience=240)


async def test_five_minutes_without_temporal_cost_nobody_anything_but_time(
    shaky_house: House, killable_temporal: KillableTemporal, nursery: Nursery
):
    """F5: everything is accepted, the console says why nothing is decided, and what waited longest goes first."""
    house = shaky_house
    key, analyst = await house.key_for(Role.CHANNEL), bearer(await house.key_for(Role.ANALYST))
    worker = nursery.worker(house.settings)
    async with the_api(house.settings) as api:

        async def engine_is(state: str) -> bool:
            return (await api.get("/v1/workflows/summary", headers=analyst)).json()["engine"] == state

        await until(partial(engine_is, "ok"), what="the API to find Temporal")
        await asyncio.to_thread(killable_temporal.kill)
        await until(partial(engine_is, "away"), what="the console to say that the engine is down")
        accepted = []
        ends = asyncio.get_running_loop().time() + OUTAGE
        while asyncio.get_running_loop().time() < ends:
            body = a_sound_application()
            answer = await apply(api, key, body)
            assert answer.status_code == 202, answer.text
            accepted.append((answer.json()["id"], body))
            await asyncio.sleep(2)
        assert await engine_is("away")
        assert await house.ports.outbox.backlog() == len(accepted)

        await asyncio.to_thread(killable_temporal.start)

        async def drained() -> bool:
            return await house.ports.outbox.backlog() == 0

        await until(drained, 60, "the backlog to drain")
        await until(partial(engine_is, "ok"), what="the console to say that the engine is back")
        await account_for(house, accepted)
    started = [(await house.run_of(application).describe()).start_time for application, _ in accepted]
    for earlier, later in zip(started, started[2 * AT_ONCE :], strict=False):
        assert earlier <= later
    worker.send(signal.SIGTERM)
    await asyncio.to_thread(worker.until_ended)


async def test_a_deleted_temporal_database_is_rebuilt_from_postgres(
    migrated: LocalPostgres, running_sandbox, models: Path, tmp_path: Path
):
    """F6: the file is gone; what was decided starts nothing, what was open runs exactly once."""
    server = KillableTemporal(tmp_path)
    await asyncio.to_thread(server.start)
    made = migrated.create_database(template="migrated")
    temporal = LocalTemporal(server.server.address, f"lost-{uuid.uuid4().hex[:8]}")
    try:
        async with a_house(tmp_path / "h", made, sandbox=running_sandbox, temporal=temporal, models=models) as house:
            async with house.at_work(sandboxed=False):
                decided = [await house.accept(a_minors_application()) for _ in range(5)]
                waiting = [await house.accept(a_referred_application()) for _ in range(5)]
                for application in decided:
                    await house.until_closed(application)
                for application in waiting:
                    await house.until_status(application, Status.REVIEW)
            await asyncio.to_thread(server.kill)
            for file in server.server.directory.glob("*.db*"):
                file.unlink()
            await asyncio.to_thread(server.start)
            await ensure_namespace(temporal.address, temporal.namespace)
            house.client = await connect(house.settings)
            reconciler = Reconciler(house.ports.outbox, house.client)

            async def all_started() -> bool:
                started.update([task.application async for task in reconciler.redrive()])
                return started == set(waiting)

            started: set[str] = set()
            await until(all_started, 60, "every open case, and no other, to be started again")
            async with house.at_work(sandboxed=False):
                for application in waiting:
                    await house.withdraw(application)
                    assert (await house.run_of(application).result()).closed
            await house.must_verify()
    finally:
        await asyncio.to_thread(server.kill)
