"""Transactions of one Plaid item, by `/transactions/sync`: a cursor, and all that is new behind it.

What is pending is left out: it comes again under its final id. An event that is changed or removed
later stays as it was told first. When data change while pages are read, Plaid wants them read
again from where the reading began, so both ends of it are kept in our cursor.
"""

import json
from typing import Any

from plimsoll.adapters.feeds.http import FeedCalls, garbage
from plimsoll.domain.watching.events import Category, Direction
from plimsoll.ports.watching import FeedPage

NAME = "plaid"
PER_SECOND = 0.8  # 50 a minute for an item
A_PAGE = 500
STARTED_OVER = "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
OF_DETAIL = {
    "INCOME_WAGES": Category.SALARY, "INCOME_UNEMPLOYMENT": Category.BENEFITS,
    "RENT_AND_UTILITIES_RENT": Category.RENT, "RENT_AND_UTILITIES_TELEPHONE": Category.TELECOM,
    "RENT_AND_UTILITIES_INTERNET_AND_CABLE": Category.TELECOM, "FOOD_AND_DRINK_GROCERIES": Category.GROCERIES,
    "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT": Category.CARD_PAYMENT, "TRANSFER_OUT_WITHDRAWAL": Category.CASH,
    "TRANSFER_OUT_SAVINGS": Category.SAVINGS, "TRANSFER_IN_SAVINGS": Category.SAVINGS,
    "TRANSFER_IN_CASH_ADVANCES_AND_LOANS": Category.LENDING_APP, "GENERAL_SERVICES_INSURANCE": Category.INSURANCE,
    "ENTERTAINMENT_CASINOS_AND_GAMBLING": Category.GAMBLING, "BANK_FEES_INTEREST_CHARGE": Category.PENALTY_INTEREST,
}  # fmt: skip
OF_PRIMARY = {
    "RENT_AND_UTILITIES": Category.UTILITIES, "LOAN_PAYMENTS": Category.LOAN_PAYMENT, "BANK_FEES": Category.FEE,
    "TRANSFER_IN": Category.TRANSFER, "TRANSFER_OUT": Category.TRANSFER, "MEDICAL": Category.HEALTH,
}  # fmt: skip
CHANNELS = {"online": "online", "in store": "card"}


class PlaidFeed:
    def __init__(self, calls: FeedCalls, *, client_id: str, secret: str, access_token: str, customer: str) -> None:
        self._calls = calls
        self._keys = {"client_id": client_id, "secret": secret, "access_token": access_token}
        self._customer = customer

    async def page(self, cursor: str) -> FeedPage:
        """Raises SourceBusy, SourceUnavailable."""
        place = json.loads(cursor) if cursor else {"start": "", "at": ""}
        asked = self._keys | {"cursor": place["at"], "count": A_PAGE}
        answer = await self._calls.json("POST", "/transactions/sync", json=asked, refused=(400,))
        try:
            if "error_code" in answer:
                return self._over_again(answer["error_code"], place)
            lines = [self._line(found) for found in answer["added"] if not found["pending"]]
            at, more = answer["next_cursor"], answer["has_more"]
        except (KeyError, TypeError, ValueError):
            raise garbage(NAME) from None
        after = {"start": place["start"] if more else at, "at": at}
        return FeedPage(lines=tuple(lines), cursor=json.dumps(after), has_more=bool(more))

    def _over_again(self, code: str, place: dict[str, str]) -> FeedPage:
        if code != STARTED_OVER:
            raise garbage(NAME)
        again = {"start": place["start"], "at": place["start"]}
        return FeedPage(lines=(), cursor=json.dumps(again), has_more=True)

    def _line(self, found: dict[str, Any]) -> dict[str, Any]:
        amount, category = str(found["amount"]), found.get("personal_finance_category") or {}
        word = OF_DETAIL.get(category.get("detailed", "")) or OF_PRIMARY.get(category.get("primary", ""))
        return {
            "transaction_id": f"plaid/{found['transaction_id']}",
            "customer": self._customer,
            "account": found["account_id"],
            "occurred_at": found.get("datetime") or found.get("authorized_date") or found["date"],
            "known_at": None if found.get("datetime") else found["date"],
            "amount": amount.removeprefix("-"),
            "currency": found["iso_currency_code"],
            "direction": (Direction.CREDIT if amount.startswith("-") else Direction.DEBIT).value,
            "category": (word or Category.OTHER).value,
            "channel": CHANNELS.get(found.get("payment_channel", "")),
            "merchant": found.get("merchant_name"),
        }
