"""Does the work of a source: answers afresh, or again from the journal, and writes every call down.

Nothing here awaits, so between looking up a key and writing the journal no other call can
come: two calls under one key are never both fresh.
"""

import hashlib
import json
from dataclasses import dataclass

from sandbox.faults import Fault, Kind
from sandbox.journal import Journal, Served, Stored, timestamp
from sandbox.person import Person
from sandbox.sources.endpoint import Asked, Endpoint, Keys, NotHere, NotUnderstood
from sandbox.wire import Reply

SOMEBODY_ELSE = {"reference": "SOMEBODY-ELSE", "date_of_birth": "1950-01-01"}


@dataclass(frozen=True)
class Call:
    """One understood request. `recalls` asks only what became of the key."""

    endpoint: Endpoint
    key: str | None
    asked: Asked
    person: Person | None
    recalls: bool = False

    @property
    def reference(self) -> str | None:
        return self.person.reference if self.person else None

    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self.asked, sort_keys=True).encode()).hexdigest()


class Clerk:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def serve(self, call: Call, fault: Fault | None = None) -> Reply:
        """The answer, written down. With a fault that does the work, as that fault has it."""
        reply, stored = self._recall(call) if call.recalls else self._inquire(call, fault)
        unsent = fault is not None and fault.kind is Kind.DONE_THEN_TIMEOUT
        self._write_down(call.endpoint, call, reply.served, None if unsent else reply.status, fault, stored)
        return reply

    def turn_away(self, endpoint: Endpoint, status: int, code: str, message: str, call: Call | None = None) -> Reply:
        self._write_down(endpoint, call, "rejected", status)
        return Reply(status, error(code, message), "rejected")

    def note_fault(self, call: Call, fault: Fault, status: int | None) -> None:
        """A fault took the place of the answer; nothing was done."""
        self._write_down(call.endpoint, call, "fault", status, fault)

    def reference_under(self, endpoint: Endpoint, key: str) -> str | None:
        stored = self._journal.stored(endpoint.path, key)
        return json.loads(stored.body)["subject"]["reference"] if stored else None

    def _recall(self, call: Call) -> tuple[Reply, None]:
        stored = self._journal.stored(call.endpoint.path, call.key) if call.key else None
        if stored is None:
            return Reply(404, error("unknown_key", "nothing arrived under this key"), "rejected"), None
        return Reply(200, stored.body, "repeated"), None

    def _inquire(self, call: Call, fault: Fault | None) -> tuple[Reply, Stored | None]:
        if call.key is None or call.endpoint.keys is Keys.IGNORED:
            return self._answer(call, fault), None
        asked = call.digest()
        stored = self._journal.stored(call.endpoint.path, call.key)
        if stored is None:
            reply = self._answer(call, fault)
            return reply, Stored(asked, reply.body) if reply.status == 200 else None
        if stored.asked != asked:
            return Reply(422, error("key_reused", "this key was used for another question"), "rejected"), None
        return Reply(200, stored.body, "repeated"), None

    def _answer(self, call: Call, fault: Fault | None) -> Reply:
        assert call.person is not None, "only a recall may be about nobody"
        try:
            answer = call.endpoint.answer(call.person, call.asked, timestamp())
        except NotHere as absence:
            return Reply(404, error("not_here", str(absence)), "fresh")
        except NotUnderstood as problem:
            return Reply(400, error("not_understood", str(problem)), "rejected")
        if fault and fault.kind is Kind.WRONG_PERSON:
            answer["subject"] = SOMEBODY_ELSE
        return Reply(200, json.dumps(answer, separators=(",", ":")).encode(), "fresh")

    def _write_down(
        self,
        endpoint: Endpoint,
        call: Call | None,
        served: Served,
        status: int | None,
        fault: Fault | None = None,
        stored: Stored | None = None,
    ) -> None:
        self._journal.record(
            source=endpoint.source,
            path=endpoint.path,
            key=call.key if call else None,
            reference=call.reference if call else None,
            served=served,
            fault=fault.kind.value if fault else None,
            status=status,
            stored=stored,
        )


def error(code: str, message: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": message}}).encode()
