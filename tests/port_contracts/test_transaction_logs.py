"""What every log of transactions promises, in memory and in Postgres."""

import asyncio
import random

import numpy as np
import pytest

from plimsoll.adapters.postgres.watching.transaction_log import TransactionLog
from plimsoll.domain.watching.rows import EVENT_ROW, Rows, rows_of
from plimsoll.ports.watching import TransactionLog as AnyLog
from tests.customers_events import NOON, an_event, some_events
from tests.fake_watching import FakeTransactionLog


@pytest.fixture(params=["in memory", "postgres"])
def log(request: pytest.FixtureRequest) -> AnyLog:
    return FakeTransactionLog() if request.param == "in memory" else request.getfixturevalue("house").ports.watch.log


async def everything(log: AnyLog) -> Rows:
    return await log.after(0, 100_000)


async def test_what_comes_again_changes_nothing(log: AnyLog):
    events = some_events(20)
    first = await log.accept(events, now=NOON)
    again = await log.accept(events[::-1] + events, now=NOON)
    assert (first.new, first.repeated) == (20, 0)
    assert (again.new, again.repeated) == (0, 40)
    assert len(await everything(log)) == 20


async def test_of_two_under_one_id_in_one_go_one_is_kept(log: AnyLog):
    event = an_event()
    assert (await log.accept([event, event], now=NOON)).new == 1


async def test_what_is_read_back_is_what_was_handed_in(log: AnyLog):
    events = [
        an_event(merchant="m-1", balance_after="-3.1200", failed=True),
        an_event(kind="statement", bill="-17.5", minimum_due="0", limit="9000", net_new_charges="-0.0001",
                 due_on="2026-04-21", period="2026-03", amount=None, direction=None, category=None, channel=None),
        an_event(kind="status", period="2026-02", months_late=-2, amount=None, currency=None, direction=None,
                 category=None, channel=None, occurred_at="2026-02"),
        an_event(kind="repayment", period="2026-02", direction=None, category=None),
        an_event(kind="payment_due", due_on="2026-05-01", direction=None, channel=None, category="rent"),
    ]  # fmt: skip
    await log.accept(events, now=NOON)
    found = np.sort(await everything(log), order="seq")
    wanted = rows_of(events)
    for name in set(EVENT_ROW.names or ()) - {"seq", "person", "account", "merchant"}:
        assert same(sorted_by_kind(found)[name], sorted_by_kind(wanted)[name]), name


def sorted_by_kind(rows: Rows) -> Rows:
    return rows[np.argsort(rows["kind"])]


def same(some: np.ndarray, others: np.ndarray) -> bool:
    unsaid = "nan" if some.dtype.kind in "fM" else None
    return np.array_equal(some, others, equal_nan=unsaid is not None)


async def test_numbers_rise_and_a_reader_may_take_them_in_any_portions(log: AnyLog):
    await log.accept(some_events(10), now=NOON)
    await log.accept(some_events(7), now=NOON)
    whole, seen, last = await everything(log), [], 0
    while len(some := await log.after(last, 3)):
        seen += some["seq"].tolist()
        last = seen[-1]
    assert seen == whole["seq"].tolist() == sorted(set(seen))
    assert await log.newest() == seen[-1]


async def test_names_of_accounts_and_merchants_can_be_told_apart_and_not_read(log: AnyLog):
    await log.accept([an_event(merchant=name) for name in ("m-1", "m-2", "m-1")] + [an_event()], now=NOON)
    rows = await everything(log)
    assert sorted(np.unique(rows["merchant"], return_counts=True)[1].tolist()) == [1, 1, 2]
    assert 0 in rows["merchant"]
    assert len(set(rows["account"].tolist())) == 1


async def test_a_history_is_one_persons_and_holds_what_was_known_by_then(log: AnyLog):
    late = an_event(customer="cust-1", occurred_at="2026-03-01T00:00:00Z", known_at="2026-03-20T00:00:00Z")
    await log.accept([late, *some_events(9)], now=NOON)
    everybody = await everything(log)
    person = everybody[everybody["known_at"] == np.datetime64("2026-03-20")]["person"][0].decode()
    whole = await log.history([person])
    before = await log.history([person], known_by=late.known_at.replace(day=19))
    assert set(whole["person"].tolist()) == {person.encode()}
    assert np.datetime64("2026-03-20") in whole["known_at"]
    assert np.datetime64("2026-03-20") not in before["known_at"]


async def test_a_scan_meets_everybody_once_each_with_all_that_is_theirs(log: AnyLog):
    await log.accept(some_events(50, customers=7), now=NOON)
    met, rows = [], 0
    async for block in log.scan(people=2):
        people = sorted(set(block["person"].tolist()))
        assert len(people) <= 2
        met += people
        rows += len(block)
    assert (len(met), len(set(met)), rows) == (7, 7, 50)
    assert met == sorted(met)


async def test_nobody_who_reads_while_many_write_misses_a_number(log: AnyLog):
    events = some_events(400, customers=20)
    random.Random(1).shuffle(events)
    read: list[int] = []

    async def write(some: list) -> None:
        await log.accept(some, now=NOON)

    async def follow() -> None:
        while len(read) < len(events):
            rows = await log.after(read[-1] if read else 0, 50)
            read.extend(rows["seq"].tolist())
            await asyncio.sleep(0)

    writers = [write(events[start : start + 10]) for start in range(0, 400, 10)]
    await asyncio.wait_for(asyncio.gather(follow(), *writers), 30)
    assert read == (await everything(log))["seq"].tolist()


async def test_of_the_erased_nothing_is_left_and_what_comes_later_is_another_persons(log: AnyLog):
    if isinstance(log, TransactionLog):
        pytest.skip("Postgres wants the key destroyed first: tests/adapters/postgres/test_transaction_log.py")
    event = an_event()
    await log.accept([event, an_event(customer="cust-2")], now=NOON)
    person = (await everything(log))[0]["person"].decode()
    assert await log.erase([person]) == 1
    assert (await log.accept([event], now=NOON)).new == 1
    assert len(await log.history([person])) == 0


async def test_who_waits_for_news_hears_of_them(log: AnyLog):
    beats = log.arrivals()
    await anext(beats)
    waiting = asyncio.ensure_future(anext(beats))
    await asyncio.sleep(0.05)
    await log.accept([an_event()], now=NOON)
    await asyncio.wait_for(waiting, 10)
