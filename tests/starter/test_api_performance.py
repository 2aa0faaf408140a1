"""How decisions turned out, asked through the door."""

from datetime import UTC, datetime, timedelta

from plimsoll.domain.access import Role
from tests.builders import a_sound_application
from tests.house import problem_of
from tests.starter.conftest import Door

TODAY = datetime.now(UTC).date()


async def test_reported_outcomes_are_held_against_what_was_predicted(door: Door):
    decisions = [await door.decided(a_sound_application()) for _ in range(4)]
    for decision in decisions:
        said = {"application_id": decision["id"], "label": "good", "observed_on": TODAY.isoformat()}
        assert (await door.post("/v1/outcomes", Role.MODEL_OWNER, said)).status_code == 201
    answer = await door.get("/v1/performance", params={"product": "consumer-credit"})
    found = answer.json()
    assert answer.status_code == 200
    assert found["known"] >= 4
    assert found["vintages"][-1]["name"] == f"{TODAY:%Y-%m}"
    assert found["words"]


async def test_what_was_known_yesterday_can_be_asked(door: Door):
    await door.decided(a_sound_application())
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    found = (await door.get("/v1/performance", params={"product": "consumer-credit", "as_of": yesterday})).json()
    assert (found["decided"], found["vintages"], found["overall"]) == (0, [], None)


async def test_a_day_to_come_is_400_and_an_unknown_product_404(door: Door):
    tomorrow = (TODAY + timedelta(days=1)).isoformat()
    refused = await door.get("/v1/performance", params={"product": "consumer-credit", "as_of": tomorrow})
    assert (refused.status_code, "still to come" in problem_of(refused)["detail"]) == (400, True)
    assert (await door.get("/v1/performance", params={"product": "nobody"})).status_code == 404
