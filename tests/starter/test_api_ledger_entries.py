"""The record as a list, asked through the door."""

from plimsoll.domain.access import Role
from tests.builders import a_sound_application
from tests.starter.conftest import Door

PATH = "/v1/ledger/entries"


async def test_what_was_entered_is_listed_newest_first_with_who_and_why(door: Door):
    decision = await door.decided(a_sound_application())
    found = (await door.get(PATH, Role.AUDITOR, params={"about": decision["id"]})).json()["data"]
    assert [entry["entry"] for entry in found] == sorted((entry["entry"] for entry in found), reverse=True)
    assert found[-1]["kind"] == "application.received"
    assert found[-1]["actor_name"]
    assert {entry["application"] for entry in found} == {decision["id"]}


async def test_pages_go_on_where_the_last_one_ended(door: Door):
    await door.decided(a_sound_application())
    first = (await door.get(PATH, Role.AUDITOR, params={"limit": 2})).json()
    second = (await door.get(PATH, Role.AUDITOR, params={"limit": 2, "before": first["after"]})).json()
    assert first["has_more"]
    assert first["data"][-1]["entry"] > second["data"][0]["entry"]


async def test_filters_choose_and_signs_of_a_pattern_stand_for_themselves(door: Door):
    await door.decided(a_sound_application())
    kinds = {e["kind"] for e in (await door.get(PATH, Role.AUDITOR, params={"kind": "decision."})).json()["data"]}
    assert kinds == {"decision.made"}
    for asked in ({"kind": "%"}, {"kind": "decision_"}, {"by": "nobody"}, {"until": "2020-01-01T00:00:00Z"}):
        assert (await door.get(PATH, Role.AUDITOR, params=asked)).json()["data"] == [], asked


async def test_only_who_reads_the_ledger_reads_the_list(door: Door):
    assert (await door.get(PATH, Role.ANALYST)).status_code == 403


async def test_somebody_is_found_by_name_and_by_id_and_only_what_they_did(door: Door):
    """Whoever is only named in an entry, in a reason or beside it, did not do it."""
    decision = await door.decided(a_sound_application())
    about = {"about": decision["id"], "limit": 100}
    everything = (await door.get(PATH, Role.AUDITOR, params=about)).json()["data"]
    sender = next(entry for entry in everything if entry["kind"] == "application.received")
    mine = [entry["entry"] for entry in everything if entry["actor"] == sender["actor"]]
    assert 0 < len(mine) < len(everything)
    for by in (sender["actor"], sender["actor_name"]):
        found = (await door.get(PATH, Role.AUDITOR, params=about | {"by": by})).json()["data"]
        assert [entry["entry"] for entry in found] == mine
    copy = {"form": "auditor", "mark": "00000-00000", "content": "ab" * 32}
    await door.post(f"/v1/applications/{decision['id']}/copies", Role.AUDITOR, copy)
    assert len((await door.get(PATH, Role.AUDITOR, params=about | {"by": sender["actor"]})).json()["data"]) == len(mine)
