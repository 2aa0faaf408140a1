"""What durability costs: the same steps with no engine, in the express lane, and as sequential activities.

Interleaved blocks in one run, CPU summed over Postgres, Temporal, sandbox and this process;
the figure is the engine's overhead per decision, express against sequential.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities import activities_on
from activities.decisions import Decisions
from activities.evidence import Evidence
from activities.express import Express
from activities.messages import CaseRef, Pull, Step
from activities.policy import Policy
from activities.scoring import Scoring
from bench.house import PRODUCT, SERVERS, CpuMeter, account, application_of, bench_ports, bench_stack
from plimsoll.domain.access import Actor, Role
from plimsoll.domain.underwriting.application import read_body
from plimsoll.domain.underwriting.product import Lane
from plimsoll.ports import EngineTask
from plimsoll.wiring import Ports
from starter.engine import client as temporal
from starter.engine.hosting import build_worker
from starter.intake import start_of
from workflows import names

QUEUE = "bench"
AT_ONCE = 16
POOL = 48  # people whose cases are decided without a person


@workflow.defn(name="SequentialUnderwriting")
class SequentialUnderwriting:
    """The baseline: every step a regular activity, one after the other."""

    @workflow.run
    async def run(self, case: CaseRef) -> None:
        screened = await self._do(Policy.screen, Step(case=case, now=workflow.now()))
        for plan in screened.to_pull:
            await self._do(Evidence.pull, Pull(case=case, now=workflow.now(), source=plan))
        await self._do(Scoring.score, Step(case=case, now=workflow.now()))
        await self._do(Policy.decide, Step(case=case, now=workflow.now()))
        await self._do(Decisions.record, Step(case=case, now=workflow.now()))

    async def _do(self, activity: Any, message: Step) -> Any:
        return await workflow.execute_activity_method(activity, message, start_to_close_timeout=timedelta(seconds=15))


class Shapes:
    """The three ways to bring one application to its decision."""

    def __init__(self, ports: Ports, client: Client, actor: Actor) -> None:
        self._ports = ports
        self._client = client
        self._actor = actor
        self._product = ports.products.get(PRODUCT)
        self._count = 0
        decisions = Decisions(ports.casework, ports.reviews, ports.products, ports.policies, ports.bell)
        self._express = Express(
            ports.casework,
            ports.products,
            Policy(ports.casework, ports.products, ports.policies, ports.live),
            Evidence(ports.casework, ports.products, ports.sources, ports.gate),
            Scoring(ports.casework, ports.products, ports.scorer, ports.live),
            decisions,
        )

    async def no_engine(self, reference: str) -> bool:
        task = await self._accept(reference)
        progress = await self._express.decide_at_once(Step(case=_ref(task), now=datetime.now(UTC), lane=Lane.EXPRESS))
        return progress.outcome is not None

    async def express(self, reference: str) -> None:
        task = await self._accept(reference)
        waiting = asyncio.create_task(self._ports.bell.wait(task.application, 60))
        await asyncio.sleep(0)
        await temporal.start(self._client, task, eager=True)
        await waiting

    async def sequential(self, reference: str) -> None:
        task = await self._accept(reference)
        waiting = asyncio.create_task(self._ports.bell.wait(task.application, 60))
        await self._client.start_workflow(
            SequentialUnderwriting.run, _ref(task), id=f"bench/{task.application}", task_queue=QUEUE
        )
        await waiting

    async def _accept(self, reference: str) -> EngineTask:
        self._count += 1
        body = application_of(self._product.example, reference, self._count)
        application = read_body(self._product, body)
        accepted = await self._ports.applications.accept(
            self._product,
            application,
            actor=self._actor,
            key=f"bench-{self._count}-{time.time_ns()}",
            fingerprint=b"bench",
            request="bench",
            now=datetime.now(UTC),
            head_start=3600,
        )
        return start_of(accepted, self._product, application.priority)


def _ref(task: EngineTask) -> CaseRef:
    return CaseRef(application=task.application, round=task.round, product=task.product, lane=task.lane)


async def measure(rounds: int, block: int, alone: int) -> list[dict[str, Any]]:
    with bench_stack(SERVERS) as settings:
        async with bench_ports(settings) as ports:
            client = await temporal.connect(settings)
            actor = await an_actor(ports)
            shapes = Shapes(ports, client, actor)
            async with build_worker(client, ports, names.DECISIONS), _bench_worker(client, ports):
                people = await _people(shapes)
                meter = CpuMeter(settings.home_dir)
                ways = {"no engine": shapes.no_engine, "express": shapes.express, "sequential": shapes.sequential}
                for way in ways.values():
                    await _block(way, people, AT_ONCE)
                loaded: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
                singly: dict[str, list[float]] = {name: [] for name in ways}
                for _ in range(rounds):
                    for name, way in ways.items():
                        loaded[name].append(await _timed_block(way, people, block, meter))
                        singly[name] += await _singly(way, people, alone)
                books = await account(settings, ports)
            return _lines(loaded, singly, books)


def _bench_worker(client: Client, ports: Ports) -> Worker:
    activities = [*activities_on(names.DECISIONS, ports), *activities_on(names.EVIDENCE, ports)]
    return Worker(
        client,
        task_queue=QUEUE,
        workflows=[SequentialUnderwriting],
        activities=activities,
        workflow_runner=UnsandboxedWorkflowRunner(),
    )


async def an_actor(ports: Ports) -> Actor:
    by = Actor(id="act_system", name="bench", roles=())
    key = await ports.access.create_key("bench", [Role.CHANNEL], name="bench", by=by, request="bench")
    return await ports.access.actor_of_key(key)


async def _people(shapes: Shapes) -> list[str]:
    found: list[str] = []
    for number in range(2000):
        reference = f"GEN-{number}"
        if await shapes.no_engine(reference):
            found.append(reference)
        if len(found) == POOL:
            break
    return found


async def _block(way: Callable[[str], Awaitable[Any]], people: list[str], count: int) -> None:
    pending = iter([people[number % len(people)] for number in range(count)])

    async def one_after_another() -> None:
        for reference in pending:
            await way(reference)

    await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))


async def _timed_block(
    way: Callable[[str], Awaitable[Any]], people: list[str], count: int, meter: CpuMeter
) -> tuple[float, float]:
    """Wall and CPU seconds per decision."""
    cpu, began = meter.read(), time.perf_counter()
    await _block(way, people, count)
    return (time.perf_counter() - began) / count, (meter.read() - cpu) / count


async def _singly(way: Callable[[str], Awaitable[Any]], people: list[str], count: int) -> list[float]:
    taken = []
    for number in range(count):
        began = time.perf_counter()
        await way(people[number % len(people)])
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def _lines(
    loaded: dict[str, list[tuple[float, float]]], singly: dict[str, list[float]], books: dict[str, Any]
) -> list[dict[str, Any]]:
    cpu = {name: statistics.median(c for _, c in blocks) * 1000 for name, blocks in loaded.items()}
    rate = {name: 1 / statistics.median(w for w, _ in blocks) for name, blocks in loaded.items()}
    lines = []
    for name in loaded:
        p50, p95 = _quantiles(singly[name])
        lines += [
            line(f"decisions at {AT_ONCE} at once, {name}", rate[name], "per second", rate["no engine"]),
            line(f"CPU of all parts per decision, {name}", cpu[name], "ms", cpu["no engine"]),
            line(f"alone p50, {name}", p50, "ms"),
            line(f"alone p95, {name}", p95, "ms"),
        ]
    express, sequential = cpu["express"] - cpu["no engine"], cpu["sequential"] - cpu["no engine"]
    lines.append(
        line("engine overhead per decision, express (baseline: sequential)", express, "ms CPU", sequential)
        | {"accounting": books}
    )
    return lines


def line(name: str, value: float, unit: str, baseline: float | None = None) -> dict[str, Any]:
    ratio = value / baseline if baseline else None
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "baseline": None if baseline is None else round(baseline, 3),
        "ratio": None if ratio is None else round(ratio, 3),
    }


def _quantiles(taken: list[float]) -> tuple[float, float]:
    ordered = sorted(taken)
    return ordered[len(ordered) // 2], ordered[min(int(len(ordered) * 0.95), len(ordered) - 1)]
