"""Callers who share a transaction share its cost, and neither an error nor a lock of somebody else."""

import asyncio

import pytest

from plimsoll.adapters.postgres.shared_commit import MOST, SharedCommit
from plimsoll.domain.access import Role
from plimsoll.domain.errors import InvalidRequest
from tests.builders import a_sound_application
from tests.house import House

SHARE_OF_TEN = "select 10 / %(of)s as share"
# Slow enough for two transactions to meet in the middle; the lock goes with the transaction.
LOCK = "select %(lock)s as lock from (select pg_advisory_xact_lock(%(lock)s), pg_sleep(0.2)) locked"
LOCK_AT_ONCE = "select %(lock)s as lock from (select pg_advisory_xact_lock(%(lock)s)) locked"


async def test_whoever_comes_at_once_is_committed_together(house: House):
    channel = await house.somebody(Role.CHANNEL)
    await asyncio.gather(*(house.accept(a_sound_application(), actor=channel) for _ in range(MOST + 8)))
    transactions = await house.row("select count(distinct xmin::text) as n from application")
    assert (await house.row("select count(*) as n from application"))["n"] == MOST + 8
    assert transactions["n"] == 2


async def test_one_that_postgres_refuses_harms_nobody_else(house: House):
    shared = SharedCommit(house.ports.database, SHARE_OF_TEN, lock_order=by_number)
    answers = await asyncio.gather(*(shared.row({"of": n}) for n in (5, 0, 2)), return_exceptions=True)
    assert [answers[0], answers[2]] == [{"share": 2}, {"share": 5}]
    assert isinstance(answers[1], InvalidRequest)


async def test_one_that_is_refused_alone_is_told_so(house: House):
    with pytest.raises(InvalidRequest):
        await SharedCommit(house.ports.database, SHARE_OF_TEN, lock_order=by_number).row({"of": 0})


async def test_everybody_in_a_deadlock_is_answered(house: House):
    one_way = SharedCommit(house.ports.database, LOCK, lock_order=by_number)
    the_other_way = SharedCommit(house.ports.database, LOCK, lock_order=lambda values: -values["lock"])
    answers = await asyncio.gather(*(shared.row({"lock": n}) for shared in (one_way, the_other_way) for n in (1, 2)))
    assert [answer["lock"] for answer in answers] == [1, 2, 1, 2]


async def test_one_that_waits_for_a_lock_keeps_nobody_waiting(house: House):
    shared = SharedCommit(house.ports.database, LOCK_AT_ONCE, lock_order=by_number)
    async with house.ports.database.transaction() as other:
        await other.execute(LOCK_AT_ONCE, {"lock": 7})
        stuck = asyncio.create_task(shared.row({"lock": 7}))
        await asyncio.sleep(0)  # it sets off alone
        await asyncio.sleep(0)
        assert await shared.row({"lock": 8}) == {"lock": 8}
        assert not stuck.done()
    assert await stuck == {"lock": 7}


async def test_a_caller_who_gives_up_takes_nobody_along(house: House):
    shared = SharedCommit(house.ports.database, SHARE_OF_TEN, lock_order=by_number)
    callers = [asyncio.create_task(shared.row({"of": n})) for n in (1, 2)]
    await asyncio.sleep(0)
    callers[0].cancel()
    assert await callers[1] == {"share": 5}


def by_number(values):
    return next(iter(values.values()))
