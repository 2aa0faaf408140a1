"""E-mail over SMTP: before the text is handed over anything may be tried again, after it nothing."""

import json
import socketserver
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.policy import default

import pytest

from plimsoll.adapters.messages.smtp import MailServer, SmtpGateway
from plimsoll.adapters.messages.webhook import signature
from plimsoll.domain.outreach.contact import (
    CallbackForged,
    Channel,
    ContactState,
    GatewayRefused,
    GatewayUnavailable,
    Outgoing,
)

MESSAGE = Outgoing(
    contact="con_1",
    channel=Channel.EMAIL,
    to="ada@example.org",
    subject="Ihre nächste Zahlung",
    text="Guten Tag,\n.\nein Punkt allein.",
    language="de",
    began_at=datetime(2026, 11, 20, 17, tzinfo=UTC),
)


class Postman(socketserver.StreamRequestHandler):
    """A mail server of twenty lines; says what it is told at each word, or falls silent."""

    def handle(self) -> None:
        said, server = self.server.said, self.server  # type: ignore[attr-defined]
        self._say(said.get("hello", "220 here"))
        while line := self.rfile.readline():
            word = line[:4].decode().upper().strip()
            if word == "DATA" and "data" not in said:
                self._say("354 go on")
                content = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    content += part
                server.received.append(content)  # type: ignore[attr-defined]
                if said.get("end") == "silence":
                    return
                self._say(said.get("end", "250 taken"))
            else:
                self._say(said.get(word.lower(), "250 fine"))
            if word == "QUIT":
                return

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


class Mail(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Postman)
        self.said: dict[str, str] = {}
        self.received: list[bytes] = []

    @property
    def gateway(self) -> SmtpGateway:
        return SmtpGateway(MailServer("127.0.0.1", self.server_address[1], "bank@example.com", "none"))

    def mail(self) -> Message:
        return message_from_bytes(self.received[0], policy=default)


@pytest.fixture
def mail() -> Iterator[Mail]:
    with Mail() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


async def test_a_mail_arrives_as_it_was_written(mail: Mail):
    receipt = await mail.gateway.hand_over(MESSAGE)
    assert receipt.state is ContactState.SENT
    came = mail.mail()
    assert (came["To"], came["Subject"]) == ("ada@example.org", "Ihre nächste Zahlung")
    assert "con_1" in came["Message-ID"]
    assert came["List-Unsubscribe"] == "<mailto:bank@example.com?subject=STOP>"
    assert "ein Punkt allein." in mail.received[0].decode()
    assert b"\r\n..\r\n" in mail.received[0]  # a lone point does not end it


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ({"hello": "421 not now"}, False),
        ({"mail": "451 later"}, False),
        ({"rcpt": "450 later"}, False),
        ({"data": "451 later"}, False),
        ({"end": "451 later"}, False),
        ({"end": "silence"}, True),
    ],
)
async def test_what_time_can_heal_says_whether_it_may_have_arrived(mail: Mail, said: dict[str, str], sent: bool):
    mail.said = said
    with pytest.raises(GatewayUnavailable) as failure:
        await mail.gateway.hand_over(MESSAGE)
    assert failure.value.details["sent"] is sent


@pytest.mark.parametrize("said", [{"rcpt": "550 nobody here"}, {"end": "554 no"}])
async def test_what_the_server_will_never_take_is_refused(mail: Mail, said: dict[str, str]):
    mail.said = said
    with pytest.raises(GatewayRefused):
        await mail.gateway.hand_over(MESSAGE)


def test_whoever_reads_the_mailbox_tells_of_answers_signed():
    gateway = SmtpGateway(MailServer("127.0.0.1", 1, "bank@example.com", "none"), "secret")
    body = json.dumps({"id": "<1@example.org>", "type": "answer", "from": "ada@example.org", "text": "STOP"}).encode()
    (event,) = gateway.read_callback("", {"gateway-signature": signature("secret", body, 1000)}, body, 1010)
    assert (event.sender, event.text) == ("ada@example.org", "STOP")
    with pytest.raises(CallbackForged):
        gateway.read_callback("", {"gateway-signature": signature("guessed", body, 1000)}, body, 1010)


async def test_nobody_home_is_never_sent():
    gateway = SmtpGateway(MailServer("127.0.0.1", 1, "bank@example.com", "none"))
    with pytest.raises(GatewayUnavailable) as failure:
        await gateway.hand_over(MESSAGE)
    assert failure.value.details["sent"] is False
    assert not gateway.dedupes
    assert not gateway.tells
