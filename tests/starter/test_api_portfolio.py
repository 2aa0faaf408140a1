"""The overview's figures, asked through the door."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from plimsoll.domain.access import Role
from plimsoll.domain.values import Status
from tests.builders import a_referred_application, a_sound_application
from tests.house import problem_of
from tests.starter.conftest import Door


async def test_rates_cost_and_sources_of_what_was_decided(door: Door):
    decisions = [await door.decided(a_sound_application()) for _ in range(3)]
    found = (await door.get("/v1/portfolio")).json()
    assert found["applications"] >= 3
    assert found["decided"] >= 3
    rates = [found[f"{name}_rate"] for name in ("approval", "decline", "counter_offer")]
    assert sum(rates) == 1.0
    assert found["automation_rate"] == 1.0
    assert found["override_rate"] is None
    assert [cost["currency"] for cost in found["cost_of_evidence"]] == [decisions[0]["currency"]]
    assert float(found["cost_of_evidence"][0]["amount"]) > 0
    assert {source["source"] for source in found["sources"]} >= {"bureau", "bank", "registry"}
    assert all(source["answered"] for source in found["sources"] if source["asked"])


async def test_whoever_waits_for_a_person_was_not_decided_by_the_machine(door: Door):
    await door.decided(a_sound_application())
    referred = (await door.apply(a_referred_application())).json()["id"]
    await door.house.until_status(referred, Status.REVIEW)
    found = (await door.get("/v1/portfolio")).json()
    assert found["refer_rate"] > 0
    assert found["automation_rate"] == pytest.approx(1 - found["refer_rate"])


async def test_a_day_is_one_in_the_callers_zone(door: Door):
    await door.decided(a_sound_application())
    for zone in ("Pacific/Pago_Pago", "Pacific/Kiritimati"):  # never the same day
        today = datetime.now(ZoneInfo(zone)).date()
        for until, expected in ((today, True), (today - timedelta(days=1), False)):
            asked = {"since": "2020-01-01", "until": until.isoformat(), "zone": zone}
            found = (await door.get("/v1/portfolio", params=asked)).json()
            assert (found["unit"], found["applications"] > 0) == ("month", expected), asked
    assert (await door.get("/v1/portfolio", params={"until": "2020-01-01"})).json()["applications"] == 0


async def test_what_cannot_be_asked_is_one_sentence(door: Door):
    for asked, word in (
        ({"zone": "Mars/Base"}, "no time zone"),
        ({"zone": "../etc/passwd"}, "no time zone"),
        ({"until": "9999-12-31"}, "leave it out"),
        ({"since": "2026-02-01", "until": "2026-01-01"}, "after `until`"),
    ):
        refused = await door.get("/v1/portfolio", params=asked)
        assert (refused.status_code, word in problem_of(refused)["detail"]) == (400, True), asked


async def test_who_reads_nothing_reads_no_figures(door: Door):
    assert (await door.get("/v1/portfolio", Role.CHANNEL)).status_code == 403
    assert (await door.get("/v1/portfolio/choices", Role.CHANNEL)).status_code == 403


async def test_one_chooses_among_what_there_is(door: Door):
    await door.decided(a_sound_application())
    found = (await door.get("/v1/portfolio/choices")).json()
    assert "consumer-credit" in found["product"]
    assert "champion" in found["arm"]
    assert len(found["version"]) == 1
