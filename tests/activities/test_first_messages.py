"""An episode's first message: begun by one alone, and whatever comes between is not passed over."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.interventions import LookAt, Standing
from plimsoll.domain.outreach.contact import ContactState, GatewayRefused, GatewayUnavailable, Receipt
from plimsoll.domain.outreach.episode import Ending, EpisodeState
from plimsoll.domain.outreach.strategy import By
from plimsoll.domain.values import RiskLevel
from plimsoll.ports.outreach import Opening
from tests.episodes import Customer, Desk, a_desk, a_step, a_table, approved_templates
from tests.house import House

SENT = Receipt(state=ContactState.SENT, reference="msg_1")


@pytest.fixture
async def desk(house: House) -> Desk:
    await approved_templates(house)
    return a_desk(house, a_table(a_step(By.EMAIL), a_step(By.CALL)))


async def opened(desk: Desk, **profile: Any) -> tuple[str, Customer]:
    customer = await desk.customer(**profile)
    came = await desk.triggered(customer.person)
    assert came.intervention is not None
    return came.intervention, customer


async def begun(desk: Desk, intervention: str) -> Standing:
    now = datetime.now(UTC)
    return await ActivityEnvironment().run(desk.activities.begin, LookAt(intervention=intervention, now=now))


async def story(desk: Desk, intervention: str) -> dict[str, Any]:
    return await desk.interventions.story(intervention)


async def test_a_first_message_leaves_and_its_answer_is_waited_for(desk: Desk):
    intervention, _ = await opened(desk)
    stands = await begun(desk, intervention)
    told = await story(desk, intervention)
    assert (stands.reach, stands.waits_on, stands.until) == (None, "delivery", told["until"])
    assert (told["waits_on"], told["steps"][0]["state"], told["steps"][0]["until"]) == ("delivery", "out", stands.until)
    assert [contact["state"] for contact in told["contacts"]] == ["sent"]
    assert len(desk.gateway.taken) == 1


async def test_it_enters_the_record_as_a_message_sent_step_by_step_does(desk: Desk, house: House):
    intervention, _ = await opened(desk)
    await begun(desk, intervention)
    entered = await house.ports.database.rows(
        "select kind from ledger_entry where application_id = %(id)s order by id", {"id": intervention}
    )
    kinds = [row["kind"] for row in entered]
    assert kinds == ["intervention.triggered", "contact.sending", "contact.sent", "intervention.sent"]


async def test_a_look_afterwards_finds_nothing_to_do(desk: Desk):
    intervention, _ = await opened(desk)
    stands = await begun(desk, intervention)
    before = await story(desk, intervention)
    assert await desk.activities.look(LookAt(intervention=intervention, now=datetime.now(UTC))) == stands
    assert await story(desk, intervention) == before


async def test_of_two_that_begin_at_once_one_holds_the_message(desk: Desk):
    intervention, _ = await opened(desk)
    now = datetime.now(UTC)
    both: list[Opening] = list(await asyncio.gather(*(desk.first_messages.begin(intervention, now) for _ in range(2))))
    assert sorted(opening.begun is not None for opening in both) == [False, True]
    assert len((await story(desk, intervention))["contacts"]) == 1


async def test_what_a_rule_forbids_is_not_sent_and_the_next_step_is_taken_at_once(desk: Desk):
    intervention, _ = await opened(desk, consent={"sms": True, "voice": True, "email": False})
    stands = await begun(desk, intervention)
    told = await story(desk, intervention)
    assert stands.waits_on == "collector"
    assert (told["steps"][0]["result"], told["steps"][0]["rule"]) == ("barred", "opted_out")
    assert not desk.gateway.taken


async def test_an_episode_that_was_stopped_before_it_began_sends_nothing(desk: Desk):
    intervention, customer = await opened(desk)
    await desk.changed(customer, add_flags=["bereaved"])
    stands = await begun(desk, intervention)
    assert (stands.state, stands.ending) == (EpisodeState.WATCHING, Ending.BEREAVED)
    assert not desk.gateway.taken


async def test_a_gateway_that_refuses_a_message_leads_to_the_next_step(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    async def refuses(message: object) -> Receipt:
        raise GatewayRefused("no such mailbox", reason="no_such_mailbox")

    monkeypatch.setattr(desk.gateway, "hand_over", refuses)
    intervention, _ = await opened(desk)
    assert (await begun(desk, intervention)).waits_on == "collector"
    assert (await story(desk, intervention))["steps"][0]["rule"] == "no_such_mailbox"


async def test_a_gateway_that_is_away_is_waited_for_by_name(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    async def is_away(message: object) -> Receipt:
        raise GatewayUnavailable("nobody there", kind="refused", sent=False)

    monkeypatch.setattr(desk.gateway, "hand_over", is_away)
    intervention, _ = await opened(desk)
    assert (await begun(desk, intervention)).reach is not None
    told = await story(desk, intervention)
    assert (told["waits_on"], [contact["state"] for contact in told["contacts"]]) == ("gateway", ["permitted"])


async def while_it_is_on_its_way(desk: Desk, intervention: str) -> Opening:
    opening = await desk.first_messages.begin(intervention, datetime.now(UTC))
    assert opening.begun is not None
    return opening


async def test_a_level_that_rises_while_the_message_is_on_its_way_is_acted_on(desk: Desk):
    intervention, customer = await opened(desk)
    opening = await while_it_is_on_its_way(desk, intervention)
    await desk.triggered(customer.person, RiskLevel.CRITICAL)
    stands = await desk.first_messages.is_out(opening, SENT, datetime.now(UTC))
    told = await story(desk, intervention)
    assert told["steps"][0]["result"] == "level_rose"
    assert (stands.reach is not None, told["waits_on"]) == (True, "gateway")  # the new plan's first step is due


async def test_an_episode_cancelled_while_the_message_is_on_its_way_stays_cancelled(desk: Desk):
    intervention, customer = await opened(desk)
    opening = await while_it_is_on_its_way(desk, intervention)
    await desk.changed(customer, add_flags=["vulnerable"])
    await desk.activities.look(LookAt(intervention=intervention, now=datetime.now(UTC)))
    stands = await desk.first_messages.is_out(opening, SENT, datetime.now(UTC))
    told = await story(desk, intervention)
    assert (stands.state, told["ending"]) == (EpisodeState.WATCHING, Ending.VULNERABLE)
    assert [contact["state"] for contact in told["contacts"]] == ["sent"]


async def test_a_receipt_that_overtakes_the_answer_of_the_gateway_is_not_undone(desk: Desk):
    intervention, _ = await opened(desk)
    opening = await while_it_is_on_its_way(desk, intervention)
    assert opening.begun is not None
    delivered = Receipt(state=ContactState.DELIVERED, reference="msg_1")
    await desk.contacts.heard(opening.begun.contact.id, delivered, datetime.now(UTC))
    stands = await desk.first_messages.is_out(opening, SENT, datetime.now(UTC))
    assert stands.waits_on == "reply"
    assert [contact["state"] for contact in (await story(desk, intervention))["contacts"]] == ["delivered"]
