"""Decisions of the past, found by any of their names and hashed again."""

import psycopg

from plimsoll.domain.access import Role
from tests.builders import a_sound_application
from tests.house import problem_of
from tests.starter.conftest import Door


async def found_under(door: Door, number: str) -> list[str]:
    answer = await door.get("/v1/decisions", Role.AUDITOR, params={"number": number})
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["data"]]


def altered(door: Door, application: str, outcome: str) -> None:
    """What only somebody with the database in hand could do."""
    with psycopg.connect(door.house.database.owner_url, autocommit=True) as owner:
        owner.execute("alter table decision disable trigger user")
        owner.execute("update decision set outcome = %s where application_id = %s", (outcome, application))
        owner.execute("alter table decision enable trigger user")


async def test_a_case_is_found_by_each_of_its_names(door: Door):
    body = a_sound_application()
    decision = await door.decided(body)
    for number in (decision["id"], decision["decision_id"], body["external_id"], body["applicant"]["id"]):
        assert decision["id"] in await found_under(door, number), number
    assert await found_under(door, "nobody's number") == []


async def test_the_record_of_a_case_fits_until_somebody_alters_it(door: Door):
    decision = await door.decided(a_sound_application())
    await door.house.ports.sealer.seal_once()
    path = f"/v1/decisions/{decision['id']}/proof"
    proof = (await door.get(path)).json()
    assert (proof["ok"], proof["problem"]) == (True, None)
    assert all(entry["seq"] and entry["hash"] for entry in proof["entries"])
    assert proof["rows"] >= 2
    altered(door, decision["id"], "decline")
    try:
        proof = (await door.get(path)).json()
        assert not proof["ok"]
        assert proof["problem"].startswith(f"decision {decision['decision_id']}")
    finally:
        altered(door, decision["id"], decision["outcome"])
    assert (await door.get(path)).json()["ok"]


async def test_nobody_but_readers_and_nothing_that_is_not_there(door: Door):
    assert (await door.get("/v1/decisions", Role.CHANNEL, params={"number": "x"})).status_code == 403
    missing = await door.get("/v1/decisions/app_00000000000000000000000000/proof")
    assert (missing.status_code, "no application" in problem_of(missing)["detail"]) == (404, True)
    assert (await door.get("/v1/decisions", params={"number": ""})).status_code in (400, 422)


async def test_a_copy_is_on_record_with_who_took_it_and_what_it_was(door: Door):
    decision = await door.decided(a_sound_application())
    path = f"/v1/applications/{decision['id']}/copies"
    copy = {"form": "auditor", "mark": "0A1B2-3C4D5", "content": "ab" * 32}
    assert (await door.post(path, Role.AUDITOR, copy)).status_code == 204
    history = (await door.get(f"/v1/applications/{decision['id']}/trace")).json()["ledger"]
    taken = history[-1]
    assert (taken["kind"], taken["copy"], taken["form"], taken["content"]) == (
        "application.copied",
        "0A1B2-3C4D5",
        "auditor",
        "ab" * 32,
    )
    assert taken["actor_name"] == (await door.get("/v1/sessions/current", Role.AUDITOR)).json()["name"]
    assert (await door.post(path, Role.CHANNEL, copy)).status_code == 403
    assert (await door.post(path, Role.AUDITOR, copy | {"mark": "<b>"})).status_code == 422
    nothing = "/v1/applications/app_00000000000000000000000000/copies"
    assert (await door.post(nothing, Role.AUDITOR, copy)).status_code == 404
