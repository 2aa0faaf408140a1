"""Transactions of one RazorpayX account: count and skip, the newest first.

What comes in while pages are read pushes them along, so a reading has a window with a fixed end:
inside it nothing is added, and the next one begins a little before its end. What is read twice is
kept once.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from plimsoll.adapters.feeds.http import FeedCalls, garbage
from plimsoll.domain.watching.events import Category, Direction
from plimsoll.ports.watching import FeedPage

NAME = "razorpayx"
PER_SECOND = 5.0
A_PAGE = 100
OVERLAP = 300  # seconds that two windows share: their clock is not ours, and a row may show late
OF_SOURCE = {"payout": Category.TRANSFER, "bank_transfer": Category.TRANSFER, "fee": Category.FEE}


class RazorpayXFeed:
    def __init__(
        self,
        calls: FeedCalls,
        *,
        key_id: str,
        key_secret: str,
        account_number: str,
        customer: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._calls = calls
        self._auth = (key_id, key_secret)
        self._account = account_number
        self._customer = customer
        self._now = now

    async def page(self, cursor: str) -> FeedPage:
        """Raises SourceBusy, SourceUnavailable."""
        place: dict[str, Any] = json.loads(cursor) if cursor else {"from": 0, "to": None, "skip": 0}
        until = place["to"] or int(self._now().timestamp())
        asked = {"account_number": self._account, "from": place["from"], "to": until}
        answer = await self._calls.json(
            "GET", "/v1/transactions", params=asked | {"count": A_PAGE, "skip": place["skip"]}, auth=self._auth
        )
        try:
            lines = [self._line(found) for found in answer["items"]]
        except (KeyError, TypeError, ValueError, OverflowError):
            raise garbage(NAME) from None
        more = len(lines) == A_PAGE
        following = {"from": max(0, until - OVERLAP), "to": None, "skip": 0}
        after = {**place, "to": until, "skip": place["skip"] + A_PAGE} if more else following
        return FeedPage(lines=tuple(lines), cursor=json.dumps(after), has_more=more)

    def _line(self, found: dict[str, Any]) -> dict[str, Any]:
        source = found.get("source") or {}
        return {
            "transaction_id": f"razorpayx/{found['id']}",
            "customer": self._customer,
            "account": found["account_number"],
            "occurred_at": datetime.fromtimestamp(int(found["created_at"]), UTC).isoformat(),
            "amount": str(Decimal(found["amount"]) / 100),
            "currency": found["currency"],
            "direction": (Direction.CREDIT if int(found["credit"]) else Direction.DEBIT).value,
            "category": OF_SOURCE.get(source.get("entity", ""), Category.OTHER).value,
            "channel": "transfer",
            "balance_after": str(Decimal(found["balance"]) / 100),
        }
