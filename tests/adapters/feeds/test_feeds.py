"""Accounts elsewhere, read page by page from the sandbox's twins: nothing left out, whatever stands in the way."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from plimsoll.adapters.feeds.http import FeedCalls
from plimsoll.adapters.feeds.plaid import PlaidFeed
from plimsoll.adapters.feeds.razorpayx import RazorpayXFeed
from plimsoll.domain.errors import SourceBusy, SourceUnavailable
from plimsoll.domain.watching.reading import read_records
from tests.sandbox_process import SandboxProcess


@pytest.fixture(params=["plaid", "razorpayx"])
async def feed(request: pytest.FixtureRequest, running_sandbox: SandboxProcess) -> AsyncIterator[Any]:
    name, account = request.param, f"acc-{request.node.name}"
    calls = FeedCalls(name, f"{running_sandbox.url}/{name}", per_second=1000)
    if name == "plaid":
        yield PlaidFeed(calls, client_id="c", secret="sandbox", access_token=account, customer="cust-1")
    else:
        yield RazorpayXFeed(calls, key_id="k", key_secret="sandbox", account_number=account, customer="cust-1")
    await behave(running_sandbox, name)
    await calls.close()


async def behave(sandbox: SandboxProcess, name: str, **manners: Any) -> None:
    async with httpx.AsyncClient(base_url=sandbox.url, trust_env=False) as client:
        (await client.put(f"/_feeds/{name}", json=manners)).raise_for_status()


async def add(sandbox: SandboxProcess, name: str, account: str, count: int) -> None:
    async with httpx.AsyncClient(base_url=sandbox.url, trust_env=False) as client:
        (await client.post(f"/_feeds/{name}/accounts/{account}", json={"count": count})).raise_for_status()


def provider_of(feed: Any) -> tuple[str, str]:
    if isinstance(feed, PlaidFeed):
        return "plaid", feed._keys["access_token"]
    return "razorpayx", feed._account


async def read_all(feed: Any, cursor: str = "") -> tuple[list[dict[str, Any]], str]:
    lines: list[dict[str, Any]] = []
    while True:
        page = await feed.page(cursor)
        lines += page.lines
        cursor = page.cursor
        if not page.has_more:
            return lines, cursor


async def test_every_movement_is_an_event_we_take(feed: Any):
    lines, _ = await read_all(feed)
    said = [{name: value for name, value in line.items() if value is not None} for line in lines]
    read = read_records(said, datetime.now(UTC))
    assert (len(lines), len(read.batch), read.rejected) == (60, 60, [])


async def test_pages_add_up_to_everything_and_the_next_reading_brings_what_is_new(feed: Any, running_sandbox):
    provider, account = provider_of(feed)
    await read_all(feed)
    await add(running_sandbox, provider, account, 1100)
    lines, cursor = await read_all(feed)
    assert len({line["transaction_id"] for line in lines}) == 1160
    await add(running_sandbox, provider, account, 3)
    more, _ = await read_all(feed, cursor)
    new = {line["transaction_id"] for line in more} - {line["transaction_id"] for line in lines}
    assert len(new) == 3


async def test_what_comes_in_while_pages_are_read_is_not_left_out(feed: Any, running_sandbox):
    provider, account = provider_of(feed)
    await add(running_sandbox, provider, account, 700)
    page = await feed.page("")
    await add(running_sandbox, provider, account, 5)
    rest, cursor = await read_all(feed, page.cursor)
    later, _ = await read_all(feed, cursor)
    seen = {line["transaction_id"] for line in [*page.lines, *rest, *later]}
    assert len(seen) == 765


async def test_a_limit_is_told_with_the_time_to_wait_and_a_failure_as_unavailable(feed: Any, running_sandbox):
    provider, _ = provider_of(feed)
    await behave(running_sandbox, provider, fail_next=1)
    with pytest.raises(SourceUnavailable):
        await feed.page("")
    await behave(running_sandbox, provider, per_second=0.001)
    await feed.page("")
    with pytest.raises(SourceBusy) as busy:
        await feed.page("")
    assert busy.value.details["retry_after"] == 1.0


async def test_when_data_change_while_they_are_paged_plaid_is_read_from_where_it_began(running_sandbox):
    calls = FeedCalls("plaid", f"{running_sandbox.url}/plaid", per_second=1000)
    feed = PlaidFeed(calls, client_id="c", secret="sandbox", access_token="acc-mutating", customer="cust-1")
    await add(running_sandbox, "plaid", "acc-mutating", 600)
    first = await feed.page("")
    await behave(running_sandbox, "plaid", mutate_next=1)
    lines, _ = await read_all(feed, first.cursor)
    assert len({line["transaction_id"] for line in lines}) == 660
    await calls.close()


async def test_a_wrong_secret_is_no_page(running_sandbox):
    calls = FeedCalls("plaid", f"{running_sandbox.url}/plaid", per_second=1000)
    feed = PlaidFeed(calls, client_id="c", secret="wrong", access_token="acc-1", customer="cust-1")
    with pytest.raises(SourceUnavailable):
        await feed.page("")
    await calls.close()


async def test_calls_keep_their_distance(running_sandbox, monkeypatch: pytest.MonkeyPatch):
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("plimsoll.adapters.feeds.http.asyncio.sleep", sleep)
    calls = FeedCalls("plaid", running_sandbox.url, per_second=0.5)
    for _ in range(3):
        await calls._my_turn()
    assert waited[0] == 0
    assert waited[2] > waited[1] > 1
    await calls.close()
