"""The desk every call to a source comes to: understand it, mind the limit, then answer or misbehave."""

import json
from urllib.parse import parse_qs

from sandbox import misbehaviour, wire
from sandbox.clerk import Call, Clerk
from sandbox.faults import FaultBoard
from sandbox.limits import Limits
from sandbox.people import People
from sandbox.sources import ENDPOINTS
from sandbox.sources.bureau import REPORTS
from sandbox.sources.endpoint import Endpoint, Keys, NotUnderstood


class Desk:
    def __init__(self, people: People, clerk: Clerk, faults: FaultBoard, limits: Limits) -> None:
        self._people = people
        self._clerk = clerk
        self._faults = faults
        self._limits = limits

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        endpoint = ENDPOINTS[scope["path"]]
        try:
            call = await self._understand(endpoint, scope, receive)
        except NotUnderstood as problem:
            await wire.send_reply(send, self._clerk.turn_away(endpoint, 400, "not_understood", str(problem)))
            return
        if not self._limits.allow(endpoint.source):
            reply = self._clerk.turn_away(endpoint, 429, "too_many_requests", "come back later", call)
            await wire.send_reply(send, reply, (b"retry-after", b"1"))
            return
        fault = self._faults.strike(endpoint.source, call.person, call.key, recalling=call.recalls)
        if fault:
            await misbehaviour.commit(fault, call, self._clerk, receive, send)
        else:
            await wire.send_reply(send, self._clerk.serve(call))

    async def _understand(self, endpoint: Endpoint, scope: wire.Scope, receive: wire.Receive) -> Call:
        if scope["method"] == "POST":
            return self._inquiry(endpoint, wire.header(scope, b"idempotency-key"), await wire.read_body(receive))
        if scope["method"] == "GET" and endpoint.path == REPORTS:
            return self._recall(endpoint, scope["query_string"])
        raise NotUnderstood("ask with POST")

    def _inquiry(self, endpoint: Endpoint, key: str | None, body: bytes) -> Call:
        if endpoint.keys is Keys.REQUIRED and not key:
            raise NotUnderstood("the header Idempotency-Key is required")
        try:
            asked = json.loads(body)
        except ValueError:
            raise NotUnderstood("the body is not JSON") from None
        if not isinstance(asked, dict):
            raise NotUnderstood("the body is not a JSON object")
        return Call(endpoint, key or None, asked, self._people.find(endpoint.reference_in(asked)))

    def _recall(self, endpoint: Endpoint, query: bytes) -> Call:
        key = parse_qs(query.decode("latin-1")).get("key", [""])[0]
        if not key:
            raise NotUnderstood("ask with ?key=")
        reference = self._clerk.reference_under(endpoint, key)
        return Call(endpoint, key, {}, self._people.find(reference) if reference else None, recalls=True)
