"""Customers' episodes on the real server, ninety days in a second: answer, silence, promises, bad nights."""

import asyncio
import random
from datetime import timedelta

import pytest

from plimsoll.domain.access import Role
from plimsoll.domain.outreach.contact import Channel, ContactState
from plimsoll.domain.outreach.episode import Ending, EpisodeState
from plimsoll.domain.outreach.strategy import By
from plimsoll.domain.values import RiskLevel
from tests.episodes import a_desk_at_work, a_step
from tests.house import House

DAY = timedelta(days=1)


# Silence and answers ----------------------------------------------------------------------------


async def test_ninety_days_without_a_word_try_every_step_and_look_three_times_how_it_went(running_house: House):
    async with a_desk_at_work(running_house, a_step(By.EMAIL), a_step(By.SMS), a_step(By.CALL)) as desk:
        episode = await desk.begun(await desk.customer())
        await episode.until_waiting_on("delivery")
        await episode.let_pass(91 * DAY)
        ended = await episode.handle.result()
        assert (ended.state, ended.ending) == (EpisodeState.ENDED, Ending.NOBODY_CALLED)
        assert await episode.steps() == [("email", "silence"), ("sms", "silence"), ("call", "nobody_took_the_task")]
        story = await episode.story()
        assert [(each["day"], each["missed"]) for each in story["outcomes"]] == [(30, None), (60, None), (90, None)]
        assert len(desk.gateway.taken) == 2
    await running_house.must_verify()


async def test_a_customer_who_says_all_is_well_is_left_alone(running_house: House):
    async with a_desk_at_work(running_house, a_step(By.EMAIL), a_step(By.SMS)) as desk:
        episode = await desk.begun(await desk.customer())
        await episode.until_waiting_on("delivery")
        await episode.replied("paid")
        story = await episode.until_state(EpisodeState.WATCHING)
        assert story["ending"] == Ending.ANSWERED
        await episode.let_pass(91 * DAY)
        await episode.handle.result()
        assert len(desk.gateway.taken) == 1


async def test_who_asks_for_help_is_called_by_a_person(running_house: House):
    async with a_desk_at_work(running_house, a_step(By.EMAIL), a_step(By.SMS)) as desk:
        episode = await desk.begun(await desk.customer())
        await episode.until_waiting_on("delivery")
        await episode.replied("help")
        await episode.until_waiting_on("collector")
        done = await episode.answered("tool", tool="due_date_change", due_on=episode.in_days(10))
        assert done["script"] == "call-answer-a-reply"
        story = await episode.until_state(EpisodeState.WATCHING)
        assert story["ending"] == Ending.HELPED


@pytest.mark.parametrize("state", [ContactState.BOUNCED, ContactState.FAILED])
async def test_a_message_that_comes_back_leads_to_the_next_step_at_once(running_house: House, state: ContactState):
    async with a_desk_at_work(running_house, a_step(By.EMAIL), a_step(By.CALL)) as desk:
        desk.gateway.says = state
        episode = await desk.begun(await desk.customer())
        await episode.until_waiting_on("collector")
        assert await episode.steps() == [("email", state), ("call", None)]


# Promises ---------------------------------------------------------------------------------------


async def test_a_promise_that_is_paid_is_kept(running_house: House):
    async with a_desk_at_work(running_house, a_step(By.CALL)) as desk:
        episode = await desk.begun(await desk.customer(), RiskLevel.CRITICAL)
        await episode.until_waiting_on("collector")
        await episode.answered("promise", amount="80.00", currency="USD", due_on=episode.in_days(5))
        await episode.until_state(EpisodeState.PROMISED)
        await desk.paid(episode.customer, "80.00")
        await episode.tell()
        story = await episode.until_state(EpisodeState.WATCHING)
        assert story["ending"] == Ending.KEPT
        assert [each["state"] for each in story["commitments"]] == ["kept"]


async def test_a_broken_promise_brings_a_person_back_and_a_second_one_ends_it(running_house: House):
    async with a_desk_at_work(running_house, a_step(By.CALL)) as desk:
        episode = await desk.begun(await desk.customer(), RiskLevel.CRITICAL)
        for days in (5, 15):
            await episode.until_waiting_on("collector")
            await episode.answered("promise", amount="80.00", currency="USD", due_on=episode.in_days(5))
            await episode.until_state(EpisodeState.PROMISED)
            await episode.let_pass(timedelta(days=9))
            assert days
        story = await episode.until_state(EpisodeState.WATCHING)
        assert story["ending"] == Ending.BROKEN
        assert [task["script"] for task in story["tasks"]] == ["call-offer-help", "call-broken-promise"]


async def test_a_call_nobody_answers_is_tried_again_another_day(running_house: House):
    async with a_desk_at_work(running_house, a_step(By.CALL, tries=2, try_again_hours=24), a_step(By.EMAIL)) as desk:
        episode = await desk.begun(await desk.customer(), RiskLevel.CRITICAL)
        await episode.until_waiting_on("collector")
        await episode.answered("no_answer")
        await episode.until_waiting_on("hours_and_caps")
        await episode.let_pass(timedelta(hours=25))
        await episode.until_waiting_on("collector")
        await episode.answered("no_answer")
        await episode.until_waiting_on("delivery")
        assert [task["attempt"] for task in (await episode.story())["tasks"]] == [0, 1]


# What cancels -----------------------------------------------------------------------------------


async def test_whoever_pays_hears_nothing_more(running_house: House):
    async with a_desk_at_work(running_house, a_step(By.EMAIL), a_step(By.SMS)) as desk:
        episode = await desk.begun(await desk.customer())
        await episode.until_waiting_on("delivery")
        await desk.paid(episode.customer)
        await episode.tell()
        story = await episode.until_state(EpisodeState.WATCHING)
        assert story["ending"] == Ending.PAID
        await episode.let_pass(31 * DAY)
        story = await episode.story()
        assert [each["paid"] is not None for each in story["outcomes"]] == [True]


@pytest.mark.parametrize(
    ("change", "ending"),
    [
        ({"add_flags": ["bereaved"]}, Ending.BEREAVED),
        ({"add_flags": ["vulnerable"]}, Ending.VULNERABLE),
        ({"add_flags": ["disputed"]}, Ending.DISPUTED),
        ({"consent": {"sms": False, "email": False, "voice": False}}, Ending.OPTED_OUT),
    ],
)
async def test_a_word_on_the_profile_stops_everything(running_house: House, change: dict, ending: Ending):
    async with a_desk_at_work(running_house, a_step(By.CALL), a_step(By.EMAIL)) as desk:
        episode = await desk.begun(await desk.customer())
        await episode.until_waiting_on("collector")
        await desk.changed(episode.customer, **change)
        await episode.tell()
        story = await episode.until_state(EpisodeState.WATCHING)
        assert story["ending"] == ending
        assert [task["state"] for task in story["tasks"]] == ["closed"]


async def test_a_stop_by_any_message_ends_it(running_house: House):
    async with a_desk_at_work(running_house, a_step(By.SMS), a_step(By.EMAIL)) as desk:
        episode = await desk.begun(await desk.customer())
        await episode.until_waiting_on("delivery")
        await episode.replied("STOP", Channel.SMS)
        assert (await episode.until_state(EpisodeState.WATCHING))["ending"] == Ending.OPTED_OUT


async def test_what_is_cancelled_while_the_gateway_is_down_is_never_sent(running_house: House):
    async with a_desk_at_work(running_house) as desk:
        desk.gateway.away = True
        episode = await desk.begun(await desk.customer())

        async def tried() -> bool:
            return desk.gateway.calls > 0

        from tests.house import until

        await until(tried)
        by = await running_house.somebody(Role.COLLECTOR)
        await desk.interventions.cancel(episode.id, by=by, reason="mistake", request="req_test", now=episode.now)
        desk.gateway.away = False
        await episode.tell()
        await episode.let_pass(timedelta(hours=7))
        assert (await episode.story())["ending"] == Ending.CANCELLED
        assert not desk.gateway.taken


# Rules that stand against a step -----------------------------------------------------------------


async def test_a_step_nobody_agreed_to_is_barred_by_name_and_the_next_one_is_taken(running_house: House):
    async with a_desk_at_work(running_house, a_step(By.SMS), a_step(By.EMAIL)) as desk:
        episode = await desk.begun(await desk.customer(consent={"sms": False, "email": True, "voice": True}))
        story = await episode.until_waiting_on("delivery")
        assert [(step["result"], step["rule"]) for step in story["steps"]] == [("barred", "opted_out"), (None, None)]
        assert [message.channel for message in desk.gateway.taken.values()] == [Channel.EMAIL]


async def test_when_every_step_is_barred_a_person_looks_at_it(running_house: House):
    async with a_desk_at_work(running_house, a_step(By.SMS)) as desk:
        episode = await desk.begun(await desk.customer(consent={"sms": False, "email": True, "voice": True}))
        story = await episode.until_waiting_on("collector")
        (task,) = story["tasks"]
        assert (task["script"], task["why"]) == ("call-cannot-be-reached", ["opted_out"])


async def test_a_step_against_a_cap_waits_for_its_moment(running_house: House):
    caps = running_house.ports.outreach.contact_rules().caps
    async with a_desk_at_work(running_house, a_step(By.SMS, wait_hours=1), a_step(By.SMS, wait_hours=48)) as desk:
        desk.rules.__dict__["caps"] = caps
        episode = await desk.begun(await desk.customer())
        await episode.until_waiting_on("delivery")
        await episode.let_pass(timedelta(hours=2))
        story = await episode.until_waiting_on("hours_and_caps")
        assert story["steps"][1]["rule"] in ("texts_in_a_day", "messages_in_a_day")
        assert len(desk.gateway.taken) == 1
        await episode.let_pass(timedelta(hours=25))
        await episode.until_waiting_on("delivery")
        assert len(desk.gateway.taken) == 2


# One episode a person ---------------------------------------------------------------------------


async def test_twenty_triggers_at_once_are_one_episode_and_one_message(running_house: House):
    async with a_desk_at_work(running_house) as desk:
        customer = await desk.customer()
        came = await asyncio.gather(*(desk.triggered(customer.person, key=f"event-{n % 10}") for n in range(20)))
        assert len({each.intervention for each in came}) == 1
        episode = await desk.started(came[0].intervention or "", customer)
        await episode.until_waiting_on("delivery")
        signals = [episode.tell() for _ in range(30)] + [desk.triggered(customer.person, key="event-3")]
        random.Random(7).shuffle(signals)
        await asyncio.gather(*signals)
        await episode.let_pass(timedelta(hours=1))
        story = await episode.story()
        assert len(desk.gateway.taken) == 1
        assert sum(each["opened"] for each in story["triggers"]) == 1
        assert len(story["triggers"]) == 10


async def test_a_level_that_rises_is_acted_on_at_once_and_waits_no_email_out(running_house: House):
    async with a_desk_at_work(running_house, a_step(By.EMAIL)) as desk:
        steep = {RiskLevel.CRITICAL: (a_step(By.CALL, priority=1),)}
        only = desk.table.strategies[0]
        desk.table.__dict__["strategies"] = (only.model_copy(update={"ladders": only.ladders | steep}),)
        episode = await desk.begun(await desk.customer(), RiskLevel.MEDIUM)
        await episode.until_waiting_on("delivery")
        came = await desk.triggered(episode.customer.person, RiskLevel.CRITICAL)
        assert (came.intervention, came.opened) == (episode.id, False)
        await episode.tell()
        story = await episode.until_waiting_on("collector")
        assert (story["level"], story["stratum"]) == ("critical", "medium")
        assert [(step["by"], step["result"]) for step in story["steps"]] == [("email", "level_rose"), ("call", None)]


async def test_the_hold_out_is_left_alone_and_followed_like_the_others(running_house: House):
    async with a_desk_at_work(running_house) as desk:
        desk.table.__dict__["hold_out"] = 1.0
        customer = await desk.customer()
        came = await desk.triggered(customer.person)
        assert came.refused_by == "held_out"
        episode = await desk.started(came.intervention or "", customer)
        await episode.until_waiting_on("outcome")
        again = await desk.triggered(customer.person, RiskLevel.CRITICAL)
        assert again.refused_by == "held_out"
        await episode.let_pass(91 * DAY)
        ended = await episode.handle.result()
        assert ended.ending == Ending.HELD_OUT
        assert not desk.gateway.taken
        assert len((await episode.story())["outcomes"]) == 3


async def test_help_that_was_asked_for_is_never_held_back_and_counts_as_dealt(running_house: House):
    async with a_desk_at_work(running_house) as desk:
        desk.table.__dict__["hold_out"] = 1.0
        customer = await desk.customer()
        came = await desk.triggered(customer.person)
        episode = await desk.started(came.intervention or "", customer)
        await episode.until_waiting_on("outcome")
        asked = await desk.triggered(customer.person, source="person", asked_for_help=True)
        assert asked.refused_by is None
        await episode.tell()
        story = await episode.until_waiting_on("delivery")
        assert (story["arm"], story["state"]) == ("hold_out", "treating")


# Bad nights -------------------------------------------------------------------------------------


async def test_a_run_that_was_terminated_goes_on_from_its_row_and_sends_nothing_twice(running_house: House):
    async with a_desk_at_work(running_house, a_step(By.EMAIL), a_step(By.CALL)) as desk:
        episode = await desk.begun(await desk.customer())
        before = await episode.until_waiting_on("delivery")
        await episode.handle.terminate("an operator's mistake")
        again = await desk.started(episode.id, episode.customer)
        await again.until_waiting_on("delivery")
        assert (await again.story())["steps"][0]["until"] == before["steps"][0]["until"]
        await again.let_pass(4 * DAY)
        await again.until_waiting_on("collector")
        assert len(desk.gateway.taken) == 1


async def test_a_gateway_that_is_down_for_an_hour_costs_an_hour_and_no_second_message(running_house: House):
    async with a_desk_at_work(running_house) as desk:
        desk.gateway.away = True
        episode = await desk.begun(await desk.customer())
        await episode.until_waiting_on("gateway")
        desk.gateway.away = False
        await episode.let_pass(timedelta(hours=1))
        await episode.until_waiting_on("delivery")
        assert len(desk.gateway.taken) == 1
