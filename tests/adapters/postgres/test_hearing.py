"""F24, F25: receipts and answers twice, late and in any order; a "no" in any reasonable way."""

import itertools
import uuid
from datetime import timedelta
from typing import Any

import pytest

from plimsoll.domain.outreach.contact import Channel, ContactState, GatewayEvent, Heard
from plimsoll.domain.outreach.governor import TOO_LATE
from plimsoll.domain.outreach.profile import Profile
from starter.loops.confirming import Confirming
from tests.contact_rules import NOON
from tests.house import House
from tests.reaching import Reaching, a_ref, a_step, reaching

RECEIPTS = (ContactState.SENT, ContactState.DELIVERED)


@pytest.fixture
async def world(house: House) -> Reaching:
    return await reaching(house)


async def sent_to(world: Reaching, person: Profile, **step: Any) -> str:
    answer = await world.outreach.permit(a_step(person, **step))
    await world.outreach.send(a_ref(answer.contact))
    assert answer.contact
    return answer.contact


async def hear(world: Reaching, channel: Channel = Channel.SMS, **event: Any) -> Heard:
    known = {"id": uuid.uuid4().hex} | event
    (heard,) = await world.hearing.hear(
        f"fake-{channel}", channel, [GatewayEvent.model_validate(known)], event.pop("now", NOON)
    )
    return heard


async def state_of(world: Reaching, contact: str) -> ContactState:
    return (await world.book.get(contact)).state


@pytest.mark.parametrize("order", list(itertools.permutations([*RECEIPTS, ContactState.BOUNCED])))
async def test_receipts_come_to_the_same_in_any_order(world: Reaching, order: tuple[ContactState, ...]):
    contact = await sent_to(world, await world.customer())
    for receipt in order:
        await hear(world, contact=contact, receipt=receipt)
    assert await state_of(world, contact) is ContactState.BOUNCED


async def test_a_receipt_told_twice_counts_once_and_wakes_once(world: Reaching):
    contact = await sent_to(world, await world.customer())
    told = [await hear(world, id="evt_1", contact=contact, receipt=ContactState.DELIVERED) for _ in range(3)]
    assert told == [Heard.NEW, Heard.REPEATED, Heard.REPEATED]
    assert len(world.episodes.woken) == 1


async def test_a_receipt_by_the_gateways_own_id_finds_its_contact(world: Reaching):
    contact = await sent_to(world, await world.customer())
    await hear(world, reference=f"msg_{contact}", receipt=ContactState.DELIVERED)
    assert await state_of(world, contact) is ContactState.DELIVERED


async def test_another_gateway_cannot_speak_of_a_contact(world: Reaching):
    contact = await sent_to(world, await world.customer())
    assert await hear(world, Channel.EMAIL, contact=contact, receipt=ContactState.BOUNCED) is Heard.NOBODY
    assert await state_of(world, contact) is ContactState.SENT


async def test_a_receipt_heals_a_contact_whose_fate_nobody_knew(house: House):
    world = await reaching(house, dedupes=False, tells=False)
    answer = await world.outreach.permit(a_step(await world.customer()))
    assert answer.contact
    begun = await world.book.begin(answer.contact, NOON)
    await world.book.park(begun.contact, NOON)
    await hear(world, contact=answer.contact, receipt=ContactState.DELIVERED)
    assert await state_of(world, answer.contact) is ContactState.DELIVERED


async def test_a_receipt_for_what_was_never_sent_changes_nothing(world: Reaching):
    answer = await world.outreach.permit(a_step(await world.customer()))
    assert answer.contact
    await hear(world, contact=answer.contact, receipt=ContactState.DELIVERED)
    assert await state_of(world, answer.contact) is ContactState.PERMITTED


# Answers -------------------------------------------------------------------------------------------


async def test_a_stop_closes_every_channel_is_told_once_and_wakes_whoever_waits(world: Reaching):
    person = await world.customer()
    contact = await sent_to(world, person)
    for _ in range(2):
        await hear(world, contact=contact, text="Stop!")
    shown = await world.profiles.show(person.person, NOON)
    assert {ruling.rule for ruling in shown.permitted_now.values()} == {"opted_out"}
    assert world.episodes.people.count(person.person) >= 2
    await Confirming(world.book, world.outreach).confirm_all(NOON)
    texts = [message.text for message in world.sms.taken]
    assert len(texts) == 2
    assert "no more messages" in texts[1]


async def test_a_no_from_a_shared_number_holds_for_all_who_share_it(world: Reaching):
    number = "+12125559876"
    people = [await world.customer(addresses={"sms": number}) for _ in range(2)]
    await hear(world, sender="+1 212 555 9876".replace(" ", ""), text="unsubscribe")
    for person in people:
        assert (await world.profiles.show(person.person, NOON)).permitted_now[Channel.SMS].rule == "opted_out"


async def test_a_confirmation_that_is_too_late_never_goes(world: Reaching):
    person = await world.customer()
    await hear(world, contact=await sent_to(world, person), text="STOP")
    await Confirming(world.book, world.outreach).confirm_all(NOON + timedelta(minutes=6))
    assert len(world.sms.taken) == 1
    assert await world.book.confirmations_due() == []
    row = await world.house.row("select rule from contact where confirms is not null")
    assert row["rule"] == TOO_LATE


async def test_an_opt_out_by_mail_is_not_confirmed_by_text(world: Reaching):
    person = await world.customer()
    contact = await sent_to(world, person, channel=Channel.EMAIL)
    await hear(world, Channel.EMAIL, contact=contact, text="Please stop.\n> Reply STOP")
    assert await world.book.confirmations_due() == []


async def test_who_agrees_again_is_reached_again(world: Reaching):
    person = await world.customer()
    await hear(world, contact=await sent_to(world, person), text="STOP")
    await world.change(person.person, consent={"sms": True})
    answer = await world.outreach.permit(a_step(person, NOON + timedelta(days=2), step=1))
    assert answer.granted


@pytest.mark.parametrize(("said", "meaning"), [("HELP", "help"), ("ok", "fine"), ("Who is this?", "other")])
async def test_any_other_answer_is_for_the_episode_to_read(world: Reaching, said: str, meaning: str):
    person = await world.customer()
    contact = await sent_to(world, person)
    await hear(world, sender=None, contact=contact, text=said)
    found = await world.book.get(contact)
    assert found.intervention
    (reply,) = await world.hearing.replies(found.intervention)
    assert (reply["meaning"], reply["text"]) == (meaning, said)
    assert world.episodes.woken == [found.intervention]
    assert (await world.profiles.show(person.person, NOON + timedelta(days=2))).permitted_now[Channel.SMS].permitted


async def test_an_answer_out_of_the_blue_belongs_to_the_last_message_of_that_channel(world: Reaching):
    number = "+12125551111"
    person = await world.customer(addresses={"sms": number})
    contact = await sent_to(world, person)
    await hear(world, sender=number, text="Call me on Monday")
    row = await world.house.row("select contact_id from contact_reply")
    assert row["contact_id"] == contact


async def test_after_all_of_it_the_ledger_verifies(world: Reaching):
    person = await world.customer()
    await hear(world, contact=await sent_to(world, person), text="STOP")
    await world.house.must_verify()
