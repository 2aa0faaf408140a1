"""Policies over HTTP: read as tables, compared, and tried on decided cases without deciding anything."""

import json
from typing import Any

from plimsoll.domain.access import Role
from plimsoll.domain.underwriting.policy import parse_policy
from tests.applicants import the_policy, the_product
from tests.builders import NOW, a_sound_application
from tests.house import problem_of
from tests.starter.conftest import Door

LIVE = the_policy().policy(the_product())
PATH = "/v1/policies/consumer-credit"


def stricter() -> dict[str, Any]:
    return json.loads(LIVE.content.replace("> 20000", "> 100"))


async def test_the_rules_in_force_are_shown_table_by_table_with_cases_and_faults(door: Door):
    found = (await door.get(PATH)).json()
    assert (found["version"], found["digest"], found["in_force"]) == (LIVE.version, LIVE.digest, True)
    rules = {rule["id"]: rule for table in found["tables"] for rule in table["rules"]}
    assert set(rules) == {rule.id for rule in LIVE.rules}
    assert rules["R-AMOUNT-HIGH"]["conditions"] == {"request.amount": "> 20000"}
    assert found["columns"]["request.amount"] == "Amount asked"
    assert [grade["grade"] for grade in found["grades"]] == [grade.grade for grade in LIVE.grades]
    assert found["problems"] == []
    assert all(case["passed"] for case in found["cases"])
    assert [version["digest"] for version in found["versions"]][:1] == [LIVE.digest]


async def test_every_product_has_its_policy_in_the_list(door: Door):
    listed = {row["product"]: row for row in (await door.get("/v1/policies")).json()["data"]}
    assert set(listed) == {product.id for product in door.house.ports.products.all()}
    assert listed["consumer-credit"]["rules"] == len(LIVE.rules)


async def test_a_version_of_before_is_shown_and_compared(door: Door):
    old = parse_policy(LIVE.content.replace("> 20000", "> 9000").encode(), "old")
    await door.house.ports.policy_versions.keep("consumer-credit", old, NOW)
    shown = (await door.get(PATH, params={"digest": old.digest})).json()
    assert (shown["digest"], shown["in_force"]) == (old.digest, False)
    told = (await door.get(f"{PATH}/changes", params={"before": old.digest})).json()["changes"]
    assert told == ["R-AMOUNT-HIGH: request.amount was > 9000, becomes > 20000."]
    back = {"before": LIVE.digest, "after": old.digest}
    assert "becomes > 9000" in (await door.get(f"{PATH}/changes", params=back)).json()["changes"][0]


async def test_a_change_is_tried_on_decided_cases_and_nothing_is_decided_by_it(door: Door):
    case = await door.decided(a_sound_application())
    before = await door.house.rows("select count(*) as n from decision")
    answer = await door.post(f"{PATH}/trial", Role.ANALYST, {"policy": stricter(), "cases": 5})
    found = answer.json()
    assert (answer.status_code, found["changes"]) == (
        200,
        ["R-AMOUNT-HIGH: request.amount was > 20000, becomes > 100."],
    )
    assert any(not tried["passed"] for tried in found["cases"])
    assert found["past"]["cases"] >= 1
    moved = {each["application"]: each["becomes"] for each in found["past"]["differences"]}
    assert moved[case["id"]] == "decline"
    assert await door.house.rows("select count(*) as n from decision") == before
    assert (await door.get(PATH)).json()["digest"] == LIVE.digest


async def test_what_is_no_policy_is_refused_in_one_sentence(door: Door):
    refused = await door.post(f"{PATH}/trial", Role.ANALYST, {"policy": {"nodes": "none"}})
    assert (refused.status_code, "is not a policy of ours" in problem_of(refused)["detail"]) == (400, True)


async def test_what_is_not_there_is_404(door: Door):
    for path in (f"{PATH}?digest={'0' * 64}", f"{PATH}/changes?before={'0' * 64}", "/v1/policies/nothing"):
        assert (await door.get(path)).status_code == 404, path


async def test_whoever_only_sends_applications_reads_no_rules(door: Door):
    assert (await door.get(PATH, Role.CHANNEL)).status_code == 403
    assert (await door.post(f"{PATH}/trial", Role.CHANNEL, {"policy": {}})).status_code == 403
