"""Quiet hours: by the wall clock of wherever the person may be."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.domain.outreach.contact import Channel
from plimsoll.domain.outreach.rules import ContactRules, Hours
from plimsoll.domain.outreach.zones import Whereabouts, hours_for, possible_zones
from tests.contact_rules import BERLIN, NEW_YORK, at, the_rules

RULES = the_rules()
US, FLORIDA, GERMANY = ({"region": region} for region in ("us", "us-fl", "de"))


def open_at(moment: datetime, channel: Channel = Channel.SMS, rules: ContactRules = RULES, **where: object) -> bool:
    return hours_for(Whereabouts.model_validate(where), channel, rules).open_at(moment)


def next_open(moment: datetime, channel: Channel = Channel.SMS, rules: ContactRules = RULES, **where: object):
    return hours_for(Whereabouts.model_validate(where), channel, rules).next_open(moment)


@pytest.mark.parametrize(
    ("local", "allowed"), [("07:59:59", False), ("08:00:00", True), ("20:59:59", True), ("21:00:00", False)]
)
def test_hours_are_judged_by_the_wall_clock_where_the_person_lives(local: str, allowed: bool):
    moment = datetime.fromisoformat(f"2026-07-01T{local}").replace(tzinfo=ZoneInfo(NEW_YORK))
    assert open_at(moment.astimezone(UTC), zone=NEW_YORK, region="us") is allowed


def test_a_state_may_be_stricter_than_its_country():
    half_past_eight = at("2026-07-02 00:30")  # in the evening, Miami
    assert open_at(half_past_eight, zone=NEW_YORK, region="us")
    assert not open_at(half_past_eight, zone=NEW_YORK, region="us-fl")


def test_a_day_that_is_not_named_is_closed():
    sunday = at("2026-11-22 11:00")
    assert not open_at(sunday, zone=BERLIN, region="de")
    assert open_at(sunday, Channel.EMAIL, zone=BERLIN, region="de")
    assert next_open(sunday, zone=BERLIN, region="de") == at("2026-11-23 07:00")


def test_of_an_unknown_zone_it_must_be_day_in_every_zone_of_the_region():
    eight_in_new_york = at("2026-11-20 13:00")
    assert open_at(eight_in_new_york, zone=NEW_YORK, region="us")
    assert not open_at(eight_in_new_york, region="us")
    assert next_open(eight_in_new_york, region="us") == at("2026-11-20 18:00")  # eight in Honolulu


def test_a_number_from_elsewhere_makes_it_stricter_unless_the_zone_is_known():
    midday = at("2026-11-20 17:00")
    assert open_at(midday, region="us-fl", areas=("us-fl",))
    assert not open_at(midday, region="us-fl", areas=("us",))  # seven in Honolulu
    assert open_at(midday, region="us-fl", areas=("us",), zone=NEW_YORK)


def test_of_somebody_who_may_be_anywhere_it_must_be_day_everywhere():
    assert set(possible_zones(Whereabouts(), RULES)) == {zone for region in RULES.regions for zone in region.zones}
    assert next_open(at("2026-11-20 12:00")) == at("2026-11-20 18:00")  # eight in Honolulu, seven in Berlin


def test_a_region_nobody_knows_is_treated_as_no_region():
    assert possible_zones(Whereabouts(region="atlantis"), RULES) == possible_zones(Whereabouts(), RULES)


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-03-08 02:00", "2026-03-08 12:00"),  # clocks go on at night: eight comes an hour sooner
        ("2026-11-01 02:00", "2026-11-01 13:00"),  # clocks go back: it comes an hour later
        ("2026-03-07 02:00", "2026-03-07 13:00"),
    ],
)
def test_eight_in_the_morning_is_eight_whatever_the_clocks_did_at_night(now: str, opens: str):
    assert next_open(at(now), zone=NEW_YORK, region="us") == at(opens)


def by_night() -> ContactRules:
    """A law that opens in the hour that clocks repeat or skip."""
    law = Hours.model_validate(
        {"name": "night", "regions": ["us"], "channels": ["sms"], "days": {"mon-sun": "01:30-02:30"}}
    )
    return RULES.model_copy(update={"hours": (law,)})


def test_hours_inside_the_repeated_hour_open_twice_and_close_in_between():
    new_york = {"zone": NEW_YORK, "region": "us"}
    allowed = [
        minute
        for minute in range(0, 180, 10)
        if open_at(at("2026-11-01 05:00") + timedelta(minutes=minute), rules=by_night(), **new_york)
    ]
    assert allowed == [30, 40, 50, 90, 100, 110, 120, 130, 140]  # half past one comes twice
    assert next_open(at("2026-11-01 06:10"), rules=by_night(), **new_york) == at("2026-11-01 06:30")


def test_hours_that_begin_before_the_skipped_hour_end_with_it():
    new_york = {"zone": NEW_YORK, "region": "us"}
    assert open_at(at("2026-03-08 06:59"), rules=by_night(), **new_york)
    assert not open_at(at("2026-03-08 07:00"), rules=by_night(), **new_york)  # 03:00 already


def test_hours_that_never_overlap_never_open():
    law = Hours.model_validate(
        {"name": "dawn", "regions": ["us"], "channels": ["sms"], "days": {"mon-sun": "06:00-07:00"}}
    )
    rules = RULES.model_copy(update={"hours": (law,)})
    assert next_open(at("2026-11-20 12:00"), rules=rules, region="us") is None


ANYWHERE = st.builds(
    Whereabouts,
    zone=st.sampled_from([None, NEW_YORK, BERLIN, "Pacific/Honolulu", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    region=st.sampled_from([None, "us", "us-fl", "de", "atlantis"]),
    areas=st.sampled_from([(), ("us",), ("de",), ("us-fl", "de")]),
)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))


@given(where=ANYWHERE, moment=MOMENTS, channel=st.sampled_from(Channel))
def test_the_moment_named_is_open_and_none_is_named_before_its_time(
    where: Whereabouts, moment: datetime, channel: Channel
):
    hours = hours_for(where, channel, RULES)
    found = hours.next_open(moment)
    if found is None:
        assert not any(hours.open_at(moment + timedelta(minutes=10 * n)) for n in range(6 * 24 * 8))
        return
    assert found >= moment
    assert hours.open_at(found)
    assert found == moment or not hours.open_at(moment)


def test_between_berlin_and_honolulu_there_is_no_common_hour_in_summer():
    """So of somebody who may be in either a person decides: no guess would be right for both."""
    assert next_open(at("2026-07-01 12:00")) is None


@pytest.mark.parametrize(
    "days",
    [
        {"mon-fri": "21:00-08:00"},
        {"someday": "08:00-21:00"},
        {"mon": "8-9"},
        {"mon-fri": "08:00-09:00", "fri": "10:00-11:00"},
    ],
)
def test_hours_that_make_no_sense_are_refused(days: dict[str, str]):
    with pytest.raises(ValueError, match=r"hours|days|twice"):
        Hours.model_validate({"name": "x", "regions": ["us"], "channels": ["sms"], "days": days})
