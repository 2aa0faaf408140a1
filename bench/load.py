"""How much the door takes, what it says when it is too much, and what the processes weigh."""

import asyncio
import itertools
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import psutil
import uvloop

from bench.decisions import line
from bench.house import FULL, SERVERS, CpuMeter, account, application_of, bench_ports, bench_stack, settled
from bench.http_load import post, send_at_rate
from plimsoll.settings import Settings
from plimsoll.wiring import Ports
from plimsoll.wiring.packs import product_packs

PRODUCT = "consumer-credit"
ACCEPTED = (200, 201, 202)
AGAIN = 0.25  # seconds before the next look whether all is well


def accept(quick: bool) -> list[dict[str, Any]]:
    """Accepting alone: no process decides, so this is authentication, validation and one transaction."""
    rates, seconds = ((200,), 2.0) if quick else ((400, 800, 1000), 10.0)
    with bench_stack(
        [*SERVERS, "api"],
        {"PLIMSOLL_HOT_WORKER": "false", "PLIMSOLL_MAX_BACKLOG": "1000000", "PLIMSOLL_API_WORKERS": "2"},
    ) as settings:
        return uvloop.run(_accept(settings, rates, seconds))


async def _accept(settings: Settings, rates: tuple[int, ...], seconds: float) -> list[dict[str, Any]]:
    requests, lines = _requests(settings), []
    await send_at_rate(settings.api, requests, 100, 2)
    everything, generator = CpuMeter(settings.home_dir), psutil.Process()
    for rate in rates:
        spent, own = everything.read(), generator.cpu_times()
        seen = await send_at_rate(settings.api, requests, rate, seconds)
        spent, own_later = everything.read() - spent, generator.cpu_times()
        generated = own_later.user + own_later.system - own.user - own.system
        taken = sum(seen.statuses[status] for status in ACCEPTED)
        lines += [
            line(f"accepted a second at {rate} offered, starts held", taken / seen.seconds, "per second", rate),
            line(f"accept p50 at {rate} a second", seen.quantile(0.5) * 1000, "ms"),
            line(f"accept p99 at {rate} a second", seen.quantile(0.99) * 1000, "ms"),
            line(f"CPU of all parts per acceptance at {rate} a second", spent / taken * 1000, "ms"),
            line("of this the load generator", generated / taken * 1000, "ms"),
        ]
    async with bench_ports(settings) as ports:
        lines[-1]["accounting"] = await _held(ports)
    return lines


async def _held(ports: Ports) -> dict[str, Any]:
    """Nothing decides here: every accepted application waits in the outbox, by name."""
    counts = {row["status"]: row["n"] for row in (await ports.reading.counts())["by_status"]}
    return {"by_status": counts, "waiting_to_be_started": await ports.outbox.backlog()}


def overload(quick: bool) -> list[dict[str, Any]]:
    """Three times what can be decided: is every answer honest, and how soon is all well again?"""
    with bench_stack(FULL) as settings:
        return uvloop.run(_overload(settings, *((1.0, 3.0, 3.0) if quick else (5.0, 20.0, 30.0))))


async def _overload(settings: Settings, calm: float, storm: float, after: float) -> list[dict[str, Any]]:
    requests = _requests(settings)
    capacity = await _capacity(settings, requests)
    before = await _decided_within(settings, requests, capacity * 0.3, calm)
    seen = await send_at_rate(settings.api, requests, capacity * 3, storm)
    calm_again = time.perf_counter()
    recovered = await _until_as_before(settings, requests, before, after)
    async with bench_ports(settings) as ports:
        await settled(ports, patience=after * 4)
        all_decided = time.perf_counter() - calm_again
        books = await account(settings, ports)
    honest = sum(n for status, n in seen.statuses.items() if status in (*ACCEPTED, 429, 503))
    return [
        line("decisions a second the house makes (API and worker)", capacity, "per second"),
        line("offered in the storm", capacity * 3, "per second"),
        line("answers that were honest", honest, "answers", sum(seen.statuses.values())),
        line(
            "refused with 429 or 503", seen.statuses[429] + seen.statuses[503], "answers", sum(seen.statuses.values())
        ),
        line("refusals without Retry-After", seen.retry_after_missing, "answers"),
        line("accept p99 in the storm", seen.quantile(0.99) * 1000, "ms"),
        line("time to decision p95 before", before * 1000, "ms"),
        line("seconds until time to decision is as before", recovered, "s"),
        line("seconds until everything taken in is decided", all_decided, "s") | {"accounting": books},
    ]


async def _capacity(settings: Settings, requests: Iterator[bytes]) -> float:
    """Decisions a second with 32 callers who wait for theirs."""
    began, count = time.perf_counter(), 0
    until = began + 6

    async def caller() -> None:
        nonlocal count
        while time.perf_counter() < until:
            await _decide_one(settings, next(requests))
            count += 1

    await asyncio.gather(*(caller() for _ in range(32)))
    return count / (time.perf_counter() - began)


async def _decide_one(settings: Settings, request: bytes) -> float:
    """Seconds from sending an application to its decision (or its review), over a connection of its own."""
    waiting = request.replace(b"\r\nHost:", b"\r\nPrefer: wait=25\r\nHost:", 1)
    began = time.perf_counter()
    seen = await send_at_rate(settings.api, iter([waiting]), 1, 1, connections=1)
    return time.perf_counter() - began if any(seen.statuses[status] for status in ACCEPTED) else float("inf")


async def _decided_within(settings: Settings, requests: Iterator[bytes], rate: float, seconds: float) -> float:
    """p95 of the time to decision at a calm rate."""
    taken = []
    tasks = []
    for _ in range(max(int(rate * seconds), 5)):
        tasks.append(asyncio.create_task(_decide_one(settings, next(requests))))
        await asyncio.sleep(1 / max(rate, 1))
    taken = sorted(await asyncio.gather(*tasks))
    return taken[int(len(taken) * 0.95)]


async def _until_as_before(settings: Settings, requests: Iterator[bytes], before: float, patience: float) -> float:
    """Seconds until three decisions in a row take at most twice the calm p95."""
    began, in_a_row = time.perf_counter(), 0
    while in_a_row < 3 and time.perf_counter() - began < patience * 4:
        quick = await _decide_one(settings, next(requests)) <= max(before * 2, 0.1)
        in_a_row = in_a_row + 1 if quick else 0
        await asyncio.sleep(0 if quick else AGAIN)
    return time.perf_counter() - began


def _requests(settings: Settings) -> Iterator[bytes]:
    """Applications of generated people, each with a key of its own."""
    key = json.loads((settings.secrets / "keys.json").read_text())["channel"]
    example = product_packs(settings).get(PRODUCT).example
    for number in itertools.count():
        body = json.dumps(application_of(example, f"GEN-{number % 5000}", number)).encode()
        yield post(settings.api, "/v1/applications", key, f"load-{number}-{time.time_ns()}", body)


def memory(quick: bool) -> list[dict[str, Any]]:
    """Resident memory of the processes after some work, and what `--help` costs."""
    with bench_stack(FULL) as settings:
        uvloop.run(send_at_rate(settings.api, _requests(settings), 20, 2 if quick else 15))
        time.sleep(5)
        parts = json.loads((settings.home_dir / "stack.json").read_text())["parts"]
        lines = [line(f"resident memory of {name}", _resident(parts[name]), "MiB") for name in ("api", "worker")]
    return [*lines, line("CPU of `plimsoll --help`", _help_cpu(5), "s")]


def _resident(part: dict[str, Any]) -> float:
    leader = psutil.Process(part.get("pid") or part["process"]["pid"])
    return sum(p.memory_info().rss for p in [leader, *leader.children(recursive=True)]) / 1024**2


def _help_cpu(times: int) -> float:
    taken = []
    for _ in range(times):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "starter.cli.main", "--help"], stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return sorted(taken)[len(taken) // 2]
