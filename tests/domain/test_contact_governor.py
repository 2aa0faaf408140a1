"""The governor: one word per person, with the rule that stands behind it."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.domain.outreach import governor
from plimsoll.domain.outreach.contact import Channel
from plimsoll.domain.outreach.governor import Past, Reachable, Ruling, caps_on, counts, decide, in_words
from plimsoll.domain.outreach.rules import ContactRules, Counts, Flag
from plimsoll.domain.outreach.zones import hours_for
from tests.contact_rules import NEW_YORK, NOON, at, somebody, the_rules

RULES = the_rules()


def asked(
    channel: Channel = Channel.SMS, person: Reachable | None = None, past: tuple[Past, ...] = (), **more: object
) -> Ruling:
    return decide(channel, person or somebody(), past, RULES, more.pop("now", NOON), **more)  # type: ignore[arg-type]


def calls(*days_ago: float, talked: bool = False) -> tuple[Past, ...]:
    return tuple(Past(channel=Channel.VOICE, at=NOON - timedelta(days=days), talked=talked) for days in days_ago)


@pytest.mark.parametrize("channel", Channel)
def test_who_agreed_and_lives_where_it_is_noon_may_be_reached(channel: Channel):
    assert asked(channel).permitted


def test_without_a_yes_there_is_no_text_but_a_letter_by_mail_may_go():
    nobody_asked = somebody(consents={})
    assert asked(Channel.SMS, nobody_asked).rule == governor.NO_CONSENT
    assert asked(Channel.EMAIL, nobody_asked).permitted


def test_a_collector_who_dials_needs_no_yes_but_a_no_binds_them():
    assert asked(Channel.VOICE, somebody(consents={})).rule == governor.NO_CONSENT
    assert asked(Channel.VOICE, somebody(consents={}), by_a_person=True).permitted
    assert asked(Channel.VOICE, somebody(consents={Channel.VOICE: False}), by_a_person=True).rule == governor.OPTED_OUT


def test_a_no_beats_everything_that_would_let_it_pass():
    assert asked(Channel.EMAIL, somebody(consents={Channel.EMAIL: False})).rule == governor.OPTED_OUT


@pytest.mark.parametrize("flag", Flag)
@pytest.mark.parametrize("channel", Channel)
def test_a_flag_hands_the_person_to_a_person(flag: Flag, channel: Channel):
    ruling = asked(channel, somebody(flags=(flag,)))
    assert ruling.rule == f"flag_{flag}"
    assert ruling.escalates
    assert ruling.again_at is None


def test_an_erased_person_is_nobody():
    assert asked(person=somebody(erased=True)).rule == governor.ERASED


def test_without_an_address_there_is_no_way():
    assert asked(person=somebody(addresses=(Channel.EMAIL,))).rule == governor.NO_ADDRESS


def test_who_wants_mail_is_not_texted():
    ruling = asked(person=somebody(preferred=Channel.EMAIL))
    assert (ruling.rule, ruling.instead) == (governor.PREFERS, Channel.EMAIL)


def test_a_wish_for_a_closed_channel_closes_no_other():
    assert asked(person=somebody(preferred=Channel.EMAIL, addresses=(Channel.SMS,))).permitted


def test_at_night_it_is_put_off_until_the_morning_there():
    ruling = asked(now=at("2026-11-21 03:00"))
    assert (ruling.rule, ruling.again_at) == (governor.QUIET, at("2026-11-21 13:00"))


def test_the_eighth_call_in_seven_days_waits_for_the_first_to_be_seven_days_old():
    ruling = asked(Channel.VOICE, past=calls(6.9, 6, 5, 4, 3, 2, 1))
    assert (ruling.rule, ruling.again_at) == ("calls_in_7_days", NOON + timedelta(days=0.1))
    assert asked(Channel.VOICE, past=calls(7, 6, 5, 4, 3, 2, 1)).permitted


def test_after_a_talk_there_is_no_call_for_seven_days():
    ruling = asked(Channel.VOICE, past=calls(3, talked=True))
    assert (ruling.rule, ruling.again_at) == ("pause_after_a_talk", NOON + timedelta(days=4))
    assert asked(Channel.SMS, past=calls(3, talked=True)).permitted


def test_a_cap_that_ends_at_night_waits_for_the_morning():
    text = Past(channel=Channel.SMS, at=at("2026-11-20 01:00"))  # eight in the evening, New York
    ruling = asked(past=(text,), now=at("2026-11-20 20:00"))
    assert (ruling.rule, ruling.again_at) == ("texts_in_a_day", at("2026-11-21 01:00"))
    assert asked(past=(text,), now=at("2026-11-20 20:00"), person=somebody(region="us-fl")).again_at == at(
        "2026-11-21 13:00"
    )


def test_channels_share_a_cap_that_names_them_all():
    past = (Past(channel=Channel.EMAIL, at=NOON), Past(channel=Channel.PUSH, at=NOON))
    assert asked(Channel.SMS, past=past).rule == "messages_in_a_day"


STRANGER = somebody(region=None)
THRICE_TODAY = calls(0.3, 0.2, 0.1)


@pytest.mark.parametrize("person", [STRANGER, somebody(region="atlantis")], ids=["none", "of no rule"])
def test_a_rule_that_holds_only_because_the_region_is_unknown_says_so(person: Reachable):
    ruling = asked(Channel.VOICE, person, THRICE_TODAY)
    assert ruling.rule == "region_unknown.calls_in_a_day_florida"
    assert in_words(ruling.rule) == "region unknown, so the tightest rule holds: calls in a day florida"
    assert asked(person=person, now=at("2026-11-21 03:00")).rule == "region_unknown.quiet_hours"


def test_a_rule_that_is_theirs_or_everybodys_is_named_alone():
    assert asked(Channel.VOICE, somebody(region="us-fl"), THRICE_TODAY).rule == "calls_in_a_day_florida"
    assert asked(Channel.VOICE, somebody(region=None, areas=("us-fl",)), THRICE_TODAY).rule == "calls_in_a_day_florida"
    assert asked(Channel.VOICE, STRANGER, calls(6.9, 6, 5, 4, 3, 2, 1)).rule == "calls_in_7_days"
    assert in_words("calls_in_7_days") == "calls in 7 days"


def test_a_clock_set_back_makes_no_room():
    tomorrow = Past(channel=Channel.SMS, at=NOON + timedelta(days=1))
    assert asked(past=(tomorrow,)).rule == "texts_in_a_day"


# What must always hold -----------------------------------------------------------------------------

PEOPLE = st.builds(
    somebody,
    zone=st.sampled_from([None, NEW_YORK, "Europe/Berlin", "Pacific/Honolulu"]),
    region=st.sampled_from([None, "us", "us-fl", "de"]),
)
MINUTES = st.integers(0, 60 * 24 * 40)
WISHES = st.lists(st.tuples(st.sampled_from(Channel), MINUTES, st.booleans()), min_size=1, max_size=60)


def reached(person: Reachable, wishes: list[tuple[Channel, int, bool]], rules: ContactRules) -> list[Past]:
    """Every wish in the order given, whatever its time: those the governor let pass."""
    past: list[Past] = []
    for channel, minute, talked in wishes:
        now = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=minute)
        if decide(channel, person, past, rules, now).permitted:
            past.append(Past(channel=channel, at=now, talked=talked and channel is Channel.VOICE))
    return past


@given(person=PEOPLE, wishes=WISHES)
def test_nobody_is_ever_reached_outside_hours_or_over_a_cap_in_whatever_order(
    person: Reachable, wishes: list[tuple[Channel, int, bool]]
):
    past = reached(person, wishes, RULES)
    for contact in past:
        assert hours_for(person.where, contact.channel, RULES).open_at(contact.at)
        for cap in caps_on(contact.channel, person, RULES):
            if cap.counts is Counts.ATTEMPTS:
                window = [p for p in past if counts(cap, p) and contact.at <= p.at < contact.at + cap.within]
                assert len(window) <= cap.at_most


@given(person=PEOPLE, wishes=WISHES)
def test_after_a_talk_no_call_is_ever_let_pass_for_seven_days(
    person: Reachable, wishes: list[tuple[Channel, int, bool]]
):
    in_order = sorted(wishes, key=lambda wish: wish[1])
    past = [p for p in reached(person, in_order, RULES) if p.channel is Channel.VOICE]
    for earlier, later in pairwise(past):
        assert not earlier.talked or later.at >= earlier.at + timedelta(days=7)


@given(person=PEOPLE, wishes=WISHES, channel=st.sampled_from(Channel), minute=MINUTES)
def test_at_the_moment_it_names_the_governor_keeps_its_word(
    person: Reachable, wishes: list[tuple[Channel, int, bool]], channel: Channel, minute: int
):
    past = reached(person, wishes, RULES)
    ruling = decide(channel, person, past, RULES, datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=minute))
    if ruling.again_at:
        assert decide(channel, person, past, RULES, ruling.again_at).permitted


@given(person=PEOPLE, channel=st.sampled_from(Channel), minute=MINUTES)
def test_to_know_less_never_opens_what_was_closed(person: Reachable, channel: Channel, minute: int):
    now = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=minute)
    if person.where.zone and person.where.region:
        stranger = person.model_copy(update={"where": person.where.model_copy(update={"zone": None, "region": None})})
        known_zones = {zone for region in RULES.regions for zone in region.zones}
        if person.where.zone in known_zones and not decide(channel, person, (), RULES, now).permitted:
            assert not decide(channel, stranger, (), RULES, now).permitted
