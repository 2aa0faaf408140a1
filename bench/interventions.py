"""How fast customers' episodes begin, each with its first message at the gateway; and, as `open`, what ten thousand
that wait at once need of the worker's memory.

Generated customers, all of whom may be written to at any hour; the sandbox's gateway takes the messages. A trigger
commits its episode; the worker's dispatcher starts the run, whose first step is one local activity. No API is there to
hear receipts, so the gateway tells none: calls that nobody takes, tried again and again, would be what is measured.
"""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil

from bench.house import CpuMeter, as_they_come, bench_stack
from plimsoll.domain.access import Role
from plimsoll.domain.outreach.episode import Trigger, TriggerSource
from plimsoll.domain.outreach.profile import ProfileChange
from plimsoll.domain.values import RiskLevel
from plimsoll.settings import ROOT, Settings
from plimsoll.wiring import Ports, open_ports

PARTS = ["postgres", "migrate", "temporal", "namespace", "sandbox", "worker"]
AT_ONCE = 40  # triggers of one transaction
STARTED = 1_000
OPEN = 10_000
A_STRETCH = 2_500  # of those that wait: memory is read after each
PATIENCE = 420.0  # of a stretch
STRATEGY = """
[[strategies]]
id = "mail"
says = "An e-mail to everybody."
share = 1.0
[strategies.ladders]
low = []
"""
STEP = """
[[strategies.ladders.{level}]]
by = "email"
template = "email-help-offer"
priority = 2
wait_hours = 240
"""


def measure(quick: bool) -> Iterator[dict[str, Any]]:
    count = 300 if quick else STARTED
    with bench_stack(PARTS) as settings:
        yield from as_they_come(_measured(settings, count, count))


def measure_open(quick: bool) -> Iterator[dict[str, Any]]:
    with bench_stack(PARTS) as settings:
        yield from as_they_come(_measured(settings, OPEN // 10 if quick else OPEN, A_STRETCH // (10 if quick else 1)))


async def _measured(settings: Settings, count: int, stretch: int) -> AsyncIterator[dict[str, Any]]:
    everybody_may_be_written_to(settings.home_dir / "watch")
    async with open_ports(settings, wait_for_database=30) as ports:
        await _no_receipts(settings)
        await _approve_templates(ports, settings)
        began = time.perf_counter()
        people = [person async for person in _customers(ports, settings, count)]
        yield _line("customers_with_profiles_made", count / (time.perf_counter() - began), "per second")
        yield _line("worker_memory_with_0_open", _worker_memory(settings), "MiB")
        for place in range(0, count, stretch):
            async for found in _started(settings, ports, people[place : place + stretch], place):
                yield found
            yield _line(f"worker_memory_with_{place + stretch}_open", _worker_memory(settings), "MiB")
        yield {"name": "accounting"} | await _account(settings, ports, count)


async def _started(settings: Settings, ports: Ports, people: list[str], already: int) -> AsyncIterator[dict[str, Any]]:
    everything = CpuMeter(settings.home_dir)
    spent, began = everything.read(), time.perf_counter()
    for place in range(0, len(people), AT_ONCE):
        await _trigger(ports, people[place : place + AT_ONCE])
    yield _line("triggers_committed", len(people) / (time.perf_counter() - began), "per second")
    waiting = await _until_waiting(ports, already + len(people)) - already
    rate = waiting / (time.perf_counter() - began)
    spent = (everything.read() - spent) / max(waiting, 1)
    yield _line("interventions_started_per_second", rate, "interventions/s") | {
        "baseline": 40,
        "ratio": round(rate / 40, 2),
        "started": waiting,
        "cpu_ms_each": round(spent * 1000, 1),
    }


def _line(name: str, value: float, unit: str) -> dict[str, Any]:
    return {"name": name, "value": round(value, 1), "unit": unit}


async def _no_receipts(settings: Settings) -> None:
    async with httpx.AsyncClient(base_url=settings.sandbox, trust_env=False) as client:
        (await client.put("/_gateways/email", json={"fate": "silent"})).raise_for_status()


async def _trigger(ports: Ports, people: list[str]) -> None:
    now = datetime.now(UTC)
    async with ports.database.transaction() as connection:
        for person in people:
            trigger = Trigger(
                person=person, product="consumer-credit", level=RiskLevel.HIGH, probability=0.4, at=now,
                source=TriggerSource.LIVE, model="bench@1", key=f"bench/{person}",
            )  # fmt: skip
            await ports.outreach.interventions.trigger(connection, trigger, now)


async def _until_waiting(ports: Ports, count: int) -> int:
    """How many wait for an answer: all of them, unless patience ended first."""
    until, waiting = time.monotonic() + PATIENCE, 0
    while waiting < count and time.monotonic() < until:
        await asyncio.sleep(0.2)
        row = await ports.database.row("select count(*) as n from intervention_step where state = 'out'")
        waiting = row["n"] if row else 0
    return waiting


async def _account(settings: Settings, ports: Ports, count: int) -> dict[str, Any]:
    """Triggers are interventions or refusals with a named rule; messages at the gateway are permits used."""
    found = dict(await ports.outreach.interventions.accounting())
    used = await ports.database.row("select count(*) as n from contact where sending_at is not null")
    assert used is not None
    taken = await _at_the_gateway(settings)
    await ports.sealer.seal_once()
    await asyncio.sleep(1.0)
    verified = await ports.verifier.verify()
    return found | {
        "balanced": found["triggers"] == found["opened"] + found["updated"] + found["refused"] == count,
        "permits_used": used["n"],
        "messages_at_the_gateway": taken,
        "ledger": "whole" if verified.ok else verified.problem,
    }


async def _at_the_gateway(settings: Settings) -> int:
    """Messages it took, by the sandbox's own journal."""
    async with httpx.AsyncClient(base_url=settings.sandbox, trust_env=False, timeout=60) as client:
        calls = (await client.get("/_requests", params={"source": "email"})).json()
    return sum(call["served"] == "fresh" for call in calls)


async def _customers(ports: Ports, settings: Settings, count: int) -> AsyncIterator[str]:
    collector = await _actor(ports, settings, Role.COLLECTOR)

    async def one() -> str:
        reference = uuid.uuid4().hex
        change = ProfileChange.model_validate(
            {
                "addresses": {"email": f"{reference}@example.org"},
                "consent": {"email": True},
                "zone": "UTC",
                "reason": "for the bench",
            }
        )
        now = datetime.now(UTC)
        return await ports.outreach.profiles.write(reference, change, by=collector, request="req_bench", now=now)

    for place in range(0, count, 10):
        for person in await asyncio.gather(*(one() for _ in range(min(10, count - place)))):
            yield person


async def _approve_templates(ports: Ports, settings: Settings) -> None:
    owner, approver = [await _actor(ports, settings, role) for role in (Role.COMPLIANCE, Role.COLLECTOR)]
    given: dict[str, Any] = {"reason": "for the bench", "request": "req_bench", "now": datetime.now(UTC)}
    for name in ports.outreach.drafts.names():
        made = await ports.outreach.templates.propose(ports.outreach.drafts.get(name), by=owner, **given)
        await ports.outreach.templates.approve(name, made["version"], None, by=approver, **given)


async def _actor(ports: Ports, settings: Settings, role: Role) -> Any:
    keys = json.loads((settings.secrets / "keys.json").read_text())
    return await ports.access.actor_of_key(keys[role])


def everybody_may_be_written_to(own: Path) -> None:
    """What a bench must not depend on: the hour of the day, and how often somebody was written to."""
    own.mkdir(parents=True, exist_ok=True)
    rules = (ROOT / "watch/contact_rules.toml").read_text()
    begin, end = rules.index("[[hours]]"), rules.index("# Saying no")
    (own / "contact_rules.toml").write_text("hours = []\ncaps = []\n" + rules[:begin] + rules[end:])
    table = (ROOT / "watch/strategy.toml").read_text()
    table = table[: table.index("# Two ways")].replace("hold_out = 0.08", "hold_out = 0.0")
    steps = "".join(STEP.format(level=level) for level in ("critical", "high", "medium"))
    (own / "strategy.toml").write_text(table + STRATEGY + steps)


def _worker_memory(settings: Settings) -> float:
    """Resident MiB of the process that hosts the queue."""
    parts = json.loads((settings.home_dir / "stack.json").read_text())["parts"]
    found = parts["worker"]
    pid = found.get("pid") or (found.get("process") or {}).get("pid")
    leader = psutil.Process(pid)
    return sum(process.memory_info().rss for process in (leader, *leader.children(recursive=True))) / 2**20
