"""Whom `plimsoll demo` makes reachable: at whatever hour somebody tries it, messages go out and calls can be made."""

from datetime import timedelta

import pytest

from plimsoll.domain.outreach.contact import Channel
from plimsoll.domain.outreach.governor import decide
from plimsoll.domain.outreach.profile import ProfileChange
from starter.cli.demo_watching import profile, zone_of_midday
from tests.contact_rules import at, somebody, the_rules

HOURS = [at("2026-11-16 00:30") + timedelta(hours=hour) for hour in range(7 * 24)]


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.SMS, Channel.VOICE])
def test_they_may_be_reached_at_every_hour_of_the_week(channel: Channel):
    """On Sundays nobody was texted or called: of an unknown region every country's Sunday holds."""
    for now in HOURS:
        asked = profile("TW-1", 1, zone_of_midday(now))
        known = ProfileChange.model_validate({name: asked[name] for name in asked if name != "customer"})
        ruling = decide(channel, somebody(zone=known.zone, region=known.region), (), the_rules(), now)
        assert ruling.permitted, (now, ruling.rule)
