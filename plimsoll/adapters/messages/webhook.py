"""Alerts and stage events to addresses of the operator's: signed JSON, under a key by which a repeat is known."""

import hashlib
import hmac
import json
import time
from typing import Any

import httpx

from plimsoll.connections import Connections
from plimsoll.domain.errors import Unavailable
from plimsoll.domain.telling import Receiver, StageEvent

TIMEOUT = 5.0


class AlertNotTaken(Unavailable):
    code = "alert_not_taken"


class AlertWebhook:
    """`address` is a setting, so it is the operator's own word; without one nobody is called."""

    def __init__(self, address: str | None, secret: str | None = None) -> None:
        self._address = address
        self._secret = secret

    @property
    def wanted(self) -> bool:
        return bool(self._address)

    async def send(self, key: str, event: dict[str, Any]) -> None:
        """Raises AlertNotTaken unless it is answered with 2xx."""
        assert self._address is not None
        body = json.dumps(event, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        if self._secret:
            headers["Plimsoll-Signature"] = signature(self._secret, body, int(time.time()))
        try:
            async with _client() as client:
                answer = await client.post(self._address, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise AlertNotTaken(f"The alert webhook did not answer ({type(error).__name__}).") from error
        if not answer.is_success:
            raise AlertNotTaken(f"The alert webhook answered {answer.status_code}.")


class EventNotTaken(Unavailable):
    code = "event_not_taken"


class EventWebhooks:
    """Stage events to their receivers; connections are kept, for there may be hundreds a second."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def send(self, receiver: Receiver, event: StageEvent) -> None:
        """Raises EventNotTaken unless it is answered with 2xx."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": event.id}
        headers["Plimsoll-Signature"] = signature(receiver.secret, event.body, int(time.time()))
        try:
            answer = await self._calling().post(receiver.url, content=event.body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise EventNotTaken(f"It did not answer ({type(error).__name__}).") from error
        if not answer.is_success:
            raise EventNotTaken(f"It answered {answer.status_code}.")

    def _calling(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = _client()
        return self._client


def _client() -> httpx.AsyncClient:
    connections = Connections(at_most=100, patience=TIMEOUT)
    return httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False, transport=connections)


def signature(secret: str, body: bytes, at: int) -> str:
    """`t=…,v1=…`: an HMAC over moment and body, so that neither can be replayed or altered."""
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"
