"""What every gateway that knows its keys owes us: the fake of the tests, and the sandbox's over HTTP."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from plimsoll.adapters.messages.http import GatewayClient
from plimsoll.adapters.messages.sandbox_gateway import SandboxGateway
from plimsoll.domain.outreach.contact import Channel, ContactState, GatewayRefused, GatewayUnavailable, Outgoing
from plimsoll.ports.outreach import Gateway
from tests.fake_gateways import FakeGateway
from tests.sandbox_process import SandboxProcess

Make = Callable[[Channel], Gateway]


@pytest.fixture(params=["fake", "sandbox"])
def make(request: pytest.FixtureRequest) -> Make:
    if request.param == "fake":
        return lambda channel: FakeGateway(channel)
    sandbox: SandboxProcess = request.getfixturevalue("sandbox")
    return lambda channel: SandboxGateway(channel, sandbox.url, "http://127.0.0.1:1", "secret", GatewayClient())


def a_message(channel: Channel = Channel.SMS, **changed: Any) -> Outgoing:
    to = "+12125550123" if channel in (Channel.SMS, Channel.VOICE) else "ada@example.org"
    subject = "Hello" if channel in (Channel.EMAIL, Channel.PUSH) else None
    given = {"contact": f"con_{uuid.uuid4().hex}", "channel": channel, "to": to, "subject": subject}
    return Outgoing.model_validate(
        given | {"text": "Hello.", "language": "en", "began_at": datetime.now(UTC)} | changed
    )


@pytest.mark.parametrize("channel", Channel)
async def test_a_message_handed_over_is_sent_and_known(make: Make, channel: Channel):
    gateway, message = make(channel), a_message(channel)
    receipt = await gateway.hand_over(message)
    assert receipt.state.rank >= ContactState.SENT.rank
    assert receipt.reference
    known = await gateway.status(message)
    assert known is not None
    assert known.reference == receipt.reference


async def test_the_same_key_is_the_same_message(make: Make):
    gateway, message = make(Channel.SMS), a_message()
    first, again = await gateway.hand_over(message), await gateway.hand_over(message)
    assert first.reference == again.reference
    assert gateway.dedupes


async def test_of_what_never_came_nothing_is_known(make: Make):
    gateway = make(Channel.SMS)
    assert gateway.tells
    assert await gateway.status(a_message()) is None


# What only a gateway on the other side of a wire can do ----------------------------------------------


def over_http(sandbox: SandboxProcess, url: str | None = None) -> SandboxGateway:
    return SandboxGateway(Channel.SMS, url or sandbox.url, "http://127.0.0.1:1", "secret", GatewayClient())


async def test_an_address_nobody_has_is_refused_for_good(sandbox: SandboxProcess):
    with pytest.raises(GatewayRefused) as no:
        await over_http(sandbox).hand_over(a_message(to="+12125550000"))
    assert no.value.details["reason"] == "no_such_number"


@pytest.mark.parametrize(
    ("kind", "sent"), [("500", True), ("429", False), ("garbage", True), ("refuse", True), ("done_then_timeout", True)]
)
async def test_what_time_can_heal_says_whether_it_may_have_arrived(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch, kind: str, sent: bool
):
    monkeypatch.setattr("plimsoll.adapters.messages.http.SECONDS", 1.0)
    sandbox.fault("sms", kind=kind, times=1)
    message, gateway = a_message(), over_http(sandbox)
    with pytest.raises(GatewayUnavailable) as failure:
        await gateway.hand_over(message)
    assert failure.value.details["sent"] is sent
    assert ((await gateway.status(message)) is not None) == (kind == "done_then_timeout")


async def test_a_gateway_that_is_away_got_nothing(sandbox: SandboxProcess):
    with pytest.raises(GatewayUnavailable) as failure:
        await over_http(sandbox, "http://127.0.0.1:1").hand_over(a_message())
    assert failure.value.details["sent"] is False
