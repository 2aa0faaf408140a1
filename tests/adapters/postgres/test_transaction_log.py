"""The log of transactions in Postgres: months, erasure, two writers, and what analysts read."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import psycopg
import pytest

from plimsoll.adapters.postgres.watching.transaction_log import TransactionLog
from plimsoll.domain.watching.events import Category, Channel, DatePrecision, Direction, Kind
from tests.customers_events import NOON, an_event, some_events
from tests.house import House


async def person_of(house: House) -> str:
    (row,) = await house.ports.database.rows("select person_id from customer")
    return row["person_id"]


async def erase(house: House, person: str) -> int:
    """As an erasure does: first the key, then what was deleted rather than sealed."""
    await house.ports.database.run(
        "update person set wrapped_key = null, erased_at = now() where id = %(id)s", {"id": person}
    )
    return await house.ports.watch.log.erase([person])


async def test_each_month_has_a_table_of_its_own_made_when_its_first_event_comes(house: House):
    months = ["2026-01-31T23:59:59Z", "2026-02-01T00:00:00Z", "1993-05-05T00:00:00Z"]
    await house.ports.watch.log.accept([an_event(occurred_at=month) for month in months], now=NOON)
    rows = await house.ports.database.rows(
        "select tableoid::regclass::text as name, count(*) as n from transaction group by 1 order by 1"
    )
    assert [(row["name"], row["n"]) for row in rows] == [
        ("transaction_1993_05", 1), ("transaction_2026_01", 1), ("transaction_2026_02", 1)
    ]  # fmt: skip


async def test_two_processes_may_make_the_same_month_at_once(house: House):
    logs = [TransactionLog(house.ports.database, house.ports.vault) for _ in range(4)]
    events = [[an_event(occurred_at="2025-07-07", customer=f"c-{number}")] for number in range(4)]
    taken = await asyncio.gather(*(log.accept(some, now=NOON) for log, some in zip(logs, events, strict=True)))
    assert sum(accepted.new for accepted in taken) == 4


async def test_two_processes_that_are_sent_the_same_keep_it_once(house: House):
    logs = [TransactionLog(house.ports.database, house.ports.vault) for _ in range(3)]
    events = some_events(200, customers=40)
    taken = await asyncio.gather(
        *(log.accept(events[::step], now=NOON) for log, step in zip(logs, (1, -1, 1), strict=True))
    )
    assert sum(accepted.new for accepted in taken) == 200
    assert await house.ports.database.row("select count(*) as n from transaction") == {"n": 200}
    assert await house.ports.database.row("select count(*) as n from customer") == {"n": 40}


async def test_a_number_given_late_never_stands_before_one_that_was_read(house: House):
    """Two processes write while a third reads on: what it misses it would miss for ever."""
    logs = [TransactionLog(house.ports.database, house.ports.vault) for _ in range(2)]
    events = some_events(300, customers=10)
    read: list[int] = []

    async def follow() -> None:
        while len(read) < len(events):
            read.extend((await house.ports.watch.log.after(read[-1] if read else 0, 7))["seq"].tolist())

    writing = [logs[n % 2].accept(events[n * 5 : n * 5 + 5], now=NOON) for n in range(60)]
    await asyncio.wait_for(asyncio.gather(follow(), *writing), 60)
    assert read == sorted(set(read))


async def test_of_the_erased_nothing_is_left_and_what_comes_later_is_another_persons(house: House):
    log, event = house.ports.watch.log, an_event()
    await log.accept([event], now=NOON)
    before = await person_of(house)
    assert await erase(house, before) == 1
    assert await house.ports.database.row("select count(*) as n from transaction_key") == {"n": 0}
    assert (await log.accept([event], now=NOON)).new == 1
    rows = await log.after(0, 10)
    assert rows["person"][0].decode() != before


async def test_a_process_that_remembers_the_erased_takes_nothing_in_for_them(house: House):
    other = TransactionLog(house.ports.database, house.ports.vault)
    await other.accept([an_event(customer="cust-1")], now=NOON)
    before = await person_of(house)
    await erase(house, before)
    assert (await other.accept([an_event(customer="cust-1")], now=NOON)).new == 1
    assert len(await other.history([before])) == 0


async def test_a_customer_is_as_the_latest_opening_says_whichever_came_first(house: House):
    said = {
        "kind": "account_opened",
        "amount": None,
        "currency": None,
        "direction": None,
        "category": None,
        "channel": None,
    }
    older = an_event(**said, occurred_at="2020-01-01", product="card", zone="Europe/Prague")
    newer = an_event(**said, occurred_at="2024-01-01", product="loan", zone="Europe/Madrid")
    for order in ([older, newer], [newer, older]):
        for event in order:
            await house.ports.watch.log.accept([event], now=NOON)
        (row,) = await house.ports.database.rows("select product, zone, opened_on::text from customer")
        assert row == {"product": "loan", "zone": "Europe/Madrid", "opened_on": "2020-01-01"}
        await house.ports.database.run(
            "update customer set product = null, zone = null, opened_on = null, told_at = null"
        )


async def test_the_lenders_own_id_lies_sealed_under_the_persons_key(house: House):
    await house.ports.watch.log.accept([an_event(customer="cust-secret")], now=NOON)
    (row,) = await house.ports.database.rows(
        "select c.*, p.wrapped_key from customer c join person p on p.id = c.person_id"
    )
    assert b"cust-secret" not in bytes(row["reference_sealed"])
    opened = house.ports.vault.open(row["wrapped_key"], row["reference_sealed"], f"customer/{row['person_id']}")
    assert opened == b"cust-secret"


async def test_codes_are_spelled_out_for_whoever_reads_sql(house: House):
    await house.ports.watch.log.accept([an_event(merchant="m")], now=NOON)
    (row,) = await house.ports.database.rows("select * from transaction_in_words")
    assert (row["kind"], row["direction"], row["category"], row["channel"], row["date_precision"]) == (
        Kind.TRANSACTION, Direction.DEBIT, Category.GROCERIES, Channel.CARD, DatePrecision.INSTANT
    )  # fmt: skip
    for words, column in ((Category, "category"), (Channel, "channel"), (Kind, "kind")):
        view = await house.ports.database.row("select pg_get_viewdef('transaction_in_words') as text")
        assert all(f"'{word}'" in view["text"] for word in words), column


async def test_amounts_are_kept_to_the_last_decimal_and_what_was_not_said_is_null(house: House):
    said = [("0", None), ("0.0001", "-0.0001"), ("12.5", "9999.9999"), ("10000", "-10000.0001"),
            ("99999999999.9999", "-99999999999.9999"), ("7", None)]  # fmt: skip
    events = [an_event(amount=amount, balance_after=balance) for amount, balance in said]
    await house.ports.watch.log.accept(events, now=NOON)
    rows = await house.ports.database.rows(
        "select amount, balance_after, bill, due_on, months_late from transaction order by seq"
    )
    kept = [(row["amount"], row["balance_after"]) for row in rows]
    assert kept == [(Decimal(amount), balance and Decimal(balance)) for amount, balance in said]
    assert {(row["bill"], row["due_on"], row["months_late"]) for row in rows} == {(None, None, None)}


async def test_events_are_numbered_in_the_order_they_were_sent_wherever_they_are_put(house: House):
    sent = [(customer, month) for month in (3, 1, 2) for customer in ("z", "a", "m")]
    events = [an_event(customer=customer, occurred_at=f"2026-{month:02d}-07") for customer, month in sent]
    await house.ports.watch.log.accept(events, now=NOON)
    rows = await house.ports.watch.log.after(0, 99)
    assert rows["occurred_at"].astype("M8[M]").astype(int).tolist() == [672 + month - 1 for _, month in sent]
    people = rows["person"].tolist()
    assert people[:3] == people[3:6] == people[6:]
    assert len(set(people)) == 3


async def test_of_a_large_batch_that_was_here_in_part_the_rest_goes_in_in_its_order(house: House):
    sent = some_events(900)
    await house.ports.watch.log.accept(sent[200:500:2], now=NOON)
    taken = await house.ports.watch.log.accept([*sent, *sent[:30]], now=NOON)
    assert (taken.new, taken.repeated) == (750, 180)
    rows = await house.ports.watch.log.after(150, 9999)
    assert rows["amount"].tolist() == [float(e.amount) for e in sent if e not in sent[200:500:2]]
    assert await house.ports.database.row("select count(*) as n from transaction_key") == {"n": 900}


async def test_customers_who_are_new_to_many_callers_at_once_are_made_once_each(house: House):
    events = some_events(60, customers=9)
    await asyncio.gather(*(house.ports.watch.log.accept(events[n::6], now=NOON) for n in range(6)))
    assert await house.ports.database.row("select count(*) as n from customer") == {"n": 9}
    assert await house.ports.database.row("select count(*) as n from person") == {"n": 9}
    assert len(await house.ports.watch.log.after(0, 99)) == 60


async def test_the_application_cannot_change_what_it_was_told(house: House):
    await house.ports.watch.log.accept([an_event()], now=NOON)
    with psycopg.connect(house.database.app_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("drop table transaction")


async def test_moments_come_back_to_the_microsecond(house: House):
    moment = datetime(2026, 3, 30, 9, 30, 1, 123456, tzinfo=UTC)
    await house.ports.watch.log.accept([an_event(occurred_at=moment.isoformat())], now=NOON)
    (row,) = await house.ports.watch.log.after(0, 1)
    assert row["occurred_at"] == np.datetime64(moment.replace(tzinfo=None))
