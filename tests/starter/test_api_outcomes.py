"""Outcomes through the door: one or many, each with its own answer."""

from datetime import UTC, datetime
from typing import Any

import pytest

from plimsoll.domain.access import Role
from tests.builders import a_referred_application, a_sound_application
from tests.house import problem_of
from tests.starter.conftest import Door

TODAY = datetime.now(UTC).date().isoformat()


def an_outcome(decision: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"application_id": decision["id"], "label": "good", "observed_on": TODAY} | changes


async def report(door: Door, body: Any, role: Role = Role.MODEL_OWNER):
    return await door.post("/v1/outcomes", role, body)


async def test_an_outcome_is_recorded_once_and_shown(door: Door):
    decision = await door.decided(a_sound_application())
    first, again = [await report(door, an_outcome(decision, amount="1800.00")) for _ in range(2)]
    assert (first.status_code, first.json()["result"]) == (201, "recorded")
    assert (again.status_code, again.json()["result"]) == (200, "repeated")
    (row,) = (await door.get("/v1/outcomes", params={"application_id": decision["id"]})).json()["data"]
    assert (row["label"], row["mark"], row["amount"], row["known_on"]) == ("good", "final", "1800.00", TODAY)


async def test_a_channel_reports_by_its_own_number(door: Door):
    body = a_sound_application()
    await door.decided(body)
    answer = await report(
        door, {"external_id": body["external_id"], "label": "bad", "observed_on": TODAY}, Role.CHANNEL
    )
    assert answer.status_code == 201


async def test_another_label_is_409_and_a_misfit_is_422_and_an_unknown_one_404(door: Door):
    decision = await door.decided(a_sound_application())
    await report(door, an_outcome(decision))
    conflict = await report(door, an_outcome(decision, label="bad"))
    misfit = await report(door, an_outcome(decision, label="fine"))
    unknown = await report(door, {"external_id": "nobody's", "label": "bad", "observed_on": TODAY})
    assert (conflict.status_code, problem_of(conflict)["code"]) == (409, "conflict")
    assert (misfit.status_code, problem_of(misfit)["fields"][0]["field"]) == (422, "label")
    assert (unknown.status_code, problem_of(unknown)["code"]) == (404, "not_found")


async def test_what_waits_for_a_person_has_no_outcome_yet(door: Door):
    waiting = (await door.apply(a_referred_application(), prefer="wait=20")).json()
    refused = await report(door, an_outcome(waiting))
    assert refused.status_code == 409
    assert "has no decision" in problem_of(refused)["detail"]


async def test_of_many_each_has_its_result_in_order(door: Door):
    decision = await door.decided(a_sound_application())
    many = {"outcomes": [an_outcome(decision), an_outcome(decision), {"label": "good"}, 5, an_outcome({"id": "app_x"})]}
    answer = await report(door, many)
    assert answer.status_code == 200
    assert [row["result"] for row in answer.json()["results"]] == ["recorded", "repeated"] + ["refused"] * 3
    assert [answer.json()[name] for name in ("recorded", "repeated", "refused")] == [1, 1, 3]
    assert all(row["problem"].endswith(".") for row in answer.json()["results"][2:])


@pytest.mark.parametrize("body", [{"outcomes": []}, {"outcomes": "x"}, {"outcomes": [{}], "more": 1}])
async def test_a_list_that_is_none_is_400(door: Door, body: Any):
    assert (await report(door, body)).status_code == 400


async def test_more_than_five_hundred_at_once_are_400(door: Door):
    assert (await report(door, {"outcomes": [{}] * 501})).status_code == 400


async def test_outcomes_of_nobody_are_404(door: Door):
    answer = await door.get("/v1/outcomes", params={"application_id": "app_nobody"})
    assert answer.status_code == 404
