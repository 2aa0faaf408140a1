"""Releases over HTTP: begun by who may, moved with a reason, and always said where they stand."""

import uuid
from typing import Any

from httpx import Response

from plimsoll.domain.access import Role
from tests.house import problem_of
from tests.releases import a_champion, a_version, approved
from tests.starter.conftest import Door


async def a_candidate(door: Door) -> Any:
    """An approved version of a model of its own, beside a champion."""
    name = f"model-{uuid.uuid4().hex[:8]}"
    await a_champion(door.house, a_version("first", name))
    return await approved(door.house, a_version("second", name))


async def begun(door: Door, role: Role = Role.MODEL_OWNER, **more: Any) -> Response:
    wanted = {"model": (await a_candidate(door)).id, "reason": "better by 0.02"} | more
    return await door.post("/v1/rollouts", role, wanted)


async def moved(door: Door, rollout: str, verb: str, reason: str = "as agreed") -> Response:
    return await door.post(f"/v1/rollouts/{rollout}/{verb}", Role.MODEL_OWNER, {"reason": reason})


async def test_it_begins_in_the_shadow_and_its_run_can_be_found(door: Door):
    answer = await begun(door)
    assert answer.status_code == 201
    made = answer.json()
    assert (made["state"], made["phase"], made["share"]) == ("running", "shadow", 0.0)
    assert made["workflow_id"] == f"rollout/{made['id']}"
    shown = (await door.get(f"/v1/rollouts/{made['id']}")).json()
    assert shown["model"]["version"] == "second"
    assert shown["before"]["version"] == "first"


async def test_it_is_paused_resumed_promoted_and_taken_back_each_with_its_reason(door: Door):
    rollout = (await begun(door)).json()["id"]
    for verb, state in (
        ("pause", "paused"),
        ("resume", "running"),
        ("promote", "promoted"),
        ("rollback", "rolled_back"),
    ):
        answer = await moved(door, rollout, verb, f"we {verb}")
        assert (answer.json()["state"], answer.json()["reason"]) == (state, f"we {verb}")


async def test_what_is_over_cannot_be_moved(door: Door):
    rollout = (await begun(door)).json()["id"]
    await moved(door, rollout, "rollback")
    answer = await moved(door, rollout, "promote")
    assert answer.status_code == 409
    assert "is rolled back and over" in problem_of(answer)["detail"]


async def test_a_reason_is_owed(door: Door):
    rollout = (await begun(door)).json()["id"]
    answer = await door.post(f"/v1/rollouts/{rollout}/pause", Role.MODEL_OWNER, {})
    assert answer.status_code == 422
    assert problem_of(answer)["fields"][0]["field"] == "reason"


async def test_who_only_reads_may_not_release(door: Door):
    answer = await begun(door, Role.ANALYST)
    assert answer.status_code == 403
    assert "models:release" in problem_of(answer)["detail"]


async def test_who_approves_may_take_it_back_but_neither_begin_nor_promote(door: Door):
    assert (await begun(door, Role.MODEL_APPROVER)).status_code == 403
    rollout = (await begun(door)).json()["id"]
    reason = {"reason": "complaints"}
    assert (await door.post(f"/v1/rollouts/{rollout}/promote", Role.MODEL_APPROVER, reason)).status_code == 403
    assert (await door.post(f"/v1/rollouts/{rollout}/rollback", Role.MODEL_APPROVER, reason)).status_code == 200


async def test_phases_that_shrink_are_refused(door: Door):
    phases = [{"name": "half", "share": 0.5, "lasts": "PT1H"}, {"name": "all", "share": 0.1, "lasts": "PT0S"}]
    answer = await begun(door, plan={"phases": phases, "gates": []})
    assert answer.status_code == 422
    assert "phases must grow" in str(problem_of(answer)["fields"])


async def test_a_rollout_nobody_knows_is_not_found(door: Door):
    answer = await door.get("/v1/rollouts/rol_0")
    assert answer.status_code == 404
    assert problem_of(answer)["detail"].startswith("There is no roll-out rol_0")


async def test_of_a_product_that_watches_it_says_that_there_is_nobody_to_compare(door: Door):
    await a_champion(door.house, a_version("first", "early-warning"))
    model = await approved(door.house, a_version("second", "early-warning"))
    answer = await door.post("/v1/rollouts", Role.MODEL_OWNER, {"model": model.id, "reason": "better by 0.02"})
    assert answer.status_code == 409
    assert "watches customers and nobody applies for it" in problem_of(answer)["detail"]
    assert "plimsoll model promote" in problem_of(answer)["detail"]
