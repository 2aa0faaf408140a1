"""The long forms of watching and reaching: whoever carries it dies again and again, callbacks and lines come in every
bad manner; every run ends with its books. Seeds are printed with the failure, so a red run can be repeated.
"""

import asyncio
import contextlib
import json
import random
import signal
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from plimsoll.adapters.messages.webhook import signature
from plimsoll.domain.access import Role
from tests.chaos.parts import Api, Nursery
from tests.chaos.reaching import QUEUES, a_customer, an_episode, contact_of, fresh_messages, until_sent
from tests.house import House, bearer, until
from tests.sandbox_process import free_port

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
SECONDS = 60.0
A_CALL = 50  # lines


async def for_a_while(step: Callable[[], Awaitable[None]], pause: float) -> None:
    ends = asyncio.get_running_loop().time() + SECONDS
    while asyncio.get_running_loop().time() < ends:
        await step()
        await asyncio.sleep(pause)


async def an_api(house: House, nursery: Nursery, port: int) -> Api:
    """Again where it was before, so that whoever calls finds it."""
    api = nursery.api(house.settings, port=port)
    await asyncio.to_thread(api.until_ready)
    return api


@pytest.mark.parametrize("seed", range(2))
async def test_killed_at_random_with_callbacks_in_every_bad_manner_nothing_is_sent_twice(
    reaching_house: House, nursery: Nursery, seed: int
):
    """F1, F13, F24, F25: receipts come late, thrice and backwards, and of some messages nobody hears that they left."""
    house, chance, port = reaching_house, random.Random(seed), free_port()
    assert house.sandbox is not None
    house.sandbox.callback_secret.write_text((house.settings.secrets / "gateway_callbacks").read_text())
    manners: dict[str, Any] = {"copies": 3, "backwards": True, "after_seconds": 2}
    house.sandbox.switchboard.put("/_gateways/email", json=manners).raise_for_status()
    house.sandbox.fault("email", kind="done_then_timeout", share=0.1, seed=seed)
    here = {"PLIMSOLL_CALLBACK_URL": f"http://127.0.0.1:{port}"}
    steady, api = nursery.worker(house.settings, QUEUES, **here), await an_api(house, nursery, port)
    episodes: list[str] = []

    async def another() -> None:
        episodes.append(await an_episode(house, await a_customer(house)))

    opening = asyncio.create_task(for_a_while(another, 0.2))
    while not opening.done():
        victim = nursery.worker(house.settings, QUEUES, **here) if chance.random() < 0.7 else api
        await asyncio.sleep(chance.uniform(1, 5))
        victim.send(signal.SIGKILL)
        await asyncio.to_thread(victim.until_ended)
        api = await an_api(house, nursery, port) if victim is api else api
    await opening
    house.sandbox.lift_faults()

    async def all_delivered() -> bool:
        row = await house.row(
            "select count(*) as n from contact where intervention_id = any(%(ids)s) and state = 'delivered'",
            ids=episodes,
        )
        return row["n"] == len(episodes)

    await until(all_delivered, 240, f"{len(episodes)} messages to be delivered")
    for episode in episodes:
        contact = await contact_of(house, episode)
        assert contact is not None
        assert fresh_messages(house, contact["id"]) == 1, (seed, contact)
    books = await house.ports.outreach.interventions.accounting()
    assert books["triggers"] == books["opened"] + books["updated"] + books["refused"]
    await house.must_verify()
    house.sandbox.switchboard.delete("/_gateways")
    for process in (steady, api):
        process.send(signal.SIGTERM)
        await asyncio.to_thread(process.until_ended)


FORGERIES = 20  # for each message
TOLD: tuple[tuple[tuple[str, ...], str], ...] = (
    (("delivered", "accepted"), "delivered"),
    (("accepted", "delivered", "accepted"), "delivered"),
    (("bounced", "accepted"), "bounced"),
)


async def test_among_forged_callbacks_in_bulk_only_the_true_ones_count_in_whatever_order(
    reaching_house: House, nursery: Nursery
):
    """F25: twenty forged ones for each message say STOP or that it came back; true ones come twice and backwards."""
    house, port = reaching_house, free_port()
    worker, api = nursery.worker(house.settings, QUEUES), await an_api(house, nursery, port)
    episodes = [await an_episode(house, await a_customer(house)) for _ in range(30)]
    for episode in episodes:
        await until_sent(house, episode)
    contacts = [contact for episode in episodes if (contact := await contact_of(house, episode))]
    before = await house.row("select count(*) as n from contact_callback")
    secret, chance = (house.settings.secrets / "gateway_callbacks").read_text().strip(), random.Random(0)
    few_at_once = asyncio.Semaphore(16)

    async with httpx.AsyncClient(base_url=api.url, trust_env=False, timeout=60) as client:

        async def told(event: dict[str, Any], forged: int | None = None) -> None:
            body, now = json.dumps(event).encode(), int(time.time())
            headers = {"gateway-signature": signature(secret, body, now)}
            if forged is not None:
                headers = (
                    {},
                    {"gateway-signature": signature("a guess", body, now)},
                    {"gateway-signature": signature(secret, body, now - 600)},
                    {"gateway-signature": signature(secret, body + b" ", now)},
                )[forged % 4]
            async with few_at_once:
                answer = await client.post("/v1/callbacks/sandbox-email", content=body, headers=headers)
            assert answer.status_code == (200 if forged is None else 401), answer.text

        calls: list[Awaitable[None]] = []
        for number, contact in enumerate(contacts):
            about = {"key": contact["id"], "type": "receipt"}
            for place, status in enumerate(TOLD[number % 3][0]):
                calls += [told(about | {"id": f"{contact['id']}-{place}", "status": status}) for _ in range(2)]
            for forged in range(FORGERIES):
                said = {"type": "answer", "text": "STOP"} if forged % 2 else {"status": "bounced"}
                calls.append(told(about | {"id": f"forged-{contact['id']}-{forged}"} | said, forged))
        chance.shuffle(calls)
        await asyncio.gather(*calls)

    for number, contact in enumerate(contacts):
        row = await house.row("select state from contact where id = %(id)s", id=contact["id"])
        assert row["state"] == TOLD[number % 3][1], (number, row)
    after = await house.row("select count(*) as n from contact_callback")
    assert after["n"] - before["n"] == sum(len(TOLD[number % 3][0]) for number in range(len(contacts)))
    noes = await house.rows(
        "select 1 from contact_consent where person_id = any(%(ids)s) and not granted",
        ids=[contact["person_id"] for contact in contacts],
    )
    assert not noes
    await house.must_verify()
    for process in (worker, api):
        process.send(signal.SIGTERM)
        await asyncio.to_thread(process.until_ended)


def a_call(number: int) -> list[dict[str, Any] | str]:
    """Fifty lines; of a hundred one is no event, each time of another kind."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    lines: list[dict[str, Any] | str] = [
        {
            "transaction_id": f"{number}-{place}-{uuid.uuid4().hex}",
            "customer": f"c-{(number * A_CALL + place) % 500}",
            "occurred_at": now,
            "amount": "12.50",
            "currency": "EUR",
            "direction": "debit",
        }
        for place in range(A_CALL)
    ]
    if number % 2:
        good, mark = lines[7], uuid.uuid4().hex
        assert isinstance(good, dict)
        bad = ({"amount": "-1"}, {"currency": "XYZ"}, {"occurred_at": "2999-01-01"}, {"amount": "a lot"})
        lines[7] = f"{{not json {mark}" if number % 10 == 1 else good | bad[number // 2 % 4] | {"merchant": mark}
    return lines


@pytest.mark.parametrize("seed", range(2))
async def test_a_stream_with_garbage_by_a_sender_who_repeats_loses_and_doubles_nothing(
    empty_house: House, nursery: Nursery, seed: int
):
    """F15, F26: the API dies again and again under it; whatever was not answered is sent again."""
    house, chance, port = empty_house, random.Random(seed), free_port()
    headers = bearer(await house.key_for(Role.CHANNEL))
    before = await counted(house)
    api, sent = await an_api(house, nursery, port), 0

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:

        async def another() -> None:
            nonlocal sent
            lines = a_call(sent)
            body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
            await sent_surely(client, headers, body)
            sent += 1

        sending = asyncio.create_task(for_a_while(another, 0.01))
        while not sending.done():
            await asyncio.sleep(chance.uniform(1, 6))
            api.send(signal.SIGKILL)
            await asyncio.to_thread(api.until_ended)
            api = await an_api(house, nursery, port)
        await sending
    garbage = sent // 2
    after = await counted(house)
    came = {name: after[name] - before[name] for name in after}
    events = sent * A_CALL - garbage
    assert came == {"stored": events, "keys": events, "numbers": events, "rejected": garbage}, seed
    api.send(signal.SIGTERM)
    await asyncio.to_thread(api.until_ended)


async def sent_surely(client: httpx.AsyncClient, headers: dict[str, str], body: str) -> None:
    """As a careful sender does it: whatever is not answered is sent again."""
    while True:
        with contextlib.suppress(httpx.TransportError):
            answer = await client.post("/v1/transactions", content=body.encode(), headers=headers)
            if answer.status_code == 200:
                return
        await asyncio.sleep(0.1)


async def counted(house: House) -> dict[str, int]:
    return await house.row(
        """
        select (select count(*) from transaction) as stored, (select count(*) from transaction_key) as keys,
            (select count(distinct seq) from transaction) as numbers, (select count(*) from rejected_line) as rejected
        """
    )
