"""The sweep of a portfolio on the real server: everybody once, from where it stopped, nobody handed over twice."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from temporalio.client import WorkflowHandle
from temporalio.worker import Worker

from activities.sweeping import Sweep, Sweeping, Swept
from activities.watching import Done, watch_of
from plimsoll.domain.errors import Unavailable
from tests.house import House, until
from tests.watched import an_ordinary_life
from workflows.sweep_portfolio import SweepPortfolio


@dataclass
class Portfolio:
    """Customers by number, two a block; may be away once."""

    people: list[str]
    looked_at: list[str] = field(default_factory=list)
    away_after: str = ""
    keys: set[str] = field(default_factory=set)

    async def look_at_block(
        self, after: str, limit: int, now: datetime, key: str, upto: str | None
    ) -> tuple[str | None, Done]:
        block = [person for person in self.people if person > after and (upto is None or person <= upto)][:2]
        self.keys.add(key)
        if self.away_after and after >= self.away_after:
            self.away_after = ""
            raise Unavailable("Postgres restarts.")
        self.looked_at += block
        return (block[-1] if block else None), Done(judged=len(block), triggers=0)

    async def boundaries(self, ranges: int) -> list[str]:
        return self.people[3::4][: ranges - 1]

    async def ended(self, *given: Any) -> None:
        self.keys.add("ended")


@asynccontextmanager
async def sweeping(house: House, acts: Sweeping) -> AsyncIterator[Any]:
    assert house.client is not None
    client, queue = house.client, f"sweep-{uuid.uuid4().hex[:8]}"

    async def begin(sweep: Sweep) -> WorkflowHandle[Any, Swept]:
        return await client.start_workflow(SweepPortfolio.run, sweep, id=f"sweep-{uuid.uuid4().hex}", task_queue=queue)

    async with Worker(
        client, task_queue=queue, workflows=[SweepPortfolio], activities=[acts.plan, acts.sweep, acts.end]
    ):
        yield begin


async def test_everybody_is_looked_at_and_what_was_done_before_a_fault_is_not_done_again(running_house: House):
    portfolio = Portfolio([f"per_{n:02}" for n in range(16)], away_after="per_05")
    async with sweeping(running_house, Sweeping(portfolio, portfolio)) as begin:  # type: ignore[arg-type]
        swept: Swept = await (await begin(Sweep(key="monday", ranges=1))).result()
    assert portfolio.looked_at == portfolio.people
    assert swept.judged == 16
    assert portfolio.keys == {"sweep/monday", "ended"}


async def test_ranges_side_by_side_leave_nobody_out(running_house: House):
    portfolio = Portfolio([f"per_{n:02}" for n in range(20)])
    async with sweeping(running_house, Sweeping(portfolio, portfolio)) as begin:  # type: ignore[arg-type]
        await (await begin(Sweep(ranges=4))).result()
    assert sorted(portfolio.looked_at) == portfolio.people


async def test_the_same_sweep_again_hands_nobody_over_twice(running_house: House):
    ports = running_house.ports
    watch, now = watch_of(ports), datetime.now(UTC)
    reference = uuid.uuid4().hex[:8]
    for n in range(6):
        await ports.watch.log.accept(an_ordinary_life(customer=f"{reference}-{n}"), now=now)

    async def read() -> bool:
        return await watch.take_events(now) == Done()

    await until(read, what="the stream to be read")
    async with sweeping(running_house, Sweeping(watch, ports.outreach.sweeps)) as begin:
        first: Swept = await (await begin(Sweep(key="tuesday", ranges=3))).result()
        before = await ports.outreach.interventions.accounting()
        again: Swept = await (await begin(Sweep(key="tuesday", ranges=3))).result()
    assert first.judged >= 6
    assert again.judged == first.judged
    assert (await ports.outreach.interventions.accounting())["triggers"] == before["triggers"]
    entries = await running_house.rows("select id from ledger_entry where kind = 'portfolio.swept'")
    assert len(entries) == 1
