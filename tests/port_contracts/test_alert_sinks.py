"""Whoever is called when something moved: the webhook against a server on the wire, and the fake."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from plimsoll.adapters.messages.webhook import AlertWebhook
from plimsoll.domain.errors import Unavailable
from plimsoll.ports import AlertSink
from tests.fake_alerts import FakeAlertSink

EVENT = {"id": "drf_1", "type": "drift.alert", "text": "“term” moved: größer"}


@dataclass
class Someone:
    """A sink, and what the other side has of it."""

    sink: AlertSink
    taken: dict[str, Any]
    away: Any  # a call after which nobody takes anything


@dataclass
class Receiver:
    """An address of the operator's; a key that comes again is the alert it has."""

    taken: dict[str, Any] = field(default_factory=dict)
    answers: int = 204

    def handler(receiver) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.answers < 300:
                    receiver.taken[self.headers["Idempotency-Key"]] = json.loads(body)
                self.send_response(receiver.answers)
                self.end_headers()

            def log_message(self, *words: Any) -> None:
                """Not on the screen of the tests."""

        return Handler


@pytest.fixture
def receiver() -> Iterator[tuple[Receiver, str]]:
    kept = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), kept.handler())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield kept, f"http://127.0.0.1:{server.server_port}/alerts"
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["fake", "webhook", "webhook that is refused"])
def someone(request: pytest.FixtureRequest) -> Someone:
    if request.param == "fake":
        sink = FakeAlertSink()
        return Someone(sink, sink.taken, lambda: setattr(sink, "away", True))
    kept, address = request.getfixturevalue("receiver")
    webhook = AlertWebhook(address)
    if request.param == "webhook":
        gone = "http://127.0.0.1:1/"
        return Someone(webhook, kept.taken, lambda: setattr(webhook, "_address", gone))
    return Someone(webhook, kept.taken, lambda: setattr(kept, "answers", 503))


async def test_an_alert_arrives_as_it_was_told(someone: Someone):
    assert someone.sink.wanted
    await someone.sink.send("alr_1", EVENT)
    assert someone.taken == {"alr_1": EVENT}


async def test_an_alert_told_twice_is_one(someone: Someone):
    for _ in range(2):
        await someone.sink.send("alr_1", EVENT)
    await someone.sink.send("alr_2", EVENT)
    assert sorted(someone.taken) == ["alr_1", "alr_2"]


async def test_what_nobody_took_is_unavailable_and_not_taken(someone: Someone):
    someone.away()
    with pytest.raises(Unavailable) as failure:
        await someone.sink.send("alr_1", EVENT)
    assert failure.value.message.startswith("The alert webhook ")
    assert someone.taken == {}


@pytest.mark.parametrize("sink", [FakeAlertSink(wanted=False), AlertWebhook(None)], ids=["fake", "webhook"])
def test_without_an_address_nobody_wants_to_be_called(sink: AlertSink):
    assert not sink.wanted
