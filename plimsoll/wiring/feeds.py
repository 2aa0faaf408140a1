"""`secrets/feeds.json` → the accounts elsewhere that this house reads. Without the file there are none.

{"plaid": {"url": "https://production.plaid.com", "client_id": …, "secret": …,
           "accounts": {"<access token>": "<your id of the customer>"}},
 "razorpayx": {"url": "https://api.razorpay.com", "key_id": …, "key_secret": …, "webhook_secret": …,
               "accounts": {"<account number>": "<your id of the customer>"}}}
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from plimsoll.adapters.feeds import plaid, plaid_notices, razorpayx
from plimsoll.adapters.feeds.http import FeedCalls
from plimsoll.adapters.feeds.plaid_notices import PlaidNotices
from plimsoll.adapters.postgres.watching.feed_cursors import FeedCursors
from plimsoll.domain.errors import NotFound, Unavailable
from plimsoll.ports.watching import TransactionFeed

FILE = "feeds.json"
SIGNATURE_OF = {plaid.NAME: "plaid-verification", razorpayx.NAME: "x-razorpay-signature"}
PER_SECOND = {plaid.NAME: plaid.PER_SECOND, razorpayx.NAME: razorpayx.PER_SECOND}


class Feeds:
    """Each by a name that gives no token away: provider and digest of the account."""

    def __init__(self, folder: Path, cursors: FeedCursors) -> None:
        self._place = folder / FILE
        self._cursors = cursors
        self._made: dict[str, TransactionFeed] = {}
        self._calls: dict[str, FeedCalls] = {}
        self._plaid: PlaidNotices | None = None

    def names(self) -> Sequence[str]:
        said = self._said()
        return sorted(_name(provider, account) for provider in said for account in said[provider]["accounts"])

    def feed(self, name: str) -> TransactionFeed:
        """Raises NotFound."""
        if name not in self._made:
            said = self._said()
            for provider, about in said.items():
                for account, customer in about["accounts"].items():
                    if _name(provider, account) == name:
                        self._made[name] = self._make(provider, about, account, customer)
        if name not in self._made:
            raise NotFound(f"There is no feed {name}: {self._place} names none of that name.")
        return self._made[name]

    def names_of(self, provider: str) -> Sequence[str]:
        return [name for name in self.names() if name.startswith(f"{provider}-")]

    async def fits(self, provider: str, headers: Mapping[str, str], body: bytes, at: int) -> bool:
        """Whether a notice is signed as its provider signs. Raises Unavailable when that cannot be found out now."""
        about, signature = self._said().get(provider, {}), headers.get(SIGNATURE_OF.get(provider, ""), "")
        if provider == plaid.NAME:
            return bool(signature) and await self._of_plaid(about).fits(signature, body, at)
        secret = about.get("webhook_secret", "")
        wanted = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return bool(secret) and hmac.compare_digest(wanted, signature)

    def _of_plaid(self, about: dict[str, Any]) -> PlaidNotices:
        if self._plaid is None:  # with calls of its own: a key is not to wait for pages
            calls = FeedCalls(plaid.NAME, about["url"], plaid_notices.PER_SECOND)
            self._plaid = PlaidNotices(calls, client_id=about["client_id"], secret=about["secret"])
        return self._plaid

    async def cursor(self, name: str) -> str:
        return await self._cursors.cursor(name)

    async def move(self, name: str, cursor: str, *, now: datetime) -> None:
        await self._cursors.move(name, cursor, now=now)

    def _said(self) -> dict[str, dict[str, Any]]:
        """Raises Unavailable for a file that cannot be read."""
        if not self._place.is_file():
            return {}
        try:
            said = json.loads(self._place.read_text(encoding="utf-8"))
            return {provider: said[provider] | {"accounts": dict(said[provider]["accounts"])} for provider in said}
        except (OSError, ValueError, KeyError, TypeError):
            raise Unavailable(f"{self._place} cannot be read: see plimsoll/wiring/feeds.py for its form.") from None

    def _make(self, provider: str, about: dict[str, Any], account: str, customer: str) -> TransactionFeed:
        if provider not in PER_SECOND:
            raise Unavailable(f"{self._place} names {provider!r}: there are {', '.join(PER_SECOND)}.")
        if provider not in self._calls:  # their limit is for all accounts together
            rate = float(about.get("per_second", PER_SECOND[provider]))
            self._calls[provider] = FeedCalls(provider, about["url"], rate)
        calls = self._calls[provider]
        if provider == plaid.NAME:
            return plaid.PlaidFeed(
                calls, client_id=about["client_id"], secret=about["secret"], access_token=account, customer=customer
            )
        return razorpayx.RazorpayXFeed(
            calls, key_id=about["key_id"], key_secret=about["key_secret"], account_number=account, customer=customer
        )


def _name(provider: str, account: str) -> str:
    return f"{provider}-{hashlib.sha256(account.encode()).hexdigest()[:12]}"
