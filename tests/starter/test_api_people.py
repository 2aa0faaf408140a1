"""Reviews, keys and sessions over HTTP (F16)."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from plimsoll.domain.access import Role
from tests.applicants import SOURCES
from tests.builders import a_big_referred_application, a_referred_application
from tests.house import bearer, problem_of
from tests.starter.conftest import Door

A_YES = {"outcome": "approve", "reason": "evidence_checked", "version": 1}


async def a_review(door: Door, body: dict | None = None) -> tuple[str, str]:
    """(task, application)"""
    made = (await door.apply(body or a_referred_application(), prefer="wait=20")).json()
    assert made["status"] == "review"
    return made["review"]["id"], made["id"]


async def say(door: Door, task: str, answer: dict, key: str) -> Any:
    return await door.client.post(f"/v1/reviews/{task}/decision", json=answer, headers=bearer(key))


async def test_a_reviewer_claims_looks_and_decides(door: Door):
    task, application = await a_review(door)
    claimed = await door.post(f"/v1/reviews/{task}/claim", Role.REVIEWER)
    yes = A_YES | {"version": claimed.json()["version"], "note": "ok"}
    answer = await say(door, task, yes, door.keys[Role.REVIEWER])
    assert (answer.status_code, answer.json()["state"]) == (200, "answered")
    await door.house.until_closed(application)
    decided = (await door.get(f"/v1/applications/{application}")).json()
    assert (decided["outcome"], decided["outcome_source"]) == ("approve", "person")
    verdict, listed = answer.json()["verdicts"][0], "Checked the evidence with the source"
    assert (verdict["reason"], verdict["reason_text"]) == ("evidence_checked", listed)
    assert decided["override"] == {"by": verdict["actor"], "reason": "evidence_checked", "text": listed}
    trace = (await door.get(f"/v1/applications/{application}/trace")).json()
    assert [entry.get("reason_text") for entry in trace["ledger"] if entry["kind"] == "review.answered"] == [listed]
    of_it = (await door.get("/v1/ledger/entries", Role.AUDITOR, params={"about": application})).json()["data"]
    assert {entry["kind"]: entry.get("reason_text") for entry in of_it}["review.answered"] == listed
    again = await say(door, task, yes | {"outcome": "decline", "reason": "risk_too_high"}, door.keys[Role.REVIEWER])
    assert again.json()["reason_text"] == listed
    assert again.json()["detail"] == f"This case was decided by {verdict['actor']}: approve ({listed})."


async def test_who_is_refused_by_a_person_reads_why_in_words_meant_for_them(door: Door):
    """And in their own language: what is listed for reviewers is none."""
    asked = a_referred_application()
    task, application = await a_review(door, asked | {"applicant": asked["applicant"] | {"language": "de"}})
    no = A_YES | {"outcome": "decline", "reason": "unable_to_verify"}
    assert (await say(door, task, no, door.keys[Role.REVIEWER])).status_code == 200
    await door.house.until_closed(application)
    case = (await door.get(f"/v1/applications/{application}/case")).json()
    assert case["reasons"][0]["text"] == "We could not verify what you told us"
    assert case["plain"]["reasons"][0] == "Wir konnten Ihre Angaben nicht prüfen"


async def test_of_six_reviewers_at_a_barrier_one_wins_and_the_others_get_409_with_the_winners_verdict(door: Door):
    task, _ = await a_review(door)
    keys = [await door.house.key_for(Role.REVIEWER) for _ in range(6)]
    said = [A_YES, A_YES | {"outcome": "decline", "reason": "risk_too_high"}] * 3
    answers = await asyncio.gather(*(say(door, task, answer, key) for answer, key in zip(said, keys, strict=True)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 5}
    winner = next(answer.json() for answer in answers if answer.status_code == 200)["verdicts"][0]
    for loser in (problem_of(answer) for answer in answers if answer.status_code == 409):
        assert loser["code"] == "review_already_answered"
        assert (loser["outcome"], loser["reason"], loser["by"]) == (
            winner["outcome"],
            winner["reason"],
            winner["actor"],
        )


async def test_the_same_verdict_again_is_the_same_answer(door: Door):
    task, _ = await a_review(door)
    first, again = [await say(door, task, A_YES, door.keys[Role.REVIEWER]) for _ in range(2)]
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["verdicts"] == again.json()["verdicts"]


async def test_a_stale_tab_gets_409_and_the_newer_version(door: Door):
    task, _ = await a_review(door)
    for act in ("claim", "release"):
        await door.post(f"/v1/reviews/{task}/{act}", Role.REVIEWER)
    stale = await say(door, task, A_YES, door.keys[Role.REVIEWER])
    assert (stale.status_code, problem_of(stale)["code"], problem_of(stale)["version"]) == (409, "stale_version", 3)


async def test_nobody_approves_above_their_authority(door: Door):
    task, _ = await a_review(door, a_big_referred_application())
    refused = await say(door, task, A_YES, door.keys[Role.REVIEWER])
    assert (refused.status_code, problem_of(refused)["code"]) == (403, "not_allowed")


async def test_four_eyes_refuse_the_same_person_with_another_key(door: Door):
    task, application = await a_review(door, a_big_referred_application())
    mine = [await door.house.key_for(Role.SENIOR_REVIEWER, name=f"Ada of {task}") for _ in range(2)]
    first = await say(door, task, A_YES, mine[0])
    assert first.json()["state"] == "second"
    second = A_YES | {"reason": "income_confirmed", "version": first.json()["version"]}
    refused = await say(door, task, second, mine[1])
    assert (refused.status_code, problem_of(refused)["code"]) == (403, "not_allowed")
    settled = await say(door, task, second, door.keys[Role.SENIOR_REVIEWER])
    assert settled.json()["state"] == "answered"
    assert (await door.house.until_closed(application))["outcome"] == "approve"


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        (A_YES | {"reason": "gut_feeling"}, "reason"),
        (A_YES | {"outcome": "refer"}, "outcome"),
        (A_YES | {"outcome": "counter_offer"}, "amount"),
        (A_YES | {"outcome": "counter_offer", "amount": "99999"}, "amount"),
        (A_YES | {"outcome": "counter_offer", "amount": "-1"}, "amount"),
        (A_YES | {"version": 0}, "version"),
        (A_YES | {"role": "admin"}, "role"),
        ({"outcome": "approve", "reason": "evidence_checked"}, "version"),
    ],
)
async def test_a_verdict_that_cannot_be_taken_is_422_and_names_the_field(door: Door, answer: dict, field: str):
    task, _ = await a_review(door)
    refused = await say(door, task, answer, door.keys[Role.REVIEWER])
    assert refused.status_code == 422
    assert [found["field"] for found in problem_of(refused)["fields"]] == [field]


async def test_a_verdict_on_a_withdrawn_case_is_409(door: Door):
    task, application = await a_review(door)
    await door.post(f"/v1/applications/{application}/withdraw", Role.CHANNEL, {"reason": "x"})
    refused = await say(door, task, A_YES, door.keys[Role.REVIEWER])
    assert (refused.status_code, problem_of(refused)["code"]) == (409, "conflict")


async def test_the_queue_shows_what_waits_and_what_is_mine(door: Door):
    task, _ = await a_review(door)
    await door.post(f"/v1/reviews/{task}/claim", Role.REVIEWER)
    mine = (await door.get("/v1/reviews", Role.REVIEWER, params={"mine": "true", "limit": 100})).json()["data"]
    others = (await door.get("/v1/reviews", Role.SENIOR_REVIEWER, params={"mine": "true", "limit": 100})).json()["data"]
    assert task in {row["id"] for row in mine}
    assert task not in {row["id"] for row in others}


async def test_the_queue_is_filtered_by_who_holds_a_task(door: Door):
    """As whoever asks sees it; a lease that is over holds nothing."""
    free, held, over = [(await a_review(door))[0] for _ in range(3)]
    for task in (held, over):
        await door.post(f"/v1/reviews/{task}/claim", Role.REVIEWER)
    await door.house.ports.database.run(
        "update review_task set lease_until = now() - interval '1 s' where id = %(id)s", {"id": over}
    )

    async def seen(role: Role, held_by: str) -> set[str]:
        found = await door.get("/v1/reviews", role, params={"held": held_by, "limit": 100})
        return {row["id"] for row in found.json()["data"]} & {free, held, over}

    assert await seen(Role.REVIEWER, "mine") == {held}
    assert await seen(Role.REVIEWER, "free") == {free, over}
    assert await seen(Role.SENIOR_REVIEWER, "others") == {held}
    assert await seen(Role.SENIOR_REVIEWER, "mine") == set()
    assert (await door.get("/v1/reviews", Role.REVIEWER, params={"held": "anybody"})).status_code == 422


async def test_the_desk_counts_what_waits_in_each_queue(door: Door):
    """Free, with whoever asks, overdue: of all tasks, not of one page."""

    async def desk() -> dict[str, int]:
        found = (await door.get("/v1/reviews/summary", Role.REVIEWER)).json()["data"]
        return {name: sum(queue[name] for queue in found) for name in ("waiting", "free", "mine", "overdue")}

    before = await desk()
    tasks = [(await a_review(door))[0] for _ in range(3)]
    await door.post(f"/v1/reviews/{tasks[0]}/claim", Role.REVIEWER)
    await door.house.ports.database.run(
        "update review_task set due_at = now() - interval '1 s' where id = %(id)s", {"id": tasks[1]}
    )
    after = await desk()
    assert {name: after[name] - before[name] for name in after} == {"waiting": 3, "free": 2, "mine": 1, "overdue": 1}


async def test_the_queue_is_paged_without_losing_a_task(door: Door):
    for _ in range(3):
        await a_review(door)
    everything = (await door.get("/v1/reviews", Role.REVIEWER, params={"limit": 100})).json()["data"]
    seen: list[str] = []
    page: dict[str, Any] = {"after": None, "has_more": True}
    while page["has_more"]:
        query = {"limit": 2} | ({"after": page["after"]} if page["after"] else {})
        page = (await door.get("/v1/reviews", Role.REVIEWER, params=query)).json()
        seen += [row["id"] for row in page["data"]]
    assert seen == [row["id"] for row in everything]


# Keys and sessions --------------------------------------------------------------------------------


async def test_a_key_is_made_shown_once_used_and_revoked(door: Door):
    new = {"actor": "Grace", "roles": ["analyst"], "name": "laptop"}
    made = await door.post("/v1/keys", Role.ADMIN, new)
    key = made.json()["key"]
    assert made.status_code == 201
    assert (await door.client.get("/v1/applications", headers=bearer(key))).status_code == 200
    listed = await door.get("/v1/keys", Role.ADMIN)
    assert key.split("_")[2] not in listed.text
    (its_id,) = [row["id"] for row in listed.json()["data"] if row["actor"] == "Grace" and not row["revoked_at"]]
    ended = await door.client.delete(f"/v1/keys/{its_id}", headers=bearer(door.keys[Role.ADMIN]))
    assert ended.status_code == 204
    assert (await door.client.get("/v1/applications", headers=bearer(key))).status_code == 401


@pytest.mark.parametrize(
    "new", [{}, {"actor": "", "roles": ["analyst"], "name": "x"}, {"actor": "x", "roles": [], "name": "x"},
            {"actor": "x", "roles": ["root"], "name": "x"}, {"actor": "x\x00", "roles": ["analyst"], "name": "x"},
            {"actor": "x", "roles": ["analyst"], "name": "x", "kind": "system"}],
)  # fmt: skip
async def test_a_senseless_key_is_not_made(door: Door, new: dict):
    answer = await door.post("/v1/keys", Role.ADMIN, new)
    assert answer.status_code in (400, 422)
    problem_of(answer)


async def test_a_session_acts_as_its_person_until_signed_out(door: Door):
    opened = await door.post("/v1/sessions", Role.REVIEWER)
    assert opened.status_code == 201
    token = opened.json()["token"]
    me = await door.client.get("/v1/sessions/current", headers=bearer(token))
    assert me.json()["roles"] == ["reviewer"]
    assert "reviews:answer" in me.json()["permissions"]
    assert (await door.client.delete("/v1/sessions/current", headers=bearer(token))).status_code == 204
    assert (await door.client.get("/v1/sessions/current", headers=bearer(token))).status_code == 401


async def test_a_session_opens_no_other_session(door: Door):
    token = (await door.post("/v1/sessions", Role.REVIEWER)).json()["token"]
    refused = await door.client.post("/v1/sessions", headers=bearer(token))
    assert (refused.status_code, problem_of(refused)["code"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "end",
    [
        "update session set active_at = now() - interval '16 minutes'",
        "update session set expires_at = now() - interval '1 second'",
    ],
)
async def test_an_idle_or_old_session_is_401(door: Door, end: str):
    token = (await door.post("/v1/sessions", Role.REVIEWER)).json()["token"]
    await door.house.ports.database.run(end)
    assert (await door.client.get("/v1/sessions/current", headers=bearer(token))).status_code == 401


async def test_revoking_a_key_ends_its_sessions_at_once(door: Door):
    key = await door.house.key_for(Role.REVIEWER)
    token = (await door.client.post("/v1/sessions", headers=bearer(key))).json()["token"]
    assert (await door.client.get("/v1/sessions/current", headers=bearer(token))).status_code == 200
    its_id = "key_" + key.split("_")[1]
    await door.client.delete(f"/v1/keys/{its_id}", headers=bearer(door.keys[Role.ADMIN]))
    assert (await door.client.get("/v1/sessions/current", headers=bearer(token))).status_code == 401
    again = await door.client.delete(f"/v1/keys/{its_id}", headers=bearer(door.keys[Role.ADMIN]))
    assert again.status_code == 404


async def test_events_are_read_in_sealed_order_from_any_offset(door: Door):
    await a_review(door)
    await door.house.ports.sealer.seal_once()
    everything = (await door.get("/v1/events", params={"limit": 100})).json()["data"]
    assert [event["seq"] for event in everything] == list(range(1, len(everything) + 1))
    middle = everything[len(everything) // 2]["seq"]
    later = (await door.get("/v1/events", params={"after": middle, "limit": 100})).json()["data"]
    assert later[: len(everything) - len(everything) // 2 - 1] == everything[len(everything) // 2 + 1 :]


async def test_the_summary_of_runs_names_every_source_a_product_asks(door: Door):
    summary = (await door.get("/v1/workflows/summary")).json()
    assert sorted(summary["source_names"]) == sorted(SOURCES)
