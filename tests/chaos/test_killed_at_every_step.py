"""F1: a worker killed before and after each side effect. Afterwards: one decision, one inquiry, a whole ledger."""

import asyncio
import signal
from dataclasses import dataclass
from typing import Any

import pytest

import worker  # noqa: F401  (fills the list of places)
from plimsoll.domain.underwriting.product import Lane
from plimsoll.domain.values import Status
from plimsoll.faultpoints import KNOWN
from tests.builders import a_referred_application, a_sound_application
from tests.chaos.parts import HEARING, PARKING, REACHING, Nursery
from tests.house import PATIENCE, House

DOOR = ("accept",)  # an API process alone comes by it: test_the_api_dies.py
REFERRED = ("open_review",)
FAILING = ("block",)
ELSEWHERE = (*DOOR, *REACHING, *PARKING, *HEARING)
PLACES = [place for place in KNOWN if place.partition(".")[0] not in ELSEWHERE]


@dataclass
class Aftermath:
    application: str
    body: dict[str, Any]
    ended_by: int


async def kill_at_every_place(house: House, nursery: Nursery, lane: Lane) -> dict[str, Aftermath]:
    """One application and one doomed worker per place; a healthy worker takes over at the end."""
    found = {}
    for place in PLACES:
        effect = place.partition(".")[0]
        body = a_referred_application() if effect in REFERRED else a_sound_application()
        if effect in FAILING:
            assert house.sandbox is not None
            house.sandbox.fault("bureau", kind="500", times=1, reference=body["applicant"]["id"])
        application = await house.accept(body, lane=lane)
        doomed = nursery.worker(house.settings, PLIMSOLL_FAULTPOINT=place)
        found[place] = Aftermath(application, body, await asyncio.to_thread(doomed.until_ended))
    healthy = nursery.worker(house.settings)
    try:
        for place, aftermath in found.items():
            await house.until_status(aftermath.application, Status.DECIDED, Status.REVIEW)
            if place.partition(".")[0] not in REFERRED:
                await until_over(house, aftermath.application)
    finally:
        healthy.send(signal.SIGTERM)
        await asyncio.to_thread(healthy.until_ended)
    return found


async def until_over(house: House, application: str) -> None:
    """A worker that dies once the decision is on record leaves a run for the next one to close."""
    async with asyncio.timeout(PATIENCE):
        await house.run_of(application).result()


@pytest.fixture(scope="module")
async def aftermath(empty_house: House, nursery: Nursery) -> dict[str, Aftermath]:
    return await kill_at_every_place(empty_house, nursery, Lane.EXPRESS)


@pytest.mark.parametrize("place", PLACES)
async def test_a_worker_killed_there_leaves_one_decision_and_one_inquiry(
    aftermath: dict[str, Aftermath], empty_house: House, place: str
):
    await must_be_whole(empty_house, aftermath[place], referred=place.partition(".")[0] in REFERRED)


async def test_after_all_these_deaths_the_ledger_verifies(aftermath: dict[str, Aftermath], empty_house: House):
    await empty_house.must_verify()


async def test_every_side_effect_has_a_place_before_and_after_it():
    assert len(KNOWN) == len(set(KNOWN)) >= 16


async def must_be_whole(house: House, after: Aftermath, referred: bool) -> None:
    assert after.ended_by == -signal.SIGKILL, "the worker never came by this place"
    decided = await house.decisions(after.application)
    assert len(decided) == (0 if referred else 1)
    inquiries = house.fresh_inquiries(after.body)
    assert set(inquiries.values()) == {1}, inquiries
    entries = await house.rows(
        "select kind, count(*) as n from ledger_entry where application_id = %(id)s group by kind", id=after.application
    )
    once = {row["kind"]: row["n"] for row in entries if row["kind"] != "evidence.answered"}
    assert set(once.values()) == {1}, once
    if not referred:
        result = await house.run_of(after.application).result()
        assert result.outcome == decided[0]["outcome"]


@pytest.mark.long
async def test_killed_at_every_place_step_by_step(empty_house: House, nursery: Nursery):
    """The same in the stepwise lane, where a lost activity is noticed only when its time is over."""
    for place, after in (await kill_at_every_place(empty_house, nursery, Lane.STEPWISE)).items():
        await must_be_whole(empty_house, after, referred=place.partition(".")[0] in REFERRED)
    await empty_house.must_verify()
