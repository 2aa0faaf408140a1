"""Runs over HTTP: those that are no application's, and what a person does to a run, each with its reason."""

from plimsoll.domain.access import Role
from tests.builders import a_sound_application
from tests.house import bearer, until
from tests.starter.conftest import Door
from tests.starter.test_api_people import a_review


async def entries(door: Door, kind: str) -> list[dict]:
    found = await door.get("/v1/ledger/entries", Role.AUDITOR, params={"kind": kind})
    return found.json()["data"]


async def a_training(door: Door) -> str:
    wanted = {"product": "consumer-credit", "reason": "to be looked at"}
    answer = await door.post("/v1/trainings", Role.MODEL_OWNER, wanted)
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


async def test_what_is_no_application_is_listed_and_counted_until_it_ends(door: Door):
    training = await a_training(door)
    listed = (await door.get("/v1/workflows/others", params={"kind": "training"})).json()["data"]
    (run,) = [row for row in listed if row["id"] == training]
    assert (run["kind"], run["product"], run["state"]) == ("training", "consumer-credit", "running")
    counts = (await door.get("/v1/workflows/summary")).json()["others"]
    assert {"kind": "training", "n": 1} in counts
    assert (await door.get("/v1/workflows/others", params={"kind": "rollout"})).json()["data"] == []
    stopped = await door.post(f"/v1/trainings/{training}/cancel", Role.MODEL_OWNER, {"reason": "seen enough"})
    assert stopped.status_code < 300, stopped.text


async def test_a_plan_by_which_nothing_can_be_trained_begins_nothing(door: Door):
    wanted = {"product": "consumer-credit", "reason": "to be looked at"}
    for path in ("/v1/trainings", "/v1/retrainings"):
        refused = await door.post(path, Role.MODEL_OWNER, wanted | {"plan": {"families": ["xgboost"]}})
        assert (refused.status_code, refused.json()["code"]) == (400, "plan_refused")
    misspelt = await door.post("/v1/trainings", Role.MODEL_OWNER, wanted | {"plan": {"trails": 2}})
    assert misspelt.json()["fields"] == [{"field": "plan.trails", "problem": "is no field here"}]
    assert (await door.get("/v1/trainings", params={"state": "running"})).json()["data"] == []


async def test_a_kind_that_is_none_is_refused_with_those_there_are(door: Door):
    refused = await door.get("/v1/workflows/others", params={"kind": "dream"})
    assert refused.status_code == 422
    assert "training" in refused.text


async def test_resuming_a_source_goes_on_record_with_who_and_why(door: Door):
    answer = await door.post("/v1/workflows/resume?waiting_on=bureau", Role.ADMIN, {"reason": "it is back"})
    assert answer.json() == {"waiting_on": "bureau", "resumed": 0}
    (entry,) = await entries(door, "source.resumed")
    assert (entry["reason"], entry["source"]) == ("it is back", "bureau")


async def test_nothing_is_resumed_without_a_reason(door: Door):
    for body in ({}, {"reason": "x"}):
        refused = await door.post("/v1/workflows/resume?waiting_on=bureau", Role.ADMIN, body)
        assert refused.status_code == 422


async def test_a_case_that_waits_for_a_person_has_no_step_to_retry_and_says_so(door: Door):
    _, application = await a_review(door)
    answer = await door.post(f"/v1/workflows/retry/{application}", Role.ADMIN, {"reason": "to be sure"})
    assert answer.json() == {"application": application, "retried": 0}
    assert [entry["kind"] for entry in await entries(door, "application.retried")] == ["application.retried"]


async def test_a_case_that_is_not_there_is_not_found(door: Door):
    headers = bearer(door.keys[Role.ADMIN])
    answer = await door.client.post("/v1/workflows/retry/app_nowhere", json={"reason": "why"}, headers=headers)
    assert answer.status_code == 404


async def test_a_step_that_waits_for_its_source_is_tried_at_once(door: Door):
    sandbox = door.house.sandbox
    assert sandbox is not None
    sandbox.fault("bureau", kind="500")
    made = (await door.apply(a_sound_application())).json()

    async def tried_by_the_engine() -> bool:  # the express lane has failed before, in the same words
        state = (await door.get(f"/v1/applications/{made['id']}/workflow")).json()
        return [step["activity"] for step in state.get("pending", [])] == ["pull"]

    await until(tried_by_the_engine, what="the engine to try the bureau")
    answer = await door.post(f"/v1/workflows/retry/{made['id']}", Role.ADMIN, {"reason": "it is back"})
    assert answer.json()["retried"] == 1
    sandbox.lift_faults()
    await door.house.ports.gate.close_circuit("bureau")
    await door.house.until_closed(made["id"])


async def test_a_case_that_does_not_get_on_is_found_as_stuck(door: Door):
    """What waits for a person or a source is not stuck, however old; what nobody works on is."""
    _, waits = await a_review(door)
    lost = await door.house.accept(a_sound_application())
    for application in (waits, lost):
        an_hour_ago = "update application set accepted_at = now() - interval '1 hour' where id = %(id)s"
        await door.house.ports.database.run(an_hour_ago, {"id": application})
    found = (await door.get("/v1/workflows", params={"stuck": "true"})).json()["data"]
    assert [row["id"] for row in found] == [lost]
