"""F1, F24, F25: workers killed before and after each step of sending, an API killed while it hears an answer.

The gateway's own journal judges: at most one message for each step, and none lost.
"""

import asyncio
import json
import signal
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

import worker  # noqa: F401  (fills the list of places)
from plimsoll.adapters.messages.webhook import signature
from plimsoll.domain.access import Role
from plimsoll.domain.outreach.episode import Trigger, TriggerSource
from plimsoll.domain.outreach.profile import Profile, ProfileChange
from plimsoll.domain.values import RiskLevel
from plimsoll.faultpoints import KNOWN
from tests.chaos.parts import HEARING, REACHING, Nursery
from tests.contact_rules import WATCH
from tests.house import House, until
from tests.reaching import approve_templates, somebody

PLACES = [place for place in KNOWN if place.partition(".")[0] in REACHING]
QUEUES = "decisions,outreach"
STRATEGY = """
version = "test"
salt = "plimsoll-test"
hold_out = 0.0
{rest}
[[strategies]]
id = "mail"
says = "An e-mail."
share = 1.0
[strategies.ladders]
low = []
[[strategies.ladders.medium]]
{step}
[[strategies.ladders.high]]
{step}
[[strategies.ladders.critical]]
{step}
"""
STEP = 'by = "email"\ntemplate = "email-help-offer"\npriority = 2\nwait_hours = 72\n'


@dataclass
class Aftermath:
    person: Profile
    intervention: str
    ended_by: int


@pytest.fixture(scope="module")
async def reaching_house(empty_house: House) -> House:
    """Everybody may be reached at any time, by e-mail; the sandbox carries it."""
    own = empty_house.settings.home_dir / "watch"
    own.mkdir(parents=True, exist_ok=True)
    rules = (WATCH / "contact_rules.toml").read_text()
    begin, end = rules.index("[[hours]]"), rules.index("# Saying no")
    (own / "contact_rules.toml").write_text("hours = []\ncaps = []\n" + rules[:begin] + rules[end:])
    shipped = (WATCH / "strategy.toml").read_text()
    rest = shipped[shipped.index("rest_days") : shipped.index("[[strategies]]")]
    (own / "strategy.toml").write_text(STRATEGY.format(rest=rest, step=STEP))
    await approve_templates(empty_house)
    return empty_house


async def a_customer(house: House) -> Profile:
    change = ProfileChange.model_validate({"reason": "for a test"} | somebody())
    by = await house.somebody(Role.COLLECTOR)
    return await house.ports.outreach.profiles.change(
        uuid.uuid4().hex, change, by=by, request="req_test", now=datetime.now(UTC)
    )


async def an_episode(house: House, person: Profile) -> str:
    trigger = Trigger(
        person=person.person,
        product="consumer-credit",
        level=RiskLevel.HIGH,
        at=datetime.now(UTC),
        source=TriggerSource.LIVE,
    )
    async with house.ports.database.transaction() as connection:
        came = await house.ports.outreach.interventions.trigger(connection, trigger, datetime.now(UTC))
    assert came.intervention, came
    return came.intervention


async def contact_of(house: House, intervention: str) -> dict[str, Any] | None:
    rows = await house.rows("select * from contact where intervention_id = %(id)s", id=intervention)
    assert len(rows) <= 1
    return rows[0] if rows else None


def fresh_messages(house: House, contact: str) -> int:
    assert house.sandbox is not None
    return sum(entry["served"] == "fresh" for entry in house.sandbox.requests("email", key=contact))


@pytest.fixture(scope="module")
async def aftermath(reaching_house: House, nursery: Nursery) -> dict[str, Aftermath]:
    """One episode and one doomed worker per place; a healthy worker takes over at the end."""
    found = {}
    for place in PLACES:
        person = await a_customer(reaching_house)
        intervention = await an_episode(reaching_house, person)
        doomed = nursery.worker(reaching_house.settings, QUEUES, PLIMSOLL_FAULTPOINT=place)
        found[place] = Aftermath(person, intervention, await asyncio.to_thread(doomed.until_ended))
    healthy = nursery.worker(reaching_house.settings, QUEUES)
    try:
        for after in found.values():
            await until_sent(reaching_house, after.intervention)
    finally:
        healthy.send(signal.SIGTERM)
        await asyncio.to_thread(healthy.until_ended)
    return found


async def until_sent(house: House, intervention: str) -> None:
    async def sent() -> bool:
        contact = await contact_of(house, intervention)
        return contact is not None and contact["state"] in ("sent", "delivered")

    await until(sent, 120, f"{intervention} to reach its customer")


@pytest.mark.parametrize("place", PLACES)
async def test_a_worker_killed_there_leaves_one_message_at_the_gateway(
    aftermath: dict[str, Aftermath], reaching_house: House, place: str
):
    after = aftermath[place]
    assert after.ended_by == -signal.SIGKILL, "the worker never came by this place"
    contact = await contact_of(reaching_house, after.intervention)
    assert contact is not None
    assert fresh_messages(reaching_house, contact["id"]) == 1


async def test_after_all_these_deaths_the_ledger_verifies(aftermath: dict[str, Aftermath], reaching_house: House):
    await reaching_house.must_verify()


def test_every_place_of_reaching_is_known():
    assert {place.partition(".")[0] for place in PLACES} == set(REACHING)


# An API killed while it hears -----------------------------------------------------------------------


@pytest.mark.parametrize("place", [f"{HEARING[0]}.{when}" for when in ("before", "after")])
async def test_an_answer_heard_by_an_api_that_dies_counts_once_when_the_gateway_repeats_it(
    reaching_house: House, nursery: Nursery, place: str
):
    house, person = reaching_house, await a_customer(reaching_house)
    row = await house.row(
        "select encode(fingerprint, 'hex') as hash from contact_address where person_id = %(id)s and channel = 'sms'",
        id=person.person,
    )
    assert row["hash"]
    number = await house.ports.outreach.contacts.number_of(person.person)
    body = json.dumps({"id": uuid.uuid4().hex, "type": "answer", "from": number, "text": "STOP"}).encode()
    doomed = nursery.api(house.settings, PLIMSOLL_FAULTPOINT=place)
    await asyncio.to_thread(doomed.until_ready)
    with pytest.raises(httpx.TransportError):
        await called_back(house, doomed.url, body)
    assert await asyncio.to_thread(doomed.until_ended) == -signal.SIGKILL
    healthy = nursery.api(house.settings)
    await asyncio.to_thread(healthy.until_ready)
    answer = await called_back(house, healthy.url, body)
    assert answer.json()["heard"] == (["new"] if place.endswith("before") else ["repeated"])
    replies = await house.rows("select * from contact_reply where person_id = %(id)s", id=person.person)
    confirming = await house.rows(
        "select * from contact where person_id = %(id)s and confirms is not null", id=person.person
    )
    assert (len(replies), len(confirming)) == (1, 1)
    healthy.send(signal.SIGTERM)
    await asyncio.to_thread(healthy.until_ended)


async def called_back(house: House, url: str, body: bytes) -> httpx.Response:
    secret = (house.settings.secrets / "gateway_callbacks").read_text().strip()
    headers = {"gateway-signature": signature(secret, body, int(time.time()))}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        return await client.post(f"{url}/v1/callbacks/sandbox-sms", content=body, headers=headers)
