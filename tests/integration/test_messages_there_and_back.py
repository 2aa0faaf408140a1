"""A message through the sandbox's gateway, its receipt and the customer's answer back through the API, over sockets."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from activities.outreach import Outreach
from plimsoll.domain.outreach.contact import Channel, ContactState
from plimsoll.domain.outreach.profile import Profile
from plimsoll.local import ports
from starter.api.app import create_app
from starter.loops.confirming import Confirming
from tests.contact_rules import WATCH
from tests.house import a_house, settings_of, until
from tests.reaching import Reaching, a_ref, a_step, approve_templates, somebody
from tests.sandbox_process import SandboxProcess
from tests.stack_fixtures import Database
from tests.starter.serving import _serving


@pytest.fixture
async def world(database: Database, tmp_path: Path, sandbox: SandboxProcess) -> AsyncIterator[Reaching]:
    """At any hour; the sandbox signs with this house's own secret."""
    at_any_hour(tmp_path / "watch")
    url = f"http://127.0.0.1:{(port := ports.free_port())}"
    async with a_house(tmp_path, database, sandbox=sandbox, faked=True, api=url) as house:
        await approve_templates(house)
        sandbox.callback_secret.write_text((house.settings.secrets / "gateway_callbacks").read_text())
        gateways: Any = house.ports.outreach.gateways.by_channel
        with _serving(create_app(settings_of(tmp_path, database, sandbox=sandbox, api=url, hot_worker=False)), port):
            yield Reaching(house, gateways)
    sandbox.switchboard.delete("/_gateways")


def at_any_hour(own: Path) -> None:
    own.mkdir()
    rules = (WATCH / "contact_rules.toml").read_text()
    begin, end = rules.index("[[hours]]"), rules.index("# Saying no")
    (own / "contact_rules.toml").write_text("hours = []\ncaps = []\n" + rules[:begin] + rules[end:])


async def sent_to(world: Reaching, person: Profile, channel: Channel = Channel.SMS) -> str:
    outreach, now = Outreach(world.book, world.gateways), datetime.now(UTC)
    answer = await outreach.permit(a_step(person, now, channel))
    assert answer.contact, answer
    assert (await outreach.send(a_ref(answer.contact, now))).state.rank >= ContactState.SENT.rank
    return answer.contact


async def until_state(world: Reaching, contact: str, state: ContactState) -> None:
    async def there() -> bool:
        return (await world.book.get(contact)).state is state

    await until(there, what=f"{contact} to be {state}")


def mailbox(sandbox: SandboxProcess, to: str) -> list[dict[str, Any]]:
    return sandbox.switchboard.get("/_mailbox", params={"to": to}).json()


@pytest.mark.parametrize(
    "manners", [{}, {"copies": 3}, {"backwards": True, "copies": 2}, {"after_seconds": 0}], ids=str
)
async def test_a_receipt_finds_its_message_in_whatever_manner_it_comes(
    world: Reaching, sandbox: SandboxProcess, manners: dict[str, Any]
):
    sandbox.switchboard.put("/_gateways/sms", json=manners).raise_for_status()
    contact = await sent_to(world, await world.customer())
    await until_state(world, contact, ContactState.DELIVERED)


async def test_a_forged_receipt_changes_nothing(world: Reaching, sandbox: SandboxProcess):
    sandbox.switchboard.put("/_gateways/sms", json={"forged": True, "after_seconds": 0.5}).raise_for_status()
    contact = await sent_to(world, await world.customer())

    async def refused() -> bool:
        made = [call for call in sandbox.switchboard.get("/_callbacks").json() if call["key"] == contact]
        return [call["answered"] for call in made] == [401, 401]

    await until(refused, what="both callbacks to be refused")
    assert (await world.book.get(contact)).state is ContactState.SENT


async def test_what_comes_back_is_known_to_have_come_back(world: Reaching):
    person = await world.customer(addresses={"email": f"bounce@{uuid.uuid4().hex}.example.org"})
    contact = await sent_to(world, person, Channel.EMAIL)
    await until_state(world, contact, ContactState.BOUNCED)


async def test_a_customer_who_answers_stop_in_the_mailbox_is_told_once_and_left_alone(
    world: Reaching, sandbox: SandboxProcess
):
    to = str(somebody()["addresses"]["sms"])
    person = await world.customer(addresses={"sms": to})
    await sent_to(world, person)
    (message,) = mailbox(sandbox, to)
    sandbox.switchboard.post(f"/_mailbox/{message['id']}/reply", json={"text": "Stop please"}).raise_for_status()

    async def heard() -> bool:
        shown = await world.profiles.show(person.person, datetime.now(UTC))
        return shown.permitted_now[Channel.SMS].rule == "opted_out"

    await until(heard, what="the opt-out to be heard")
    for _ in range(2):
        await Confirming(world.book, Outreach(world.book, world.gateways)).confirm_all(datetime.now(UTC))
    assert ["no more messages" in message["text"] for message in mailbox(sandbox, to)] == [True, False]
