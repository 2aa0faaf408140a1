"""F1, F24, F25: workers killed before and after each step of sending, an API killed while it hears an answer.

The gateway's own journal judges: at most one message for each step, and none lost.
"""

import asyncio
import json
import signal
import uuid
from dataclasses import dataclass

import httpx
import pytest

import worker  # noqa: F401  (fills the list of places)
from plimsoll.domain.outreach.profile import Profile
from plimsoll.faultpoints import KNOWN
from tests.chaos.parts import HEARING, REACHING, STEP_BY_STEP, Nursery
from tests.chaos.reaching import QUEUES, a_customer, an_episode, called_back, contact_of, fresh_messages, until_sent
from tests.house import House

PLACES = [place for place in KNOWN if place.partition(".")[0] in REACHING]


@dataclass
class Aftermath:
    person: Profile
    intervention: str
    ended_by: int


@pytest.fixture(scope="module")
async def aftermath(reaching_house: House, nursery: Nursery) -> dict[str, Aftermath]:
    """One episode and one doomed worker per place; a healthy worker takes over at the end."""
    found: dict[str, Aftermath] = {}
    assert reaching_house.sandbox is not None
    for place in PLACES:
        person = await a_customer(reaching_house)
        if place.partition(".")[0] in STEP_BY_STEP:
            reaching_house.sandbox.fault("email", kind="500", times=1)
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
