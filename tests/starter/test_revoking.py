"""A key or session that ends in one API process has ended in all of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from plimsoll.adapters.postgres.access import Access
from plimsoll.adapters.postgres.database import Database
from plimsoll.domain.access import Actor, Permission, Role
from plimsoll.domain.errors import NotSignedIn
from starter.api import auth
from starter.api.auth import Gatekeeper
from tests.house import House, until


@pytest.fixture(autouse=True)
def nothing_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a gatekeeper remembers it would trust for an hour: only a notice can end that."""
    monkeypatch.setattr(auth, "TRUST", 3600.0)


@asynccontextmanager
async def another_process(house: House) -> AsyncIterator[Gatekeeper]:
    """A gatekeeper with connections and a memory of its own, that listens."""
    database = Database(house.database.app_url, size=2)
    await database.open(wait=10)
    gatekeeper = Gatekeeper(Access(database))
    listening = asyncio.create_task(gatekeeper.listen())
    try:
        await until(lambda: somebody_listens(house), what="the gatekeeper to listen")
        yield gatekeeper
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await database.close()


async def somebody_listens(house: House) -> bool:
    return bool(await house.rows("select 1 from pg_stat_activity where query like 'listen%%' and state = 'idle'"))


async def lets_in(gatekeeper: Gatekeeper, credential: str) -> bool:
    try:
        await gatekeeper.actor(credential, by_a_person=True)
    except NotSignedIn:
        return False
    return True


async def shuts_out(gatekeeper: Gatekeeper, credential: str) -> bool:
    return not await lets_in(gatekeeper, credential)


async def revoke(house: House, key: str) -> None:
    admin = await house.somebody(Role.ADMIN)
    await house.ports.access.revoke_key("key_" + key.split("_")[1], by=admin, request="req_test")


async def test_a_key_revoked_elsewhere_is_heard_of(house: House):
    key = await house.key_for(Role.ANALYST)
    async with another_process(house) as gatekeeper:
        assert await lets_in(gatekeeper, key)
        await revoke(house, key)
        await until(lambda: shuts_out(gatekeeper, key), what="the key to be refused")


async def test_sessions_end_everywhere_with_their_key_and_by_signing_out(house: House):
    keys = [await house.key_for(Role.REVIEWER) for _ in range(2)]
    access = house.ports.access
    revoked, signed_out = [(await access.open_session(await access.actor_of_key(key)))[0] for key in keys]
    async with another_process(house) as gatekeeper:
        for session in (revoked, signed_out):
            assert await lets_in(gatekeeper, session)
        await revoke(house, keys[0])
        await until(lambda: shuts_out(gatekeeper, revoked), what="the key's session to end")
        assert await lets_in(gatekeeper, signed_out)
        await access.end_session(signed_out)
        await until(lambda: shuts_out(gatekeeper, signed_out), what="the session to end")


async def test_what_ended_while_nobody_could_listen_is_found_out_on_connecting_again(house: House):
    key = await house.key_for(Role.ANALYST)
    async with another_process(house) as gatekeeper:
        assert await lets_in(gatekeeper, key)
        await house.rows(
            "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%%' and state = 'idle'"
        )
        await revoke(house, key)
        await until(lambda: shuts_out(gatekeeper, key), what="the key to be refused")


async def test_an_answer_that_was_under_way_when_a_key_ended_is_not_remembered(house: House):
    key = await house.key_for(Role.ANALYST)
    gatekeeper = Gatekeeper(SlowAccess(house.ports.database))
    asked = asyncio.create_task(gatekeeper.actor(key, by_a_person=False))
    await gatekeeper._access.looked.wait()  # type: ignore[attr-defined]
    await revoke(house, key)
    gatekeeper.forget()
    gatekeeper._access.may_answer.set()  # type: ignore[attr-defined]
    await asked  # as good as it was when it was asked
    assert await shuts_out(gatekeeper, key)


async def test_a_crowd_with_one_key_asks_once_and_whoever_gives_up_takes_nobody_along(house: House):
    key, access = await house.key_for(Role.ANALYST), SlowAccess(house.ports.database)
    gatekeeper = Gatekeeper(access)
    crowd = [asyncio.create_task(gatekeeper.actor(key, by_a_person=False)) for _ in range(20)]
    await access.looked.wait()
    crowd[0].cancel()
    access.may_answer.set()
    first, *others = await asyncio.gather(*crowd, return_exceptions=True)
    assert isinstance(first, asyncio.CancelledError)
    assert len({actor.id for actor in others}) == 1
    assert access.asked == 1


async def test_whoever_comes_after_a_key_ended_does_not_share_an_answer_from_before(house: House):
    key, access = await house.key_for(Role.ANALYST), SlowAccess(house.ports.database)
    gatekeeper = Gatekeeper(access)
    before = asyncio.create_task(gatekeeper.actor(key, by_a_person=False))
    await access.looked.wait()
    await revoke(house, key)
    gatekeeper.forget()
    after = asyncio.create_task(shuts_out(gatekeeper, key))
    await asyncio.sleep(0)
    access.may_answer.set()
    await before
    assert await after


class SlowAccess(Access):
    """Looks a key up and takes its time to say so."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.looked, self.may_answer = asyncio.Event(), asyncio.Event()
        self.asked = 0

    async def actor_of_key(self, key: str) -> Actor:
        self.asked += 1
        actor = await super().actor_of_key(key)
        self.looked.set()
        await self.may_answer.wait()
        return actor


async def test_what_ends_before_a_key_was_even_asked_for_is_no_error(house: House):
    key = await house.key_for(Role.ANALYST)
    gatekeeper = Gatekeeper(house.ports.access)
    asking = asyncio.create_task(gatekeeper.actor(key, by_a_person=True))
    await asyncio.sleep(0)  # the question is written down, and nobody has begun to ask it
    gatekeeper.forget()
    assert (await asking).may(Permission.READ)
