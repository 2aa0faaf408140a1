"""F1, F24, F25: workers killed before and after each step of sending, an API killed while it hears an answer.

The gateway's own journal judges: at most one message for each step, and none lost.
"""

import asyncio
import json
import signal
import uuid
from dataclasses import dataclass

import httpx
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

import worker  # noqa: F401  (fills the list of places)
from plimsoll.domain.outreach.profile import Profile
from plimsoll.faultpoints import KNOWN
from plimsoll.local.postgres import OWNER
from tests.chaos.parts import HEARING, REACHING, STEP_BY_STEP, Nursery
from tests.chaos.reaching import QUEUES, a_customer, an_episode, called_back, contact_of, fresh_messages, until_sent
from tests.house import House
from tests.stack_fixtures import LocalPostgres

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
        reaching_house.sandbox.lift_faults()  # one that nobody met is not the next one's
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


# A worker that cannot go on -----------------------------------------------------------------------


async def test_a_worker_whose_reader_ends_of_what_nobody_foresaw_is_gone_at_once_and_says_why(
    reaching_house: House, nursery: Nursery, migrated: LocalPostgres
):
    """It used to take its leave in order: without its database it waited for ever for steps that could not end, alive
    for whoever looks after processes, and did nothing."""
    house, intervention = reaching_house, await an_episode(reaching_house, await a_customer(reaching_house))
    database = str(conninfo_to_dict(house.settings.database_url)["dbname"])
    owner = await psycopg.AsyncConnection.connect(migrated.cluster.url(OWNER, database), autocommit=True)
    doomed = nursery.worker(house.settings, QUEUES)
    await asyncio.to_thread(doomed.until_ready)
    async with owner:
        await owner.execute("alter table stream_cursor rename to away")
        try:
            assert await asyncio.to_thread(doomed.until_ended) == 1
        finally:
            await owner.execute("alter table away rename to stream_cursor")
    said = max(nursery.logs, key=lambda log: log.stat().st_mtime).read_text()
    assert "worker.ends" in said
    assert "UndefinedTable" in said
    healthy = nursery.worker(house.settings, QUEUES)
    await until_sent(house, intervention)
    healthy.send(signal.SIGTERM)
    await asyncio.to_thread(healthy.until_ended)


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
