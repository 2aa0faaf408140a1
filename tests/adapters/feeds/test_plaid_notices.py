"""Plaid's notices are believed when its own key signed them, over this body, a moment ago."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from plimsoll.adapters.feeds.http import FeedCalls
from plimsoll.adapters.feeds.plaid_notices import PlaidNotices
from plimsoll.domain.errors import TooBusy
from sandbox.feeds.signing import Signer
from tests.sandbox_process import SandboxProcess

BODY = b'{"webhook_type": "TRANSACTIONS", "webhook_code": "SYNC_UPDATES_AVAILABLE"}'
NOW = 1_770_000_000


@dataclass
class Told:
    """A notice as it came over the wire."""

    token: str
    body: bytes


@pytest.fixture
async def plaid(running_sandbox: SandboxProcess) -> AsyncIterator[PlaidNotices]:
    calls = FeedCalls("plaid", f"{running_sandbox.url}/plaid", per_second=1000)
    yield PlaidNotices(calls, client_id="c", secret="sandbox")
    await calls.close()


async def a_notice(sandbox: SandboxProcess) -> Told:
    """As the sandbox's Plaid tells an address of ours."""
    heard: asyncio.Future[Told] = asyncio.get_running_loop().create_future()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        said = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
        body = await reader.readexactly(int(said["content-length"]))
        heard.set_result(Told(said["plaid-verification"], body))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, httpx.AsyncClient(base_url=sandbox.url, trust_env=False) as client:
        answer = await client.post("/_feeds/plaid/accounts/acc-told", json={"count": 1, "webhook": url})
        assert answer.json()["webhook"] == 200
        return await heard


async def test_what_the_twin_signs_is_believed_and_its_key_asked_for_once(plaid, running_sandbox):
    first, second = await a_notice(running_sandbox), await a_notice(running_sandbox)
    now = int(time.time())
    assert await plaid.fits(first.token, first.body, now)
    assert await plaid.fits(second.token, second.body, now)
    assert len(plaid._known) == 1


async def test_it_is_this_body_and_not_older_than_five_minutes(plaid, running_sandbox):
    told, now = await a_notice(running_sandbox), int(time.time())
    assert not await plaid.fits(told.token, told.body + b" ", now)
    assert not await plaid.fits(told.token, told.body, now + 400)
    assert not await plaid.fits(told.token, told.body, now - 400)


async def test_a_key_that_plaid_does_not_know_signs_nothing(plaid):
    assert not await plaid.fits(Signer().token(BODY, NOW), BODY, NOW)


@dataclass
class Keys:
    """Plaid's answer about a key, at once or when it is let go."""

    key: dict[str, Any]
    calls: int = 0
    held: asyncio.Event | None = None

    async def json(self, method: str, path: str, **given: Any) -> Any:
        self.calls += 1
        if self.held:
            await self.held.wait()
        return {"key": self.key}


def knowing(key: dict[str, Any], held: asyncio.Event | None = None) -> tuple[PlaidNotices, Keys]:
    keys = Keys(key, held=held)
    return PlaidNotices(keys, client_id="c", secret="s"), keys  # type: ignore[arg-type]


async def test_a_key_that_was_withdrawn_signs_nothing():
    signer = Signer()
    plaid, _ = knowing(signer.public(NOW) | {"expired_at": NOW})
    assert not await plaid.fits(signer.token(BODY, NOW), BODY, NOW)


async def test_somebody_elses_signature_under_a_key_of_plaids_is_none():
    signer = Signer()
    plaid, _ = knowing(signer.public(NOW))
    assert await plaid.fits(signer.token(BODY, NOW), BODY, NOW)
    assert not await plaid.fits(Signer().token(BODY, NOW, kid=signer.key_id), BODY, NOW)


@pytest.mark.parametrize(
    "token", ["", "a.b", "a.b.c", "e30.e30.e30", "é.é.é", "W10.W10.W10", "." * 5000], ids=lambda token: token[:12]
)
async def test_what_is_no_token_asks_for_no_key(token: str):
    plaid, keys = knowing({})
    assert not await plaid.fits(token, BODY, NOW)
    assert keys.calls == 0


@pytest.mark.parametrize("head", [{"alg": "HS256"}, {"alg": "none"}, {"kid": "../secrets"}], ids=str)
async def test_a_token_of_another_form_asks_for_no_key(head: dict[str, str]):
    plaid, keys = knowing({})
    assert not await plaid.fits(Signer().token(BODY, NOW, **head), BODY, NOW)
    assert keys.calls == 0


async def test_of_unknown_keys_one_is_asked_for_at_a_time():
    signer, let_go = Signer(), asyncio.Event()
    plaid, keys = knowing(signer.public(NOW), let_go)
    first = asyncio.create_task(plaid.fits(signer.token(BODY, NOW), BODY, NOW))
    await asyncio.sleep(0)
    with pytest.raises(TooBusy):
        await plaid.fits(Signer().token(BODY, NOW), BODY, NOW)
    let_go.set()
    assert await first
    assert keys.calls == 1
