"""Interventions and the collectors' queue over HTTP: begun, called, answered, cancelled, and time let pass."""

import asyncio
import dataclasses
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.worker import Worker

from activities import activities_on
from plimsoll.domain.access import Role
from plimsoll.domain.outreach.profile import ProfileChange
from tests.episodes import approved_templates
from tests.house import bearer, problem_of, until
from tests.starter.conftest import Door
from workflows import names
from workflows.intervene_with_customer import InterveneWithCustomer


@pytest.fixture(scope="module")
async def desk(door: Door) -> Door:
    """Templates approved, the governor's hours out of the way: this runs at any time of the day."""
    await approved_templates(door.house)
    outreach = door.client.app.state.running.ports.outreach  # type: ignore[attr-defined]
    table = outreach.strategies.table()
    direct = table.strategy("direct").model_copy(update={"share": 1.0})
    table.__dict__.update(hold_out=0.0, strategies=(direct,))
    rules = outreach.contact_rules()
    rules.__dict__["hours"] = ()
    return door


async def a_customer(door: Door) -> str:
    reference = f"CUST-{uuid.uuid4().hex[:8]}"
    change = ProfileChange.model_validate(
        {
            "addresses": {"voice": f"+1212{uuid.uuid4().int % 10_000_000:07d}", "email": f"{reference}@example.org"},
            "consent": {"voice": True, "email": True},
            "zone": "America/New_York",
            "reason": "for a test",
        }
    )
    by = await door.house.somebody(Role.COLLECTOR)
    profiles = door.house.ports.outreach.profiles
    return (await profiles.change(reference, change, by=by, request="req_test", now=datetime.now(UTC))).person


async def begun(door: Door, **more: Any) -> dict[str, Any]:
    wanted = {"person": await a_customer(door), "level": "critical", "reason": "lost their job", "asked_for_help": True}
    answer = await door.post("/v1/interventions", Role.COLLECTOR, wanted | more)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def a_call(door: Door) -> dict[str, Any]:
    """The open task of a fresh episode, as its run would have opened it."""
    made = await begun(door)
    await door.house.ports.outreach.episodes.look(made["id"], datetime.now(UTC))
    (task,) = (await door.get(f"/v1/interventions/{made['id']}")).json()["tasks"]
    return task


async def test_one_is_begun_by_hand_and_a_second_time_it_is_the_same(desk: Door):
    made = await begun(desk)
    assert (made["state"], made["asked_for_help"]) == ("treating", True)
    assert made["workflow_id"] == names.intervention_id(made["id"])
    again = await desk.post(
        "/v1/interventions", Role.COLLECTOR, {"person": made["person_id"], "level": "high", "reason": "again"}
    )
    assert (again.status_code, again.json()["id"]) == (200, made["id"])
    listed = (await desk.get(f"/v1/interventions?person={made['person_id']}")).json()["data"]
    assert [row["id"] for row in listed] == [made["id"]]


async def test_who_only_reads_begins_nothing_and_an_unknown_person_is_said(desk: Door):
    wanted = {"person": "per_nobody", "reason": "a try"}
    assert (await desk.post("/v1/interventions", Role.ANALYST, wanted)).status_code == 403
    answer = await desk.post("/v1/interventions", Role.COLLECTOR, wanted)
    assert answer.status_code == 404
    assert "no person per_nobody" in problem_of(answer)["detail"]
    answer = await desk.post(
        "/v1/interventions", Role.COLLECTOR, wanted | {"person": await a_customer(desk), "level": "low"}
    )
    assert (answer.status_code, problem_of(answer)["detail"]) == (409, "Nothing was opened: level_calls_for_nothing.")


async def test_it_is_cancelled_once_with_its_reason(desk: Door):
    made = await begun(desk)
    path = f"/v1/interventions/{made['id']}/cancel"
    answer = await desk.post(path, Role.COLLECTOR, {"reason": "opened by mistake"})
    assert (answer.json()["state"], answer.json()["ending"]) == ("watching", "cancelled")
    assert (await desk.post(path, Role.COLLECTOR, {"reason": "opened by mistake"})).status_code == 409


async def test_six_collectors_want_one_task_and_one_gets_it(desk: Door):
    task = await a_call(desk)
    keys = [await desk.house.key_for(Role.COLLECTOR) for _ in range(6)]
    path = f"/v1/collector-tasks/{task['id']}/claim"
    answers = await asyncio.gather(*(desk.client.post(path, headers=bearer(key)) for key in keys))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5


async def test_a_call_is_claimed_dialled_and_answered_once_however_often_it_is_said(desk: Door):
    task = await a_call(desk)
    path = f"/v1/collector-tasks/{task['id']}"
    claimed = (await desk.post(f"{path}/claim", Role.COLLECTOR)).json()
    dialled = (await desk.post(f"{path}/call", Role.COLLECTOR)).json()
    assert dialled["number"].startswith("+1212")
    assert "Harbour Bank" in dialled["says"]
    report = {"version": claimed["version"], "answer": "no_help_needed", "note": "has a new job"}
    first = await desk.post(f"{path}/answer", Role.COLLECTOR, report)
    again = await desk.post(f"{path}/answer", Role.COLLECTOR, report)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["state"] == again.json()["state"] == "answered"
    other = await desk.post(f"{path}/answer", Role.COLLECTOR, report | {"answer": "refused"})
    assert other.status_code == 409
    entries = await desk.house.rows(
        "select id from ledger_entry where application_id = %(id)s and kind = 'collector_task.answered'",
        id=claimed["intervention_id"],
    )
    assert len(entries) == 1


async def test_an_answer_that_cannot_be_names_each_field(desk: Door):
    task = await a_call(desk)
    path = f"/v1/collector-tasks/{task['id']}"
    claimed = (await desk.post(f"{path}/claim", Role.COLLECTOR)).json()
    answer = await desk.post(
        f"{path}/answer", Role.COLLECTOR, {"version": claimed["version"], "answer": "promise", "due_on": "2020-01-01"}
    )
    assert answer.status_code == 422
    assert {field["field"] for field in problem_of(answer)["fields"]} == {"amount", "due_on"}
    stale = {"version": claimed["version"] + 5, "answer": "no_answer"}
    assert (await desk.post(f"{path}/answer", Role.COLLECTOR, stale)).status_code == 409


async def test_what_happens_to_customers_can_be_followed_from_any_place(desk: Door):
    made = await begun(desk)
    await desk.house.ports.sealer.seal_once()
    found: list[dict[str, Any]] = []
    page: dict[str, Any] = {"after": 0, "has_more": True}
    while page["has_more"]:
        page = (await desk.get(f"/v1/events?type=intervention.&after={page['after']}&limit=2")).json()
        found += page["data"]
    numbers = [event["seq"] for event in found]
    assert numbers == sorted(set(numbers))
    (mine,) = [each for each in found if each.get("intervention") == made["id"]]
    assert (mine["kind"], mine["level"]) == ("intervention.triggered", "critical")


async def test_effect_and_plan_are_said_before_anything_is_known(desk: Door):
    effect = (await desk.get("/v1/interventions/effect")).json()
    assert {each["verdict"] for each in effect["effect"]} == {"none_yet"}
    plan = (await desk.get("/v1/interventions/strategies")).json()
    assert [strategy["id"] for strategy in plan["table"]["strategies"]] == ["direct"]


async def test_time_passes_for_one_case_and_nobody_else_may_let_it(desk: Door):
    wanted = {"id": "int_nobody", "duration": "30d"}
    assert (await desk.post("/v1/fast-forward", Role.ANALYST, wanted)).status_code == 403
    assert (await desk.post("/v1/fast-forward", Role.ADMIN, wanted)).status_code == 404
    answer = await desk.post("/v1/fast-forward", Role.ADMIN, wanted | {"duration": "soon"})
    assert (answer.status_code, problem_of(answer)["detail"]) == (
        400, "'soon' is no span of time: write 30d, 12h, 90m or 1d 12h.",
    )  # fmt: skip


async def test_ninety_days_pass_over_http_and_the_episode_has_ended(desk: Door):
    """The whole way: a trigger, its run, time let pass by a call, every step and outcome on the way."""
    house, outreach = desk.house, desk.client.app.state.running.ports.outreach  # type: ignore[attr-defined]
    assert house.client is not None
    with_rules = dataclasses.replace(house.ports, outreach=outreach)
    worker = Worker(
        house.client, task_queue=names.OUTREACH, workflows=[InterveneWithCustomer],
        activities=activities_on(names.OUTREACH, with_rules), workflow_failure_exception_types=[Exception],
    )  # fmt: skip
    async with worker:
        made = await begun(desk)

        async def waits() -> bool:
            return (await desk.get(f"/v1/interventions/{made['id']}")).json()["waits_on"] == "collector"

        await until(waits, what="the first call to be in the queue")
        for span in ("30d", "30d", "31d"):
            answer = await desk.post("/v1/fast-forward", Role.COLLECTOR, {"id": made["id"], "duration": span})
            assert (answer.status_code, answer.json()["arrived"]) == (200, True), answer.text

        async def ended() -> bool:
            return (await desk.get(f"/v1/interventions/{made['id']}")).json()["state"] == "ended"

        await until(ended, what="the episode to end")
    story = (await desk.get(f"/v1/interventions/{made['id']}")).json()
    assert [outcome["day"] for outcome in story["outcomes"]] == [30, 60, 90]
    assert story["ending"] == "nobody_reached"


async def test_what_is_wrong_is_said_with_the_value_and_what_to_write_instead(door: Door):
    wrong = {"person": "CUST-1", "reason": "asked for help"}
    answer = await door.post("/v1/interventions", Role.COLLECTOR, wrong)
    (said,) = problem_of(answer)["fields"]
    assert said == {
        "field": "person",
        "problem": "'CUST-1' is no id of ours: write per_…, as `plimsoll customer show` says it",
    }
    (said,) = problem_of(await door.get("/v1/collector-tasks?state=lost", Role.COLLECTOR))["fields"]
    assert said["problem"] == "Input should be 'open', 'claimed', 'answered' or 'closed'"
