"""F1 at the door: an API process killed while it accepts, and in the express lane while it decides.

The client saw its connection break and knows nothing. It repeats with its key, as clients are told to, and there is one
application, with one decision and one inquiry per source.
"""

import asyncio
import contextlib
import signal
from typing import Any

import httpx
import pytest

import worker  # noqa: F401  (fills the list of places)
from plimsoll.domain.access import Role
from plimsoll.domain.values import Status
from plimsoll.faultpoints import KNOWN
from tests.accounting import account_for
from tests.builders import a_sound_application
from tests.chaos.parts import HEARING, PARKING, REACHING, Api, Nursery, Worker
from tests.house import House, apply

NOT_ON_THE_WAY = (
    "accept",
    "block",
    "open_review",
    "deliver",
    *REACHING,
    *PARKING,
    *HEARING,
)  # of what the express lane does for a sound applicant
EXPRESS_PLACES = [place for place in KNOWN if place.partition(".")[0] not in NOT_ON_THE_WAY]


async def send(api: Api, key: str, body: dict[str, Any]) -> httpx.Response:
    async with httpx.AsyncClient(base_url=api.url, trust_env=False, timeout=30) as client:
        return await apply(client, key, body)


async def an_api(house: House, nursery: Nursery, **environment: str) -> Api:
    api = nursery.api(house.settings, **environment)
    await asyncio.to_thread(api.until_ready)
    return api


async def until_killed(api: Api) -> None:
    assert await asyncio.to_thread(api.until_ended) == -signal.SIGKILL, "the API never came by this place"


async def stopped(*processes: Api | Worker) -> None:
    for process in processes:
        process.send(signal.SIGTERM)
        await asyncio.to_thread(process.until_ended)


async def applications_of(house: House, body: dict[str, Any]) -> list[str]:
    found = await house.rows("select id from application where external_id = %(id)s", id=body["external_id"])
    return [row["id"] for row in found]


@pytest.mark.parametrize(("place", "kept"), [("accept.before", 0), ("accept.after", 1)])
async def test_an_api_killed_while_accepting_leaves_one_application_to_whoever_repeats_the_key(
    empty_house: House, nursery: Nursery, place: str, kept: int
):
    house, body = empty_house, a_sound_application()
    key = await house.key_for(Role.CHANNEL)
    doomed = await an_api(house, nursery, PLIMSOLL_FAULTPOINT=place)
    with pytest.raises(httpx.TransportError):
        await send(doomed, key, body)
    await until_killed(doomed)
    committed = await applications_of(house, body)
    assert len(committed) == kept

    heir = await an_api(house, nursery)
    answer = await send(heir, key, body)
    assert (answer.status_code, "idempotency-replayed" in answer.headers) == ((200, True) if kept else (202, False))
    assert await applications_of(house, body) == (committed or [answer.json()["id"]]) == [answer.json()["id"]]
    helper = nursery.worker(house.settings)  # whose dispatcher finds what nobody started
    await account_for(house, [(answer.json()["id"], body)])
    await stopped(heir, helper)


async def test_an_api_killed_while_it_decides_leaves_the_case_to_a_worker(empty_house: House, nursery: Nursery):
    """After the inquiry was made, and after the decision was recorded but before its run heard of it."""
    await kill_while_deciding(empty_house, nursery, ["ask.after", "record.after"])


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_an_api_killed_at_every_place_of_the_express_lane(empty_house: House, nursery: Nursery):
    await kill_while_deciding(empty_house, nursery, EXPRESS_PLACES)


async def kill_while_deciding(house: House, nursery: Nursery, places: list[str]) -> None:
    """One application and one doomed API per place, no worker anywhere; a healthy pair takes over at the end."""
    key, bodies = await house.key_for(Role.CHANNEL), []
    for place in places:
        doomed = nursery.api(house.settings, PLIMSOLL_FAULTPOINT=place)
        bodies.append(a_sound_application())
        if await asyncio.to_thread(doomed.gets_ready):
            with contextlib.suppress(httpx.TransportError):  # it may die before the answer has left
                assert (await send(doomed, key, bodies[-1])).status_code == 202
        await until_killed(doomed)
    heir, helper = await an_api(house, nursery), nursery.worker(house.settings)
    repeated = [await send(heir, key, body) for body in bodies]
    # 202: that API was killed over an earlier case, taken up again, before it was asked or had committed this one.
    assert {answer.status_code for answer in repeated} <= {200, 202}
    for answer in repeated:
        await house.until_status(answer.json()["id"], Status.DECIDED, patience=90)
    await account_for(house, [(answer.json()["id"], body) for answer, body in zip(repeated, bodies, strict=True)])
    await stopped(heir, helper)
