"""SMS by the API shape of Twilio (Programmable Messaging, 2010-04-01).

It takes no key of ours, so a message is never sent twice on suspicion: after a call of unknown
fate we look for it among what was sent to that number since, and what is not found waits for a
person. The contact's id travels in the address of the callback, which heals most such cases.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from plimsoll.adapters.messages.http import REFUSED, Answer, GatewayClient
from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.outreach.contact import (
    CallbackForged,
    Channel,
    ContactState,
    GatewayEvent,
    GatewayRefused,
    GatewayUnavailable,
    Outgoing,
    Receipt,
)

STATES = {
    "accepted": ContactState.SENT,
    "scheduled": ContactState.SENT,
    "queued": ContactState.SENT,
    "sending": ContactState.SENT,
    "sent": ContactState.SENT,
    "delivered": ContactState.DELIVERED,
    "read": ContactState.DELIVERED,
    "undelivered": ContactState.BOUNCED,
    "failed": ContactState.FAILED,
    "canceled": ContactState.FAILED,
}
CLOCKS_DIFFER = timedelta(minutes=2)


class TwilioGateway:
    name = "twilio"
    channel = Channel.SMS
    dedupes = False
    tells = True

    def __init__(
        self, account: str, token: str, sender: str, callbacks: str, base_url: str, client: GatewayClient
    ) -> None:
        self._messages = f"{base_url.rstrip('/')}/2010-04-01/Accounts/{account}/Messages.json"
        said = base64.b64encode(f"{account}:{token}".encode()).decode()
        self._account = {"authorization": f"Basic {said}"}
        self._token = token
        self._sender = sender
        self._callback = f"{callbacks.rstrip('/')}/v1/callbacks/{self.name}"
        self._client = client

    async def hand_over(self, message: Outgoing) -> Receipt:
        form = {
            "To": message.to,
            "Body": message.text,
            "StatusCallback": f"{self._callback}?{urlencode({'contact': message.contact})}",
            # A messaging service has an id of its own; a number is simply the sender.
            ("MessagingServiceSid" if self._sender.startswith("MG") else "From"): self._sender,
        }
        answer = await self._client.ask(self.name, "POST", self._messages, data=form, headers=self._account)
        if answer.status in REFUSED:
            raise GatewayRefused("Twilio will not carry it.", reason=f"twilio_{_field(answer.content, 'code')}")
        return _receipt(answer.content)

    async def status(self, message: Outgoing) -> Receipt | None:
        since = message.began_at - CLOCKS_DIFFER
        asked = {"To": message.to, "DateSent>": since.date().isoformat(), "PageSize": "50"}
        answer: Answer = await self._client.ask(self.name, "GET", self._messages, params=asked, headers=self._account)
        listed = answer.content.get("messages") if isinstance(answer.content, dict) else None
        if not isinstance(listed, list):
            raise GatewayUnavailable("Twilio answered what we cannot read.", kind="garbage", sent=True)
        ours = (found for found in listed if isinstance(found, dict) and _is(found, message, since))
        return next((_receipt(found) for found in ours), None)

    def read_callback(self, url: str, headers: Mapping[str, str], body: bytes, at: int) -> Sequence[GatewayEvent]:
        """Raises CallbackForged, InvalidRequest. `url` is the address as Twilio knows it."""
        path = urlsplit(url)
        address = self._callback + (f"?{path.query}" if path.query else "")
        fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        if not hmac.compare_digest(signature(self._token, address, fields), headers.get("x-twilio-signature", "")):
            raise CallbackForged("This callback carries no signature of Twilio's.")
        return [_event(dict(fields), parse_qs(path.query).get("contact", [None])[0])]


def signature(token: str, url: str, fields: Sequence[tuple[str, str]]) -> str:
    """Twilio's own: the address, then every field and value in order of names."""
    text = url + "".join(name + value for name, value in sorted(fields))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def _event(fields: dict[str, str], contact: str | None) -> GatewayEvent:
    sid, status = fields.get("MessageSid", ""), fields.get("MessageStatus", "")
    if not sid:
        raise InvalidRequest("This callback has no MessageSid.")
    if not status:
        return GatewayEvent(id=sid, sender=fields.get("From"), text=fields.get("Body", ""))
    return GatewayEvent(
        id=f"{sid}/{status}",
        contact=contact,
        reference=sid,
        receipt=STATES.get(status, ContactState.SENT),
        code=f"twilio_{fields['ErrorCode']}" if fields.get("ErrorCode") else "",
    )


def _receipt(content: Any) -> Receipt:
    sid, status = _field(content, "sid"), _field(content, "status")
    if not sid or status not in STATES:
        raise GatewayUnavailable("Twilio answered what we cannot read.", kind="garbage", sent=True)
    code = _field(content, "error_code")
    return Receipt(state=STATES[status], reference=sid, code=f"twilio_{code}" if code else "")


def _is(found: dict[str, Any], message: Outgoing, since: datetime) -> bool:
    """The same words to the same number, not older than our call."""
    try:
        created = parsedate_to_datetime(str(found.get("date_created"))).astimezone(UTC)
    except (TypeError, ValueError):
        return False
    return found.get("body") == message.text and found.get("to") == message.to and created >= since


def _field(content: Any, name: str) -> str:
    value = content.get(name) if isinstance(content, dict) else None
    return "" if value is None else str(value)[:100]
