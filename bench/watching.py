"""How fast customers are watched: a portfolio's signals and scores, and from an event to a risk.

States are Taiwan's real accounts with the weeks and rhythms of generated people laid beside, so that every signal has
something to read; the model is one of the early-warning pack, trained for the run. Transactions are generated.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import psutil

from activities.sweeping import AT_ONCE, Sweep, Sweeping, SweepRange, Swept
from activities.watching import Done, Watch, watch_of
from bench.house import CpuMeter, as_they_come, bench_stack
from plimsoll.domain.values import RiskLevel
from plimsoll.domain.watching import sensitive, state
from plimsoll.domain.watching.batch import Batch
from plimsoll.domain.watching.events import Category, Direction, Event
from plimsoll.domain.watching.judging import judge
from plimsoll.domain.watching.policy import WatchPolicy
from plimsoll.domain.watching.rows import rows_of
from plimsoll.domain.watching.triggers import NOTHING_DUE
from plimsoll.ports.watching import StateBlock
from plimsoll.settings import Settings
from plimsoll.wiring import Ports, open_ports
from plimsoll.wiring.labelled import taiwan_events
from plimsoll.wiring.models import small_model
from starter.models.training import ensure_released
from workflows.sweep_portfolio import AT_ONCE as RANGES_AT_ONCE

PACK = "early-warning"
SERVERS = ["postgres", "migrate", "temporal", "namespace"]
AS_OF = datetime(2005, 9, 30, 23, 59, 59, tzinfo=UTC)
MIX = (Category.GROCERIES,) * 8 + (Category.CASH, Category.RENT)

PEOPLE = """
insert into person (id, reference_hash, wrapped_key)
select 'per_' || lpad(n::text, 26, '0'), sha256(n::text::bytea), '\\x00' from generate_series(1, %(count)s) n
"""
STORED = "select count(*) as risks, count(*) filter (where severity > 0) as at_risk from customer_risk"


def measure(quick: bool) -> Iterator[dict[str, Any]]:
    with bench_stack(SERVERS) as settings:
        yield from as_they_come(_measured(settings, quick))


async def _measured(settings: Settings, quick: bool) -> AsyncIterator[dict[str, Any]]:
    async with open_ports(settings, wait_for_database=30) as ports:
        await _a_live_model(settings, ports)
        customers = 6_000 if quick else 60_000
        states = await _a_portfolio(settings, ports, customers)
        watch = watch_of(ports)
        yield await _in_memory(ports, watch, states)
        for day, (name, policy) in enumerate(_sweeps(ports.watch.policy())):
            yield await _the_portfolio(settings, ports, policy, customers, AS_OF + timedelta(days=day), name)
        yield await _live(ports, watch, *((500, 3) if quick else (1_000, 20)))


def _sweeps(policy: WatchPolicy) -> Iterator[tuple[str, WatchPolicy]]:
    """Handing over has a bench of its own: nobody gets as far as the level from which it is done."""
    nobody = policy.model_copy(update={"levels": ()})
    below = tuple(row for row in policy.levels if row.level is not RiskLevel.CRITICAL)
    many = policy.model_copy(update={"levels": below, "hand_over_from": RiskLevel.CRITICAL})
    yield from (("first sweep, nobody at risk", nobody), ("sweep a day later, nobody at risk", nobody))
    yield from (("first sweep, many at risk", many), ("sweep a day later, many at risk", many))


async def _a_live_model(settings: Settings, ports: Ports) -> None:
    product = ports.products.get(PACK)
    manifest = await asyncio.to_thread(small_model, settings, product, datetime.now(UTC).isoformat())
    await ensure_released(PACK, manifest.version, ports, settings)
    ports.live.forget()


async def _a_portfolio(settings: Settings, ports: Ports, customers: int) -> Any:
    who, rows = taiwan_events(settings).rows()
    accounts = state.empty(30_000)
    state.observe(accounts, who, rows)
    states = accounts[np.arange(customers) % len(accounts)]
    lives = _lives()
    beside = np.arange(customers) % len(lives)
    for part in ("first", "weeks", "salary", "rent", "utilities"):
        states[part] = lives[part][beside]
    await ports.database.run(PEOPLE, {"count": customers})
    people = np.array([f"per_{number:026d}" for number in range(1, customers + 1)], dtype="S30")
    async with ports.watch.watched.waiting_for("bench", AS_OF) as (connection, _):
        for at in range(0, customers, 10_000):
            some = states[at : at + 10_000]
            clocks = np.zeros(len(some), dtype=np.int32)
            parts = (some, sensitive.nothing_kept(len(some)), clocks, np.full(len(some), NOTHING_DUE))
            block = StateBlock(people[at : at + 10_000], *parts)
            await ports.watch.watched.write_states(connection, block, AS_OF)
    await ports.database.run("analyze")
    return states


def _lives(count: int = 200) -> Any:
    """Generated weeks and rhythms of people who were paid on different days."""
    states = state.empty(count)
    for person in range(count):
        events = []
        for week, number in itertools.product(range(20), range(6)):
            day = date.fromordinal(date(2005, 9, 30).toordinal() - 7 * week - number)
            events.append(_event(f"L{person}", day, 20 + person % 50, Category.GROCERIES))
            if day.day == 1 + person % 27:
                events.append(_event(f"L{person}", day, 3000, Category.SALARY, Direction.CREDIT))
        state.observe(states, np.full(len(events), person), rows_of(events))
    return states


_numbers = itertools.count(1)


def _event(customer: str, day: date, amount: int, category: Category, way: Direction = Direction.DEBIT) -> Event:
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return _at(customer, at, amount, category, way)


def _at(customer: str, at: datetime, amount: int, category: Category, way: Direction = Direction.DEBIT) -> Event:
    return Event.model_validate(
        {
            "transaction_id": f"B{next(_numbers)}", "customer": customer, "occurred_at": at, "known_at": at,
            "amount": amount, "currency": "TWD", "direction": way, "category": category,
        }
    )  # fmt: skip


async def _in_memory(ports: Ports, watch: Watch, states: Any) -> dict[str, Any]:
    """Signals, probability and level, no database."""
    policy, model = ports.watch.policy(), await watch.model()
    moment = np.datetime64(AS_OF.replace(tzinfo=None), "s")
    judge(policy, states[:AT_ONCE], moment, model)  # the model's files are read first
    began = time.perf_counter()
    at_risk = 0
    for at in range(0, len(states), AT_ONCE):
        judged = judge(policy, states[at : at + AT_ONCE], moment, model)
        at_risk += len(judged.at_least(RiskLevel.MEDIUM))
    seconds = time.perf_counter() - began
    return _speed("signals and score in memory", len(states), seconds) | {"at_risk": at_risk}


async def _the_portfolio(
    settings: Settings, ports: Ports, policy: WatchPolicy, customers: int, now: datetime, name: str
) -> dict[str, Any]:
    """In ranges, some at once, as `SweepPortfolio` does it."""
    watch = watch_of(ports)
    watch._policy = lambda: policy
    sweeping, turn = Sweeping(watch, ports.outreach.sweeps), asyncio.Semaphore(RANGES_AT_ONCE)
    memory, process, meter = [], psutil.Process(), CpuMeter(settings.home_dir)

    async def swept(part: SweepRange) -> Swept:
        async with turn:
            done = await sweeping.sweep(part)
        memory.append(round(process.memory_info().rss / 2**20))
        return done

    own, all_parts, began = time.process_time(), meter.read(), time.perf_counter()
    ends = await sweeping.plan(Sweep(key=name))
    starts = zip(["", *ends], [*ends, None], strict=True)
    parts = [SweepRange(key=name, after=after, upto=upto, now=now) for after, upto in starts]
    judged = sum(done.judged for done in await asyncio.gather(*map(swept, parts)))
    seconds = time.perf_counter() - began
    own, all_parts = time.process_time() - own, meter.read() - all_parts
    cpu = {"own": round(1e6 * own / judged, 1), "all_parts": round(1e6 * all_parts / judged, 1)}
    books = {"customers": customers, "judged": judged} | (await ports.database.row(STORED) or {})
    return _speed(name, judged, seconds) | {"cpu_us_each": cpu, "rss_mib": memory, "accounting": books}


def _speed(name: str, customers: int, seconds: float) -> dict[str, Any]:
    return {
        "kind": "watching", "name": name, "value": round(customers / seconds), "unit": "customers/s",
        "customers": customers, "seconds": round(seconds, 2),
    }  # fmt: skip


async def _live(ports: Ports, watch: Watch, rate: int, seconds: int) -> dict[str, Any]:
    """Generated events at a steady rate; from the answer of the intake to the commit of what was made of it."""
    accepted: list[tuple[int, float]] = []  # events up to here, at this moment
    read: list[tuple[int, float]] = []
    stop = asyncio.Event()
    await _read_on(watch, read, 0.0)

    async def reader() -> None:
        news = ports.watch.log.arrivals()
        async for _ in news:
            await _read_on(watch, read, time.perf_counter())
            if stop.is_set():
                return

    task = asyncio.create_task(reader())
    begun, sent, batch = time.perf_counter(), 0, max(rate // 20, 1)
    while (elapsed := time.perf_counter() - begun) < seconds:
        if sent >= elapsed * rate:
            await asyncio.sleep(0.005)
            continue
        now = datetime.now(UTC)
        events = [_at(f"live-{n % 5_000}", now, 10 + n % 90, MIX[n % 10]) for n in range(sent, sent + batch)]
        await ports.watch.log.accept(Batch.of(events), now=now)
        sent += batch
        accepted.append((sent, time.perf_counter()))
    lasted = time.perf_counter() - begun
    while not read or read[-1][0] < sent:
        await asyncio.sleep(0.05)
        await _read_on(watch, read, time.perf_counter())
    stop.set()
    await ports.database.run("notify transactions")  # the reader looks once more, and ends
    await task
    waits = sorted(next(at for upto, at in read if upto >= number) - at_ for number, at_ in accepted)
    return {
        "kind": "watching", "name": "accepted to judged", "events_per_second": round(sent / lasted),
        "p50_ms": round(1000 * waits[len(waits) // 2]), "p95_ms": round(1000 * waits[int(len(waits) * 0.95)]),
        "max_ms": round(1000 * waits[-1]), "accounting": {"sent": sent, "read": read[-1][0]},
    }  # fmt: skip


async def _read_on(watch: Watch, read: list[tuple[int, float]], _: float) -> None:
    """Everything that is there."""
    while True:
        done = await watch.take_events(datetime.now(UTC))
        if done is None:
            await asyncio.sleep(0.01)
            continue
        if done == Done():
            return
        read.append(((read[-1][0] if read else 0) + done.events, time.perf_counter()))
