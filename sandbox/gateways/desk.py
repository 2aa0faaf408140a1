"""The desk every message comes to: understand it, mind faults and limits, take it once, and let its fate run."""

import asyncio
import hashlib
import json
import re
from typing import Any
from urllib.parse import parse_qs

from sandbox import wire
from sandbox.clerk import error
from sandbox.faults import Fault, FaultBoard, Kind
from sandbox.gateways import CHANNELS
from sandbox.gateways.callbacks import Callbacks
from sandbox.gateways.mailbox import Answer, Mailbox, Manners, Message, Status, new_message
from sandbox.journal import Journal, Stored, timestamp
from sandbox.limits import Limits
from sandbox.sources.endpoint import NotUnderstood

PATH = re.compile(r"^/gateways/(sms|email|voice|push)/messages$")
FIELDS = ("to", "subject", "text", "language", "callback")


class GatewayDesk:
    def __init__(self, journal: Journal, faults: FaultBoard, limits: Limits, callbacks: Callbacks) -> None:
        self._journal = journal
        self._faults = faults
        self._limits = limits
        self._callbacks = callbacks
        self.mailbox = Mailbox()
        self.manners = {channel: Manners() for channel in CHANNELS}
        for stored in journal.all_stored():
            if stored.asked.startswith("message:"):
                self.mailbox.put(Message.model_validate_json(stored.body))

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        channel = scope["path"].split("/")[2]
        if scope["method"] == "GET":
            await self._tell_status(channel, scope, receive, send)
            return
        key = wire.header(scope, b"idempotency-key")
        try:
            asked = understood(key, await wire.read_body(receive))
        except NotUnderstood as problem:
            await self._turn_away(send, channel, key, None, 400, "not_understood", str(problem))
            return
        assert key is not None
        fault = self._befalls(channel)
        if fault:
            await self._misbehave(fault, channel, key, asked, receive, send)
        else:
            status, body = self._take(channel, key, asked)
            await wire.answer(send, status, body)

    def _befalls(self, channel: str) -> Fault | None:
        if not self._limits.allow(channel):
            return Fault(kind=Kind.BUSY)
        return self._faults.strike(channel, None, None)

    # Taking ---------------------------------------------------------------------------------

    def _take(self, channel: str, key: str, asked: dict[str, Any], fault: Fault | None = None) -> tuple[int, bytes]:
        """The same key is the same message; with other content it is refused."""
        path, known = f"/gateways/{channel}/messages", self.mailbox.under(channel, key)
        facts: dict[str, Any] = {"source": channel, "path": path, "key": key, "reference": asked["to"]}
        facts |= {"fault": fault.kind if fault else None}
        digest = f"message:{hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()}"
        if known:
            stored = self._journal.stored(path, key)
            same = stored is not None and stored.asked == digest
            self._journal.record(**facts, served="repeated" if same else "rejected", status=200 if same else 409)
            return (200, as_taken(known)) if same else (409, error("key_reused", "this key is another message"))
        if reason := unreachable(channel, asked["to"]):
            self._journal.record(**facts, served="rejected", status=422)
            return 422, error(reason, "nobody can be reached there")
        message = self.mailbox.put(new_message(self.mailbox.size + 1, channel, key, asked))
        stored = Stored(asked=digest, body=message.model_dump_json().encode())
        self._journal.record(**facts, served="fresh", status=201, stored=stored)
        taken = as_taken(message)  # before its fate, of which its sender is told by receipts
        self._begin_fate(message)
        return 201, taken

    def _begin_fate(self, message: Message) -> None:
        manners = self.manners[message.channel]
        fate = manners.fate or usual_fate(message)
        if fate != "silent":
            receipts: list[Status] = ["accepted", fate]  # type: ignore[list-item]
            waits = [manners.after_seconds / 2, manners.after_seconds]
            for status, after in zip(receipts, reversed(waits) if manners.backwards else waits, strict=True):
                self.report(message, status, after)
        if manners.reply is not None:
            self.answer(message, manners.reply, manners.after_seconds * 1.5)

    def report(self, message: Message, status: Status, after: float = 0.0, code: str = "") -> str:
        """The message's fate is known here at once; the other side hears of it after a while."""
        code = code or ("mailbox_unavailable" if status == "bounced" else "")
        if status != "accepted":
            message.status, message.code = status, code
        manners = self.manners[message.channel]
        return self._callbacks.tell(message, manners, after, type="receipt", status=status, code=code)

    def answer(self, message: Message, text: str, after: float = 0.0) -> Answer:
        """As the customer."""
        said = {"type": "answer", "from": message.to, "text": text}
        event = self._callbacks.tell(message, self.manners[message.channel], after, **said)
        answer = Answer(id=event, text=text, at=timestamp())
        message.answers.append(answer)
        return answer

    # Asking and misbehaving -----------------------------------------------------------------

    async def _tell_status(self, channel: str, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        key = parse_qs(scope["query_string"].decode("latin-1")).get("key", [""])[0]
        fault = self._faults.strike(channel, None, None, recalling=True)
        if fault:
            await self._misbehave(fault, channel, key, {"to": ""}, receive, send)
            return
        known = self.mailbox.under(channel, key)
        status = 200 if known else 404
        facts: dict[str, Any] = {"source": channel, "path": scope["path"], "key": key, "status": status}
        self._journal.record(**facts, reference=known.to if known else None, served="repeated" if known else "rejected")
        body = as_taken(known) if known else error("unknown_key", "nothing came under this key")
        await wire.answer(send, status, body)

    async def _turn_away(
        self, send: wire.Send, channel: str, key: str | None, to: str | None, status: int, code: str, why: str
    ) -> None:
        path = f"/gateways/{channel}/messages"
        self._journal.record(source=channel, path=path, key=key, reference=to, served="rejected", status=status)
        await wire.answer(send, status, error(code, why))

    async def _misbehave(
        self, fault: Fault, channel: str, key: str, asked: dict[str, Any], receive: wire.Receive, send: wire.Send
    ) -> None:
        if fault.kind is Kind.DONE_THEN_TIMEOUT:
            self._take(channel, key, asked, fault)
            await wire.hold(receive)
        elif fault.kind is Kind.SLOW:
            await asyncio.sleep(fault.delay_seconds)
            status, body = self._take(channel, key, asked, fault)
            await wire.answer(send, status, body)
        else:
            await self._do_nothing(fault, channel, key, asked, receive, send)

    async def _do_nothing(
        self, fault: Fault, channel: str, key: str, asked: dict[str, Any], receive: wire.Receive, send: wire.Send
    ) -> None:
        statuses = {Kind.BUSY: 429, Kind.ERROR: 500, Kind.GARBAGE: 200}
        status, path = statuses.get(fault.kind), f"/gateways/{channel}/messages"
        facts: dict[str, Any] = {"source": channel, "path": path, "key": key, "reference": asked["to"]}
        self._journal.record(**facts, served="fault", fault=fault.kind, status=status)
        match fault.kind:
            case Kind.BUSY:
                await wire.answer(
                    send,
                    429,
                    error("too_many_requests", "come back later"),
                    (b"retry-after", b"%d" % fault.retry_after),
                )
            case Kind.ERROR:
                await wire.answer(send, 500, error("internal", "something broke here"))
            case Kind.GARBAGE:
                await wire.answer(send, 200, b'{"status": "wonderful"')
            case Kind.REFUSE:
                await wire.hang_up(receive)
            case _:
                await wire.hold(receive)


def understood(key: str | None, body: bytes) -> dict[str, Any]:
    """Raises NotUnderstood."""
    if not key:
        raise NotUnderstood("the header Idempotency-Key is required")
    try:
        asked = json.loads(body)
    except ValueError:
        raise NotUnderstood("the body is not JSON") from None
    if not isinstance(asked, dict) or not isinstance(asked.get("to"), str) or not isinstance(asked.get("text"), str):
        raise NotUnderstood("`to` and `text` are needed, as text")
    return {name: asked.get(name) for name in FIELDS if asked.get(name) is not None}


def unreachable(channel: str, to: str) -> str | None:
    """Some addresses nobody has: a number that ends in 000, a mailbox called nobody@."""
    if channel in ("sms", "voice"):
        return "no_such_number" if to.endswith("000") else None
    return "no_such_mailbox" if to.startswith("nobody@") else None


def usual_fate(message: Message) -> str:
    """Numbers that end in 001 and mailboxes called bounce@ send everything back."""
    bounces = message.to.endswith("001") if message.channel in ("sms", "voice") else message.to.startswith("bounce@")
    if message.channel == "voice":
        return "no_answer" if bounces else "answered"
    return "bounced" if bounces else "delivered"


def as_taken(message: Message) -> bytes:
    return json.dumps({"id": message.id, "status": message.status, "code": message.code}).encode()
