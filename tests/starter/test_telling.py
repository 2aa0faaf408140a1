"""Receivers outside are told of every stage event: in order, signed, at least once under the same id, until taken."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from plimsoll.adapters.messages.webhook import EventNotTaken, EventWebhooks, signature
from plimsoll.domain.access import Role
from plimsoll.domain.errors import NotFound, Unavailable
from plimsoll.domain.telling import Receiver, StageEvent, pause_after
from plimsoll.domain.values import RiskLevel
from plimsoll.wiring.webhooks import Receivers
from starter.loops.telling import Telling
from tests.episodes import a_desk, a_step, a_table
from tests.house import House

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
SECRET = "a secret of sixteen"
CRM = Receiver(url="http://crm", secret=SECRET, types=("intervention.",), after=0)


@dataclass
class Outside:
    """Takes what it is told, unless it is away; a receiver is known by its address."""

    away: set[str] = field(default_factory=set)
    full_after: int | None = None
    taken: list[tuple[str, StageEvent]] = field(default_factory=list)

    async def send(self, receiver: Receiver, event: StageEvent) -> None:
        if receiver.url in self.away or (self.full_after is not None and len(self.taken) >= self.full_after):
            raise EventNotTaken("It answered 503.")
        self.taken.append((receiver.url, event))

    def kinds(self, url: str = "http://crm") -> list[str]:
        return [json.loads(event.body)["kind"] for to, event in self.taken if to == url]


@dataclass
class Named:
    found: dict[str, Receiver]

    def all(self) -> dict[str, Receiver]:
        return self.found


def telling(house: House, outside: Outside, **receivers: Receiver) -> Telling:
    return Telling(Named(receivers or {"crm": CRM}), house.ports.deliveries, outside)


async def some_episodes(house: House, count: int = 2) -> None:
    desk = a_desk(house, a_table(a_step()))
    for _ in range(count):
        await desk.triggered((await desk.customer()).person, RiskLevel.HIGH)
    await house.ports.sealer.seal_once()


async def test_a_receiver_is_told_once_of_the_kinds_it_asked_for_in_order(house: House) -> None:
    await some_episodes(house)
    outside = Outside()
    told = telling(house, outside)
    assert [await told.tell_all(NOW), await told.tell_all(NOW)] == [2, 0]
    assert outside.kinds() == ["intervention.triggered"] * 2
    first, second = (json.loads(event.body) for _, event in outside.taken)
    assert first["seq"] < second["seq"]
    assert first["id"].startswith(f"evt_{first['seq']}_")
    (row,) = await house.ports.deliveries.all()
    assert row["seq"] == row["newest"]


async def test_what_staff_wrote_in_their_own_words_does_not_leave_the_house(house: House) -> None:
    desk = a_desk(house, a_table(a_step()))
    customer, by = await desk.customer(), await house.somebody(Role.COLLECTOR)
    came = await desk.triggered(customer.person)
    said: dict[str, Any] = {"by": by, "reason": "her husband told us of it", "request": "req_test", "now": NOW}
    await desk.interventions.cancel(came.intervention or "", **said)
    await house.ports.sealer.seal_once()
    outside = Outside()
    await telling(house, outside).tell_all(NOW)
    opened, cancelled = (json.loads(event.body) for _, event in outside.taken)
    assert (opened["reason"], cancelled["kind"]) == ("high", "intervention.cancelled")
    assert "reason" not in cancelled


async def test_what_is_not_taken_holds_up_those_behind_it_and_comes_again_under_its_id(house: House) -> None:
    await some_episodes(house, 3)
    outside = Outside(full_after=1)
    told = telling(house, outside)
    assert await told.tell_all(NOW) == 1
    (row,) = await house.ports.deliveries.all()
    assert (row["attempts"], row["last_error"]) == (1, "It answered 503.")
    assert await told.tell_all(NOW + timedelta(seconds=1)) == 0, "it rests"
    outside.full_after = None
    assert await told.tell_all(NOW + timedelta(minutes=1)) == 2
    ids = [event.id for _, event in outside.taken]
    assert len(set(ids)) == 3
    (row,) = await house.ports.deliveries.all()
    assert (row["attempts"], row["last_error"]) == (0, None)


async def test_one_who_is_away_holds_up_nobody_else(house: House) -> None:
    await some_episodes(house)
    outside = Outside(away={"http://crm"})
    other = Receiver(url="http://other", secret=SECRET, after=0)
    told = telling(house, outside, crm=CRM, other=other)
    await told.tell_all(NOW)
    assert outside.kinds("http://other").count("intervention.triggered") == 2
    assert outside.kinds() == []


async def test_a_process_that_died_half_way_leaves_nothing_out(house: House) -> None:
    await some_episodes(house)
    deliveries = house.ports.deliveries
    assert await deliveries.claim("crm", 0, NOW) is not None, "and then it died"
    outside = Outside()
    told = telling(house, outside)
    assert await told.tell_all(NOW + timedelta(seconds=30)) == 0, "the lease may still be somebody's"
    assert await told.tell_all(NOW + timedelta(minutes=3)) == 2


async def test_somebody_new_begins_with_the_next_event(house: House) -> None:
    await some_episodes(house)
    outside = Outside()
    told = telling(house, outside, crm=CRM.model_copy(update={"after": None}))
    assert await told.tell_all(NOW) == 0
    await some_episodes(house, 1)
    assert await told.tell_all(NOW) == 1


async def test_told_again_from_an_earlier_event_each_has_the_id_it_had(house: House) -> None:
    await some_episodes(house)
    outside = Outside()
    told = telling(house, outside)
    await told.tell_all(NOW)
    by = await house.somebody(Role.ADMIN)
    again: dict[str, Any] = {"by": by, "reason": "lost a day", "request": "req_test", "now": NOW}
    await house.ports.deliveries.move("crm", 0, **again)
    assert await told.tell_all(NOW) == 2
    ids = [event.id for _, event in outside.taken]
    assert ids[:2] == ids[2:]
    with pytest.raises(NotFound, match="webhook list"):
        await house.ports.deliveries.move("nobody", 0, **again)


def test_pauses_grow_to_an_hour() -> None:
    assert [pause_after(n).total_seconds() for n in (1, 2, 3, 50)] == [5, 10, 20, 3600]


# On the wire ---------------------------------------------------------------------------------------


@asynccontextmanager
async def a_receiver(status: int = 200) -> AsyncIterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A server that answers so, and what it was sent."""
    seen: list[tuple[dict[str, str], bytes]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head.split("\r\n"))}
        seen.append((headers, await reader.readexactly(int(headers["content-length"]))))
        writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook", seen


EVENT = StageEvent(seq=7, id="evt_7_ab", body=b'{"id":"evt_7_ab","seq":7}')


async def test_a_delivery_is_signed_over_its_bytes_and_carries_its_id() -> None:
    async with a_receiver() as (url, seen):
        await EventWebhooks().send(Receiver(url=url, secret=SECRET), EVENT)
    ((headers, body),) = seen
    at = int(headers["plimsoll-signature"].split(",")[0].removeprefix("t="))
    assert (body, headers["idempotency-key"]) == (EVENT.body, EVENT.id)
    assert headers["plimsoll-signature"] == signature(SECRET, body, at)


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_anything_but_a_2xx_is_not_taken(status: int) -> None:
    async with a_receiver(status) as (url, _):
        with pytest.raises(EventNotTaken, match=str(status)):
            await EventWebhooks().send(Receiver(url=url, secret=SECRET), EVENT)


async def test_a_receiver_that_is_not_there_has_not_taken_it() -> None:
    with pytest.raises(EventNotTaken, match="did not answer"):
        await EventWebhooks().send(Receiver(url="http://127.0.0.1:9/", secret=SECRET), EVENT)


# The file ------------------------------------------------------------------------------------------


def test_receivers_are_read_anew_when_the_file_changes_and_a_bad_one_says_where(tmp_path) -> None:
    receivers, place = Receivers(tmp_path), tmp_path / "webhooks.json"
    assert receivers.all() == {}
    place.write_text(json.dumps({"crm": {"url": "https://crm", "secret": SECRET}}))
    assert receivers.all()["crm"].types == ()
    for bad, said in (('{"crm": {"url": "ftp://x", "secret": "short"}}', "crm.url"), ("{", "webhooks.md")):
        place.write_text(bad)
        os.utime(place, (1, hash(bad) % 10_000))
        with pytest.raises(Unavailable, match=said):
            receivers.all()
