"""A stack of its own for a bench run, and what all its parts cost together."""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import uvloop

from plimsoll.local import stack
from plimsoll.settings import Settings, load_settings
from plimsoll.wiring import Ports, open_ports
from starter.models.training import ensure_released, ensure_trained

PRODUCT = "consumer-credit"
SERVERS = ["postgres", "migrate", "temporal", "namespace", "sandbox"]
FULL = [*SERVERS, "api", "worker"]


def as_they_come(figures: AsyncIterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each figure as soon as it is known: who waits for the last of them sees the others meanwhile."""

    async def following() -> dict[str, Any] | None:
        return await anext(figures, None)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        while (found := runner.run(following())) is not None:
            yield found


@contextmanager
def bench_stack(parts: list[str], environment: dict[str, str] | None = None) -> Iterator[Settings]:
    """Parts on free ports in a folder of their own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="plimsoll-bench-") as folder:
        before = dict(os.environ)
        os.environ.update({"PLIMSOLL_HOME": folder, **(environment or {})})
        try:
            version = ensure_trained(PRODUCT, load_settings())[0]["version"]
            for _ in stack.up(Path(folder), ports="auto", detach=True, only=parts):
                pass
            settings = load_settings()
            # In a thread, since a bench may run a loop of its own already.
            with ThreadPoolExecutor(1) as aside:
                aside.submit(asyncio.run, _release(settings, version)).result()
            yield settings
        finally:
            stack.down(Path(folder))
            os.environ.clear()
            os.environ.update(before)


async def _release(settings: Settings, version: str) -> None:
    async with open_ports(settings, wait_for_database=30) as ports:
        await ensure_released(PRODUCT, version, ports, settings)


class CpuMeter:
    """CPU seconds of this process and of every part of the stack, children included."""

    def __init__(self, home: Path) -> None:
        pids = json.loads((home / "stack.json").read_text())
        leaders = [part.get("pid") or (part.get("process") or {}).get("pid") for part in pids["parts"].values()]
        self._processes = [psutil.Process()]
        for pid in leaders:
            if pid and psutil.pid_exists(pid):
                leader = psutil.Process(pid)
                self._processes += [leader, *leader.children(recursive=True)]

    def read(self) -> float:
        total = 0.0
        for process in self._processes:
            try:
                spent = process.cpu_times()
                # Postgres backends end with their connections; their time is then in the parent's children.
                total += spent.user + spent.system + spent.children_user + spent.children_system
            except psutil.NoSuchProcess:
                continue
        return total


@asynccontextmanager
async def bench_ports(settings: Settings) -> AsyncIterator[Ports]:
    async with open_ports(settings, wait_for_database=30) as ports:
        product = ports.products.get(PRODUCT)
        champion = (await ports.live.lineup(product.model)).must_have_champion()
        await asyncio.to_thread(ports.scorer.loaded, champion)
        yield ports


def application_of(example: dict[str, Any], reference: str, number: int) -> dict[str, Any]:
    """The product's example as a generated person would send it: what they ask for is drawn from their name."""
    draw = sum(ord(letter) * (place + 1) for place, letter in enumerate(reference))
    applicant = example["applicant"] | {"id": reference, "name": f"Bench {reference}"}
    return example | {
        "external_id": f"{reference}-{number}",
        "amount": f"{800 + draw * 37 % 2600}.00",
        "term_months": 6 + draw % 4 * 6,
        "applicant": applicant,
    }


async def account(settings: Settings, ports: Ports) -> dict[str, Any]:
    """The books after a run: everything accepted is decided or waits in a named place, once."""
    await settled(ports)
    counts = {row["status"]: row["n"] for row in (await ports.reading.counts())["by_status"]}
    accepted = sum(counts.values())
    pulls = await ports.database.row("select count(*) as n from evidence_request where state = 'answered'")
    doubled = await ports.database.row(
        "select count(*) as n from (select 1 from decision group by application_id, round having count(*) > 1) d"
    )
    fresh = await fresh_inquiries(settings)
    await ports.sealer.seal_once()
    await asyncio.sleep(0.5)
    found = await ports.verifier.verify()
    assert pulls is not None
    assert doubled is not None
    return {
        "accepted": accepted,
        "by_status": counts,
        "balanced": accepted == sum(n for status, n in counts.items() if status in ACCOUNTED),
        "decisions_doubled": doubled["n"],
        "inquiries_fresh": fresh,
        "pulls_answered": pulls["n"],
        "ledger": "whole" if found.ok else found.problem,
    }


ACCOUNTED = ("decided", "review", "waiting", "withdrawn", "expired", "received")


async def settled(ports: Ports, patience: float = 60.0) -> None:
    """Waits until nothing is under way any more, or patience is over."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if not (await ports.outbox.backlog() or (await ports.reading.workload())["undecided"]):
            return
        await asyncio.sleep(0.5)


async def fresh_inquiries(settings: Settings) -> int:
    """Distinct fresh inquiries by the sandbox's own log."""
    async with httpx.AsyncClient(base_url=settings.sandbox, trust_env=False, timeout=60) as client:
        answer = (await client.get("/_requests")).json()
    calls = answer if isinstance(answer, list) else answer.get("requests", answer.get("data", []))
    return sum(call["served"] == "fresh" for call in calls)
