"""The sandbox's gateways: what they take, what they tell, and a customer who reads and answers."""

import hashlib
import hmac
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from tests.sandbox_process import SandboxProcess, a_sandbox

SECRET = "shared with the other side"


class Listener:
    """The other side: keeps every callback, answers as told."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, Any], bool]] = []
        self.answers: list[int] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                listener.heard.append((json.loads(body), signed(self.headers["gateway-signature"], body)))
                self.send_response(listener.answers.pop(0) if listener.answers else 200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1/callbacks/sandbox-sms"

    def until(self, holds: Callable[["Listener"], bool]) -> None:
        give_up_at = time.monotonic() + 20
        while not holds(self):
            assert time.monotonic() < give_up_at, self.heard
            time.sleep(0.02)


def signed(signature: str, body: bytes) -> bool:
    at = signature.split(",")[0].removeprefix("t=")
    expected = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return signature == f"t={at},v1={expected}"


@pytest.fixture
def listener() -> Iterator[Listener]:
    listening = Listener()
    yield listening
    listening.server.shutdown()


@pytest.fixture
def gateways(sandbox: SandboxProcess) -> Iterator[SandboxProcess]:
    sandbox.callback_secret.write_text(SECRET)
    yield sandbox
    sandbox.switchboard.delete("/_gateways")


def send(gateways: SandboxProcess, key: str | None = None, channel: str = "sms", **body: Any) -> httpx.Response:
    sent = {"to": "+12125550123", "text": "Hello."} | body
    headers = {"idempotency-key": key or uuid.uuid4().hex}
    return gateways.switchboard.post(f"/gateways/{channel}/messages", json=sent, headers=headers)


def fresh(gateways: SandboxProcess, key: str) -> int:
    return sum(entry["served"] == "fresh" for entry in gateways.requests("sms", key=key))


def test_a_message_is_taken_once_under_its_key(gateways: SandboxProcess):
    key = uuid.uuid4().hex
    first, again, other = send(gateways, key), send(gateways, key), send(gateways, key, text="Something else.")
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert first.json()["id"] == again.json()["id"]
    assert fresh(gateways, key) == 1


def test_it_tells_what_became_of_a_key(gateways: SandboxProcess):
    key = uuid.uuid4().hex
    send(gateways, key)
    known = gateways.switchboard.get("/gateways/sms/messages", params={"key": key})
    assert known.json()["status"] == "delivered"
    unknown = gateways.switchboard.get("/gateways/sms/messages", params={"key": "nobody"})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "unknown_key")


def test_some_addresses_nobody_has(gateways: SandboxProcess):
    assert send(gateways, to="+12125550000").json()["error"]["code"] == "no_such_number"
    assert send(gateways, channel="email", to="nobody@example.org").status_code == 422


def test_the_mailbox_shows_what_came_and_a_customer_answers(gateways: SandboxProcess, listener: Listener):
    to = f"ada-{uuid.uuid4().hex}@example.org"
    send(gateways, channel="email", to=to, subject="For you", text="Are you well?", callback=listener.url)
    (message,) = gateways.switchboard.get("/_mailbox", params={"to": to}).json()
    assert (message["subject"], message["text"]) == ("For you", "Are you well?")
    gateways.switchboard.post(f"/_mailbox/{message['id']}/reply", json={"text": "Yes."}).raise_for_status()
    listener.until(lambda heard: any(event["type"] == "answer" for event, _ in heard.heard))
    (event,) = (event for event, _ in listener.heard if event["type"] == "answer")
    assert (event["from"], event["text"], event["message"]) == (to, "Yes.", message["id"])
    assert all(genuine for _, genuine in listener.heard)


def test_the_page_shows_text_as_text_and_takes_an_answer(gateways: SandboxProcess):
    to = f"eve-{uuid.uuid4().hex}@example.org"
    send(gateways, channel="email", to=to, subject="<script>alert(1)</script>", text="<b>bold</b>")
    page = gateways.switchboard.get("/mailbox", params={"to": to}).text
    assert "<script>" not in page
    assert "&lt;b&gt;bold" in page
    (message,) = gateways.switchboard.get("/_mailbox", params={"to": to}).json()
    gateways.switchboard.post(f"/_mailbox/{message['id']}/reply", data={"text": "STOP"})
    assert gateways.switchboard.get("/_mailbox", params={"to": to}).json()[0]["answers"][0]["text"] == "STOP"
    elsewhere = {"origin": "https://evil.example"}
    forged = gateways.switchboard.post(f"/_mailbox/{message['id']}/reply", data={"text": "x"}, headers=elsewhere)
    assert forged.status_code == 403


@pytest.mark.parametrize(
    ("manners", "seen"),
    [
        ({}, ["accepted", "delivered"]),
        ({"backwards": True}, ["delivered", "accepted"]),
        ({"fate": "bounced"}, ["accepted", "bounced"]),
        ({"copies": 2}, ["accepted", "accepted", "delivered", "delivered"]),
    ],
)
def test_receipts_come_in_the_manner_that_is_set(
    gateways: SandboxProcess, listener: Listener, manners: dict[str, Any], seen: list[str]
):
    gateways.switchboard.put("/_gateways/sms", json={"after_seconds": 0.2} | manners).raise_for_status()
    send(gateways, callback=listener.url)
    listener.until(lambda heard: len(heard.heard) == len(seen))
    assert [event["status"] for event, _ in listener.heard] == seen


def test_a_forged_callback_is_signed_by_somebody_else(gateways: SandboxProcess, listener: Listener):
    gateways.switchboard.put("/_gateways/sms", json={"forged": True}).raise_for_status()
    send(gateways, callback=listener.url)
    listener.until(lambda heard: len(heard.heard) == 2)
    assert not any(genuine for _, genuine in listener.heard)


def test_a_callback_nobody_took_comes_again(gateways: SandboxProcess, listener: Listener):
    listener.answers = [503]
    gateways.switchboard.put("/_gateways/sms", json={"after_seconds": 0}).raise_for_status()
    send(gateways, callback=listener.url)
    listener.until(lambda heard: len(heard.heard) == 3)
    assert len({event["id"] for event, _ in listener.heard}) == 2


def test_done_then_timeout_does_the_work_and_says_nothing(gateways: SandboxProcess):
    key = uuid.uuid4().hex
    gateways.fault("sms", kind="done_then_timeout", times=1)
    headers = {"idempotency-key": key}
    with pytest.raises(httpx.ReadTimeout):
        gateways.switchboard.post(
            "/gateways/sms/messages", json={"to": "+12125550123", "text": "x"}, headers=headers, timeout=0.5
        )
    assert fresh(gateways, key) == 1
    assert gateways.switchboard.get("/gateways/sms/messages", params={"key": key}).status_code == 200


@pytest.mark.parametrize(("kind", "status"), [("500", 500), ("429", 429), ("garbage", 200)])
def test_a_fault_takes_the_place_of_the_work(gateways: SandboxProcess, kind: str, status: int):
    key = uuid.uuid4().hex
    gateways.fault("sms", kind=kind, times=1)
    assert send(gateways, key).status_code == status
    assert fresh(gateways, key) == 0


def test_a_killed_gateway_remembers_what_it_took(tmp_path):
    with a_sandbox(tmp_path) as gateways:
        send(gateways, "k-1", to="+12125550199")
        gateways.kill()
        gateways.start()
        assert gateways.switchboard.get("/_mailbox", params={"to": "0199"}).json()[0]["key"] == "k-1"
        assert send(gateways, "k-1", to="+12125550199").status_code == 200
        assert fresh(gateways, "k-1") == 1
