"""At most one message per step at the gateway, and none that a rule forbids, whatever crashes or comes in between."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.messages import Permitted, Sent
from plimsoll.domain.access import Role
from plimsoll.domain.outreach.contact import Channel, ContactState, GatewayRefused, GatewayUnavailable
from tests.contact_rules import NOON, at
from tests.house import House
from tests.reaching import Reaching, a_ref, a_step, reaching

LOST = GatewayUnavailable("no answer", kind="timeout", sent=True)
DOWN = GatewayUnavailable("refused", kind="refused", sent=False)


@pytest.fixture
async def world(house: House) -> Reaching:
    return await reaching(house)


async def run(activity: Any, message: Any) -> Any:
    return await ActivityEnvironment().run(activity, message)


async def permitted(world: Reaching, **step: Any) -> str:
    answer: Permitted = await run(world.outreach.permit, a_step(await world.customer(), **step))
    assert answer.granted, answer
    assert answer.contact
    return answer.contact


async def sent(world: Reaching, contact: str, now=NOON) -> Sent:
    return await run(world.outreach.send, a_ref(contact, now))


# The permit and the message ------------------------------------------------------------------------


async def test_a_permitted_step_is_sent_once_with_the_contacts_id_as_its_key(world: Reaching):
    contact = await permitted(world)
    for _ in range(3):
        assert (await sent(world, contact)).state is ContactState.SENT
    (message,) = world.sms.taken
    assert message.contact == contact
    assert "Ada" in message.text
    assert "Reply STOP" in message.text


async def test_a_step_asked_again_has_the_same_contact(world: Reaching):
    step = a_step(await world.customer())
    answers = [await run(world.outreach.permit, step) for _ in range(3)]
    assert len({answer.contact for answer in answers}) == 1


async def test_what_was_handed_over_is_what_is_on_record(world: Reaching):
    contact = await permitted(world)
    await sent(world, contact)
    kept = await world.book.outgoing(contact)
    assert kept == world.sms.taken[0]
    row = await world.row(contact)
    entries = await world.house.rows(
        "select convert_from(body, 'UTF8')::jsonb as said from ledger_entry where kind = 'contact.sending'"
    )
    assert [entry["said"]["body"] for entry in entries] == [bytes(row["body_digest"]).hex()]


async def test_a_refusal_names_its_rule_and_when_to_come_again(world: Reaching):
    night = at("2026-11-21 03:00")
    answer = await run(world.outreach.permit, a_step(await world.customer(), night))
    assert (answer.rule, answer.again_at) == ("quiet_hours", at("2026-11-21 13:00"))
    assert (await sent(world, answer.contact, night)).rule == "quiet_hours"
    assert (await sent(world, answer.contact, answer.again_at)).state is ContactState.SENT
    assert len(world.sms.taken) == 1


async def test_an_unapproved_template_is_never_sent(world: Reaching):
    answer = await run(world.outreach.permit, a_step(await world.customer(), template="sms-of-nobody"))
    assert answer.rule == "template_not_approved"


async def test_a_template_taken_back_after_the_permit_stays_here(world: Reaching):
    contact = await permitted(world)
    by = await world.house.somebody(Role.COMPLIANCE)
    await world.house.ports.outreach.templates.retire(
        "sms-reminder", 1, by=by, reason="a typing error", request="req_test", now=NOON
    )
    assert (await sent(world, contact)).rule == "template_not_approved"
    assert world.sms.taken == []


async def test_a_channel_that_nobody_carries_is_refused(world: Reaching):
    del world.gateways[Channel.SMS]
    assert (await run(world.outreach.permit, a_step(await world.customer()))).rule == "no_gateway"


async def test_a_refused_step_may_come_again_on_the_channel_the_person_prefers(world: Reaching):
    person = await world.customer(preferred="email")
    first = await run(world.outreach.permit, a_step(person))
    assert (first.rule, first.instead) == ("prefers_another_channel", Channel.EMAIL)
    second = await run(world.outreach.permit, a_step(person, channel=Channel.EMAIL))
    assert second.contact == first.contact
    assert (await sent(world, second.contact)).state is ContactState.SENT
    assert world.gateways[Channel.EMAIL].taken[0].subject == "Your next payment with Harbour Bank"


async def test_who_speaks_german_is_written_to_in_german(world: Reaching):
    answer = await run(world.outreach.permit, a_step(await world.customer(language="de")))
    await sent(world, answer.contact)
    assert "Antworten Sie STOPP" in world.sms.taken[0].text


# Between plan and send -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"consent": {"sms": False}}, "opted_out"),
        ({"add_flags": ["bereaved"]}, "flag_bereaved"),
        ({"addresses": {"sms": None}}, "no_address"),
        ({"zone": "Pacific/Honolulu"}, "quiet_hours"),  # seven in the morning there
    ],
)
async def test_what_was_said_between_permit_and_send_is_heard(world: Reaching, change: dict[str, Any], rule: str):
    person = await world.customer()
    answer = await run(world.outreach.permit, a_step(person))
    await world.change(person.person, **change)
    assert (await sent(world, answer.contact)).rule == rule
    assert world.sms.taken == []


async def test_an_episode_that_went_on_without_the_step_sends_nothing(world: Reaching):
    contact = await permitted(world)
    world.episodes.wanted = False
    assert (await sent(world, contact)).rule == "not_wanted"
    assert world.sms.taken == []


async def test_two_steps_that_race_for_the_last_place_under_a_cap_do_not_both_get_it(world: Reaching):
    person = await world.customer()
    steps = [a_step(person, step=number) for number in range(4)]
    contacts = [(await run(world.outreach.permit, step)).contact for step in steps]
    results = await asyncio.gather(*(sent(world, contact) for contact in contacts))
    assert [result.state for result in results].count(ContactState.SENT) == 1
    assert {result.rule for result in results} == {None, "texts_in_a_day"}
    assert len(world.sms.taken) == 1


async def test_what_a_gateway_will_not_carry_uses_up_no_cap(world: Reaching):
    person = await world.customer()
    world.sms.fails = [GatewayRefused("no such number", reason="no_such_number")]
    first = await run(world.outreach.permit, a_step(person))
    refused = await sent(world, first.contact)
    assert (refused.state, refused.rule) == (ContactState.FAILED, "no_such_number")
    second = await run(world.outreach.permit, a_step(person, step=1))
    assert (await sent(world, second.contact)).state is ContactState.SENT


# Crashes and silence -------------------------------------------------------------------------------


async def test_an_answer_that_was_lost_is_asked_for_and_nothing_is_sent_again(world: Reaching):
    world.sms.loses = 1
    contact = await permitted(world)
    with pytest.raises(ApplicationError):
        await sent(world, contact)
    assert (await sent(world, contact)).state is ContactState.SENT
    assert world.sms.calls == [contact]


@pytest.mark.parametrize(("dedupes", "tells"), [(True, False), (True, True)])
async def test_after_a_crash_a_gateway_that_knows_its_keys_is_called_again(house: House, dedupes: bool, tells: bool):
    world = await reaching(house, dedupes=dedupes, tells=tells)
    contact = await permitted(world)
    begun = await world.book.begin(contact, NOON)  # and dies
    assert begun.outgoing
    assert (await sent(world, contact)).state is ContactState.SENT
    assert [message.contact for message in world.sms.taken] == [contact]


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_gateway_without_keys_that_can_be_asked_is_asked_and_never_called_twice(house: House, arrived: bool):
    world = await reaching(house, dedupes=False, tells=True)
    contact = await permitted(world)
    begun = await world.book.begin(contact, NOON)
    assert begun.outgoing
    if arrived:
        await world.sms.hand_over(begun.outgoing)
    state = (await sent(world, contact)).state
    assert state is (ContactState.SENT if arrived else ContactState.UNKNOWN)
    assert len(world.sms.taken) == int(arrived)


async def test_a_gateway_that_neither_knows_keys_nor_tells_leaves_it_to_a_person(house: House):
    world = await reaching(house, dedupes=False, tells=False)
    contact = await permitted(world)
    world.sms.loses = 1
    with pytest.raises(ApplicationError):
        await sent(world, contact)
    for _ in range(2):
        assert (await sent(world, contact)).state is ContactState.UNKNOWN
    assert len(world.sms.taken) == 1
    by = await house.somebody(Role.COLLECTOR)
    found = await world.book.settle(
        contact, ContactState.SENT, by=by, reason="the customer has it", request="req_test", now=NOON
    )
    assert found.state is ContactState.SENT
    assert world.episodes.woken == [found.intervention]


async def test_a_gateway_that_is_down_is_called_again_and_the_night_that_came_meanwhile_counts(world: Reaching):
    world.sms.fails = [DOWN, DOWN]
    contact = await permitted(world)
    for _ in range(2):
        with pytest.raises(ApplicationError):
            await sent(world, contact)
    assert (await world.row(contact))["state"] == "permitted"
    late = await sent(world, contact, at("2026-11-21 02:30"))
    assert late.rule == "quiet_hours"
    assert (await sent(world, contact, late.again_at)).state is ContactState.SENT
    assert len(world.sms.taken) == 1


async def test_a_zombie_that_wakes_up_late_changes_nothing(world: Reaching):
    contact = await permitted(world)
    zombie = (await world.book.begin(contact, NOON)).contact
    await sent(world, contact)  # another worker took over
    await world.book.interrupted(zombie, "timeout", False, NOON)
    await world.book.park(zombie, NOON)
    assert (await world.row(contact))["state"] == "sent"
    assert (await sent(world, contact)).state is ContactState.SENT
    assert len(world.sms.taken) == 1


async def test_two_workers_at_one_contact_send_one_message(world: Reaching):
    contact = await permitted(world)
    world.sms.hangs = asyncio.Event()
    first = asyncio.create_task(sent(world, contact))
    await world.sms.called.wait()
    second = asyncio.create_task(sent(world, contact))
    await asyncio.sleep(0.05)
    world.sms.hangs.set()
    results = await asyncio.gather(first, second, return_exceptions=True)
    assert any(isinstance(result, Sent) and result.state is ContactState.SENT for result in results)
    assert (await sent(world, contact)).state is ContactState.SENT
    assert len(world.sms.taken) == 1


async def test_asking_what_became_of_a_message_brings_what_the_gateway_knows(world: Reaching):
    contact = await permitted(world)
    await sent(world, contact)
    assert (await run(world.outreach.ask_status, a_ref(contact))).state is ContactState.SENT


async def test_of_who_was_erased_nothing_is_sent(world: Reaching):
    person = await world.customer()
    answer = await run(world.outreach.permit, a_step(person))
    await world.house.ports.database.run(
        "update person set wrapped_key = null, erased_at = now() where id = %(id)s", {"id": person.person}
    )
    assert (await sent(world, answer.contact)).rule == "person_erased"


# Calls by people -----------------------------------------------------------------------------------


async def test_a_collectors_call_counts_like_any_other_and_a_talk_begins_a_pause(world: Reaching):
    person, by = await world.customer(), await world.house.somebody(Role.COLLECTOR)

    async def call(task: str, now=NOON):
        return await world.book.call(task, "int_1", person.person, "call-offer-help", by=by, now=now)

    assert (await call("tsk_1")).state is ContactState.SENT
    assert (await call("tsk_1")).id == (await call("tsk_1")).id
    async with world.house.ports.database.transaction() as connection:
        await world.book.called(connection, "tsk_1", True, NOON)
    refused = await call("tsk_2", NOON + timedelta(days=3))
    assert (refused.rule, refused.again_at) == ("pause_after_a_talk", NOON + timedelta(days=7))


async def test_a_caller_gets_the_words_and_the_number(world: Reaching):
    person = await world.customer()
    assert "May I speak to Ada?" in (await world.book.script(person.person, "call-offer-help")).text
    assert (await world.book.number_of(person.person) or "").startswith("+1212555")


async def test_after_all_of_it_the_ledger_verifies(world: Reaching):
    for _ in range(2):
        await sent(world, await permitted(world))
    await world.house.must_verify()
