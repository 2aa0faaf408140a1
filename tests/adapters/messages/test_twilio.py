"""SMS by the API shape of Twilio: what we ask, what we make of its answers, whom we believe."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from plimsoll.adapters.messages.http import GatewayClient
from plimsoll.adapters.messages.twilio import TwilioGateway, signature
from plimsoll.domain.outreach.contact import (
    CallbackForged,
    Channel,
    ContactState,
    GatewayRefused,
    GatewayUnavailable,
    Outgoing,
)

BEGAN = datetime(2026, 11, 20, 17, tzinfo=UTC)
MESSAGE = Outgoing(
    contact="con_1", channel=Channel.SMS, to="+12125550123", subject=None, text="Hello. Reply STOP.", language="en",
    began_at=BEGAN,
)  # fmt: skip
PUBLIC = "https://plimsoll.example"


class Desk(ThreadingHTTPServer):
    """Answers as told and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Clerk)
        self.answer: tuple[int, Any] = (201, {"sid": "SM1", "status": "queued", "error_code": None})
        self.asked: list[tuple[str, str, dict[str, list[str]], str]] = []
        self.encodings: list[str] = []

    @property
    def gateway(self) -> TwilioGateway:
        base = f"http://127.0.0.1:{self.server_port}"
        return TwilioGateway("AC1", "token", "+12125550100", PUBLIC, base, GatewayClient())


class Clerk(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["content-length"])).decode())

    def do_GET(self) -> None:
        self._answer(self.path.partition("?")[2])

    def _answer(self, asked: str) -> None:
        desk: Any = self.server
        path = self.path.partition("?")[0]
        desk.encodings.append(self.headers["accept-encoding"])
        desk.asked.append((self.command, path, parse_qs(asked), self.headers["authorization"]))
        status, body = desk.answer
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


async def test_a_text_is_asked_for_as_twilio_wants_it(desk: Desk):
    receipt = await desk.gateway.hand_over(MESSAGE)
    assert (receipt.state, receipt.reference) == (ContactState.SENT, "SM1")
    ((method, path, form, credentials),) = desk.asked
    assert (method, path) == ("POST", "/2010-04-01/Accounts/AC1/Messages.json")
    assert form["To"] == ["+12125550123"]
    assert form["From"] == ["+12125550100"]
    assert form["StatusCallback"] == [f"{PUBLIC}/v1/callbacks/twilio?contact=con_1"]
    assert credentials.startswith("Basic ")
    assert desk.encodings == ["identity"], "nothing unpacks what comes packed"


async def test_a_number_that_does_not_exist_is_refused(desk: Desk):
    desk.answer = (400, {"code": 21211, "message": "Invalid 'To' Phone Number"})
    with pytest.raises(GatewayRefused) as no:
        await desk.gateway.hand_over(MESSAGE)
    assert no.value.details["reason"] == "twilio_21211"


@pytest.mark.parametrize(("status", "sent"), [(429, False), (401, False), (500, True), (302, True)])
async def test_what_time_can_heal_says_whether_it_may_have_arrived(desk: Desk, status: int, sent: bool):
    desk.answer = (status, {})
    with pytest.raises(GatewayUnavailable) as failure:
        await desk.gateway.hand_over(MESSAGE)
    assert failure.value.details["sent"] is sent


def listed(**changed: Any) -> dict[str, Any]:
    return {
        "sid": "SM1", "status": "delivered", "to": MESSAGE.to, "body": MESSAGE.text, "error_code": None,
        "date_created": "Fri, 20 Nov 2026 17:00:02 +0000",
    } | changed  # fmt: skip


@pytest.mark.parametrize(
    ("found", "known"),
    [
        (listed(), True),
        (listed(body="Something else."), False),
        (listed(date_created="Fri, 20 Nov 2026 09:00:00 +0000"), False),
        (listed(to="+12125550124"), False),
    ],
)
async def test_a_lost_message_is_looked_for_among_those_sent(desk: Desk, found: dict[str, Any], known: bool):
    desk.answer = (200, {"messages": [found]})
    receipt = await desk.gateway.status(MESSAGE)
    assert (receipt is not None) == known
    assert not desk.gateway.dedupes


def called_back(desk: Desk, query: str = "", token: str = "token", **fields: str):
    body = urlencode(fields)
    address = f"{PUBLIC}/v1/callbacks/twilio" + (f"?{query}" if query else "")
    headers = {"x-twilio-signature": signature(token, address, list(fields.items()))}
    inside = f"http://10.0.0.5:8080/v1/callbacks/twilio?{query}"  # as the proxy in front passes it on
    return desk.gateway.read_callback(inside, headers, body.encode(), 0)


def test_a_receipt_names_the_contact(desk: Desk):
    (event,) = called_back(desk, "contact=con_1", MessageSid="SM1", MessageStatus="undelivered", ErrorCode="30003")
    assert (event.contact, event.receipt, event.code) == ("con_1", ContactState.BOUNCED, "twilio_30003")
    (later,) = called_back(desk, "contact=con_1", MessageSid="SM1", MessageStatus="delivered")
    assert later.id != event.id


def test_an_answer_comes_with_its_sender(desk: Desk):
    (event,) = called_back(desk, MessageSid="SM9", From="+12125550123", To="+12125550100", Body="STOP")
    assert (event.sender, event.text, event.receipt) == ("+12125550123", "STOP", None)


@pytest.mark.parametrize("forged", [{"token": "guessed"}, {"query": "contact=con_2"}])
def test_a_forged_callback_is_refused(desk: Desk, forged: dict[str, str]):
    fields = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    if "token" in forged:
        with pytest.raises(CallbackForged):
            called_back(desk, token="guessed", **fields)
        return
    headers = {
        "x-twilio-signature": signature("token", f"{PUBLIC}/v1/callbacks/twilio?contact=con_1", list(fields.items()))
    }
    with pytest.raises(CallbackForged):
        desk.gateway.read_callback(
            f"{PUBLIC}/v1/callbacks/twilio?{forged['query']}", headers, urlencode(fields).encode(), 0
        )
