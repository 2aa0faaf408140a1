"""Experiments through the door: planned, begun, read and stopped, each by who may."""

from typing import Any

import pytest

from plimsoll.domain.access import Role
from plimsoll.domain.models.registry import RoleName
from tests.builders import NOW
from tests.house import problem_of
from tests.releases import a_version, approved
from tests.starter.conftest import Door

REASON = {"reason": "worth a try"}
EASY = {"product": "consumer-credit", "metric": "bad_rate", "effect": 0.5, "baseline": 0.7}
_versions = (f"trial-{number}" for number in range(100))


async def a_plan(door: Door, **changes: Any):
    """Against whoever is champion; somebody is made so if nobody is."""
    house = door.house
    owner = await house.somebody(Role.MODEL_OWNER)
    if not await house.rows("select 1 from model_role where role = 'champion'"):
        record = await approved(house, a_version(next(_versions)))
        await house.ports.registry.set_role(record.id, RoleName.CHAMPION, by=owner, reason="x", request="r", now=NOW)
    record = await approved(house, a_version(next(_versions)))
    return await door.post("/v1/experiments", Role.MODEL_OWNER, EASY | {"challenger": record.id} | changes)


async def stop(door: Door, experiment: str):
    return await door.post(f"/v1/experiments/{experiment}/stop", Role.MODEL_APPROVER, REASON)


async def test_an_experiment_goes_from_plan_to_stop(door: Door):
    made = await a_plan(door)
    experiment = made.json()["id"]
    assert made.status_code == 201
    assert made.json()["plan"]["words"][0].startswith("To find a difference of 0.5 in bad rate")
    assert "salt" not in made.json()["plan"]
    begun = await door.post(f"/v1/experiments/{experiment}/start", Role.MODEL_OWNER, REASON)
    assert begun.json()["state"] == "running"
    reading = await door.post(f"/v1/experiments/{experiment}/reading", Role.ANALYST)
    assert (reading.status_code, reading.json()["verdict"]) == (200, "none_yet")
    listed = (await door.get("/v1/experiments", params={"product": "consumer-credit"})).json()["data"]
    assert listed[0]["reading"]["verdict"] == "none_yet"
    stopped = await stop(door, experiment)
    assert (stopped.status_code, stopped.json().get("state")) == (200, "stopped"), stopped.text
    assert (await door.get(f"/v1/experiments/{experiment}")).json()["stopped_at"]


async def test_a_second_one_is_409_while_the_first_runs(door: Door):
    first, second = (await a_plan(door)).json()["id"], (await a_plan(door)).json()["id"]
    await door.post(f"/v1/experiments/{first}/start", Role.MODEL_OWNER, REASON)
    refused = await door.post(f"/v1/experiments/{second}/start", Role.MODEL_OWNER, REASON)
    await stop(door, first)
    assert (refused.status_code, problem_of(refused)["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("changes", "status", "part"),
    [
        ({"effect": 0.9}, 400, "would be -0.200"),
        ({"effect": 0}, 422, "fields"),
        ({"share": 0.9}, 422, "fields"),
        ({"metric": "profit"}, 422, "fields"),
        ({"design": "shadow"}, 422, "fields"),
        ({"challenger": "mdl_nobody"}, 404, "There is no model"),
        ({"product": "nobody"}, 404, "There is no product"),
        ({"colour": "red"}, 422, "fields"),
    ],
)
async def test_a_plan_that_cannot_be_is_refused(door: Door, changes: dict, status: int, part: str):
    refused = await a_plan(door, **changes)
    assert refused.status_code == status
    assert part in refused.text


async def test_nothing_begins_without_a_reason(door: Door):
    experiment = (await a_plan(door)).json()["id"]
    refused = await door.post(f"/v1/experiments/{experiment}/start", Role.MODEL_OWNER, {})
    assert refused.status_code == 422


@pytest.mark.parametrize("verb", ["start", "stop", "reading"])
async def test_an_unknown_experiment_is_404(door: Door, verb: str):
    body = None if verb == "reading" else REASON
    assert (await door.post(f"/v1/experiments/exp_nobody/{verb}", Role.MODEL_OWNER, body)).status_code == 404
