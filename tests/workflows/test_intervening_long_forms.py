"""The long forms of episodes under bad nights: a gateway away for an hour, clocks that change, customers who move away
or say no between plan and sending. Time is skipped on the real server; the gateway's own log judges.
"""

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from plimsoll.domain.outreach.contact import Channel
from plimsoll.domain.outreach.episode import Ending, EpisodeState
from plimsoll.domain.outreach.rules import Hours
from plimsoll.domain.outreach.strategy import By, Step
from tests.episodes import Customer, Desk, EpisodeUnderWay, a_desk_at_work, a_step
from tests.house import House, until
from tests.reaching import a_step as a_sending

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NEW_YORK, LOS_ANGELES, BERLIN = "America/New_York", "America/Los_Angeles", "Europe/Berlin"
MANY = 12
LONGEST = 24 * 60  # hours, of a step


# A gateway that is away ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["500", "done_then_timeout", "refuse"])
async def test_of_a_gateway_that_is_away_for_an_hour_every_message_comes_once(running_house: House, kind: str):
    """Nothing is lost and nothing sent twice; while it lasts each episode says what it waits on, and why."""
    house, sandbox = running_house, running_house.sandbox
    assert sandbox is not None
    gateways = house.ports.outreach.gateways.by_channel
    async with a_desk_at_work(house, a_step(By.EMAIL), gateways=gateways) as desk:
        sandbox.fault("email", kind=kind, for_seconds=3600)
        try:
            episodes = [await desk.begun(await desk.customer()) for _ in range(MANY)]
            if kind != "done_then_timeout":  # there the gateway tells what it did, and nothing is waited for
                for episode in episodes:
                    (contact,) = (await episode.until_waiting_on("gateway"))["contacts"]
                    assert contact["state"] in ("permitted", "sending")
                await asyncio.gather(*(episode.let_pass(HOUR) for episode in episodes))
                errors = await house.rows(
                    "select last_error from contact where intervention_id = any(%(ids)s)",
                    ids=[episode.id for episode in episodes],
                )
                assert len(errors) == MANY
                assert all(row["last_error"] for row in errors), errors
        finally:
            sandbox.lift_faults()
        await asyncio.gather(*(episode.let_pass(HOUR) for episode in episodes))
        for episode in episodes:
            await until(partial(is_through, episode), what=f"the message of {episode.id}")
            (contact,) = (await episode.story())["contacts"]
            calls = sandbox.requests("email", key=contact["id"])
            assert sum(call["served"] == "fresh" for call in calls) == 1, (kind, calls)
    await house.must_verify()


async def is_through(episode: EpisodeUnderWay) -> bool:
    """Sent; who asks the gateway hears at times that it is delivered, too."""
    return (await episode.story())["waits_on"] in ("delivery", "reply")


# Clocks that change --------------------------------------------------------------------------------


def next_change(zone: str, forward: bool) -> datetime:
    """Midnight before the wall clock there is next put forward, or back."""
    here = ZoneInfo(zone)
    day = (datetime.now(here) + 2 * DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    while True:
        before, after = day.utcoffset(), (day + DAY).utcoffset()
        assert before is not None
        assert after is not None
        if before != after and (after > before) is forward:
            return day
        day += DAY


def wait_until(moment: datetime) -> Iterator[Step]:
    """E-mails, one after the other, whose answers are waited for until then, within the hour before."""
    left = int((moment - datetime.now(UTC)) / HOUR)
    while left > 0:
        yield a_step(By.EMAIL, wait_hours=min(left, LONGEST))
        left -= LONGEST


def only_by_day(desk: Desk) -> None:
    """Texts, from eight to nine in the evening; e-mails at any time, so that they only let time pass."""
    law = {"name": "by-day", "regions": ("us", "de"), "channels": ("sms",), "days": {"mon-sun": "08:00-21:00"}}
    desk.rules.__dict__["hours"] = (Hours.model_validate(law),)


async def texted_at(desk: Desk, episode: EpisodeUnderWay) -> datetime:
    """When the one text went out, by the run's clock."""
    rows = await desk.house.rows(
        "select sending_at from contact where intervention_id = %(id)s and channel = 'sms' and sending_at is not null",
        id=episode.id,
    )
    assert len(rows) == 1
    assert sum(message.channel is Channel.SMS for message in desk.gateway.taken.values()) == 1
    return rows[0]["sending_at"]


@pytest.mark.parametrize("forward", [False, True], ids=["back", "forward"])
@pytest.mark.parametrize("moves_to", [BERLIN, LOS_ANGELES, None], ids=["berlin", "los angeles", "stays"])
async def test_in_the_night_the_clocks_change_a_text_waits_for_eight_wherever_they_are_by_then(
    running_house: House, forward: bool, moves_to: str | None
):
    """Due at half past two, in the hour that is skipped or repeated; who moves meanwhile goes by the new wall clock."""
    night = next_change(NEW_YORK, forward)
    due = night.replace(hour=2, minute=30)
    ladder = [*wait_until(due.astimezone(UTC)), a_step(By.SMS, wait_hours=LONGEST)]
    async with a_desk_at_work(running_house, *ladder) as desk:
        only_by_day(desk)
        episode = await desk.begun(await desk.customer(zone=NEW_YORK, region="us"))
        await episode.until_waiting_on("delivery")
        await episode.let_pass(due.astimezone(UTC) - episode.now)
        story = await episode.until_waiting_on("hours_and_caps")
        eight = night.replace(hour=8)
        assert story["steps"][-1]["rule"] == "quiet_hours"
        assert datetime.fromisoformat(str(story["steps"][-1]["not_before"])) == eight
        if moves_to:
            region, number = ("de", "+4915112345678") if moves_to == BERLIN else ("us", "+12135550123")
            await desk.changed(episode.customer, zone=moves_to, region=region, addresses={"sms": number, "voice": None})
            await episode.tell()
        await episode.let_pass(12 * HOUR)
        await episode.until_waiting_on("delivery")
        sent = (await texted_at(desk, episode)).astimezone(ZoneInfo(moves_to or NEW_YORK))
        assert 8 <= sent.hour < 21, sent
        if moves_to != BERLIN:  # where it was day already
            assert (sent.hour, sent.minute) == (8, 0), sent


async def test_a_clock_set_back_opens_no_place_under_a_cap(running_house: House):
    """One episode's clock is three days ahead; by the clock of today its text still counts."""
    caps = running_house.ports.outreach.contact_rules().caps
    async with a_desk_at_work(running_house, a_step(By.EMAIL, wait_hours=70), a_step(By.SMS)) as desk:
        desk.rules.__dict__["caps"] = caps
        customer = await desk.customer(region="us")
        episode = await desk.begun(customer)
        await episode.until_waiting_on("delivery")
        await episode.let_pass(3 * DAY)
        await episode.until_waiting_on("delivery")
        assert [message.channel for message in desk.gateway.taken.values()] == [Channel.EMAIL, Channel.SMS]
        shown = await running_house.ports.outreach.profiles.show(customer.person, datetime.now(UTC))
        today = a_sending(shown, datetime.now(UTC), intervention=episode.id, step=7)
        assert (await desk.outreach.permit(today)).rule == "texts_in_a_day"
        assert len(desk.gateway.taken) == 2


# A no between plan and sending ---------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(2))
async def test_who_says_no_before_the_message_leaves_gets_none_at_whatever_moment_they_say_it(
    running_house: House, seed: int
):
    """The order of the ledger judges, which is that of the locks: no message begins behind a no."""
    chance = random.Random(seed)
    async with a_desk_at_work(running_house, a_step(By.EMAIL, wait_hours=24), a_step(By.SMS)) as desk:
        customers = [await desk.customer() for _ in range(4 * MANY)]

        async def said_no(customer: Customer) -> None:
            await asyncio.sleep(chance.uniform(0, 3))
            await desk.changed(customer, consent={"sms": False, "email": False, "voice": False})

        noes = [asyncio.create_task(said_no(customer)) for customer in customers]
        episodes = [await desk.begun(customer) for customer in customers]
        await asyncio.gather(*noes)
        for episode in episodes:
            await episode.tell()
            assert (await episode.until_state(EpisodeState.WATCHING))["ending"] == Ending.OPTED_OUT
        await asyncio.gather(*(episode.let_pass(3 * DAY) for episode in episodes))
        for episode in episodes:
            rows = await running_house.rows(
                """
                select kind, id from ledger_entry
                where kind in ('contact.sending', 'consent.withdrawn')
                  and convert_from(body, 'UTF8') like %(person)s order by id
                """,
                person=f"%{episode.customer.person}%",
            )
            kinds = [row["kind"] for row in rows]
            assert kinds.count("consent.withdrawn") == 3
            assert kinds in (["contact.sending", *3 * ["consent.withdrawn"]], 3 * ["consent.withdrawn"]), kinds
        sent = await running_house.rows(
            "select id from contact where intervention_id = any(%(ids)s) and sending_at is not null",
            ids=[episode.id for episode in episodes],
        )
        assert {row["id"] for row in sent} == set(desk.gateway.taken)
        assert 0 < len(sent) < len(episodes), "all of them were too early, or too late"
    await running_house.must_verify()
