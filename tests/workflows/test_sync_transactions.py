"""Accounts elsewhere, read by the run: to the end, again without doubling, and through failures of the feed."""

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.feeds import Feeds, Sync
from tests.house import House, a_house
from tests.sandbox_process import SandboxProcess
from tests.stack_fixtures import Database, LocalTemporal
from workflows import sync_transactions
from workflows.sync_transactions import SyncTransactions


@dataclass
class Line:
    """A house that reads one account of the sandbox's twin."""

    house: House
    client: Client
    queue: str
    provider: str
    account: str
    sandbox: SandboxProcess

    @property
    def feed(self) -> str:
        (name,) = self.house.ports.watch.feeds.names()
        return name

    async def begin(self) -> WorkflowHandle[Any, Sync]:
        return await self.client.start_workflow(
            SyncTransactions.run, Sync(feed=self.feed), id=f"sync/{uuid.uuid4().hex}", task_queue=self.queue
        )

    async def sync(self) -> Sync:
        return await (await self.begin()).result()

    async def behave(self, **manners: Any) -> None:
        async with httpx.AsyncClient(base_url=self.sandbox.url, trust_env=False) as client:
            (await client.put(f"/_feeds/{self.provider}", json=manners)).raise_for_status()

    async def add(self, count: int) -> None:
        async with httpx.AsyncClient(base_url=self.sandbox.url, trust_env=False) as client:
            place = f"/_feeds/{self.provider}/accounts/{self.account}"
            (await client.post(place, json={"count": count})).raise_for_status()

    async def stored(self) -> int:
        return (await self.house.row("select count(*) as n from transaction"))["n"]


def write_feeds(secrets: Path, sandbox: SandboxProcess, provider: str, account: str) -> None:
    keys = {"client_id": "c", "secret": "sandbox", "key_id": "k", "key_secret": "sandbox", "webhook_secret": "sandbox"}
    about = keys | {"url": f"{sandbox.url}/{provider}", "per_second": 1000, "accounts": {account: "cust-1"}}
    (secrets / "feeds.json").write_text(json.dumps({provider: about}))


@asynccontextmanager
async def an_account_elsewhere(
    house: House, client: Client, sandbox: SandboxProcess, provider: str
) -> AsyncIterator[Line]:
    """A worker that reads it, for as long as it is looked at."""
    account, queue = f"acc-{uuid.uuid4().hex[:8]}", f"sync-{uuid.uuid4().hex[:8]}"
    write_feeds(house.settings.secrets, sandbox, provider, account)
    feeds = Feeds(house.ports.watch.feeds, house.ports.watch.log, house.ports.watch.rejected)
    line = Line(house, client, queue, provider, account, sandbox)
    async with Worker(
        client,
        task_queue=queue,
        workflows=[SyncTransactions],
        activities=[feeds.fetch],
        workflow_runner=UnsandboxedWorkflowRunner(),  # a test changes how many pages a run reads
    ):
        yield line
    await line.behave()


@pytest.fixture(params=["plaid", "razorpayx"])
async def line(
    request: pytest.FixtureRequest,
    database: Database,
    local_temporal: LocalTemporal,
    running_sandbox: SandboxProcess,
    tmp_path: Path,
) -> AsyncIterator[Line]:
    client = await Client.connect(
        local_temporal.address, namespace=local_temporal.namespace, data_converter=pydantic_data_converter
    )
    async with (
        a_house(tmp_path, database, faked=True) as house,
        an_account_elsewhere(house, client, running_sandbox, request.param) as line,
    ):
        yield line


async def test_a_run_reads_to_the_end_and_the_next_brings_what_is_new(line: Line):
    await line.add(700)
    first = await line.sync()
    assert (first.new, first.rejected, await line.stored()) == (760, 0, 760)
    await line.add(4)
    again = await line.sync()
    assert (again.new, await line.stored()) == (4, 764)


async def test_a_feed_that_fails_and_asks_for_patience_loses_nothing(line: Line):
    await line.behave(fail_next=1)
    assert (await line.sync()).new == 60
    assert await line.stored() == 60


async def test_a_long_history_goes_on_in_a_run_after_the_run(line: Line, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sync_transactions, "PAGES_A_RUN", 1)
    await line.add(1500)
    done = await line.sync()
    assert (done.new, await line.stored()) == (1560, 1560)
    assert done.pages > 1
