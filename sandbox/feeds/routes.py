"""Both APIs and their switches. Keys: any client id with the secret `sandbox`; any account name."""

import base64
import hashlib
import hmac
import json
import time
from collections import Counter
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Header, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from sandbox.feeds import FEEDS
from sandbox.feeds.accounts import Account, Accounts, Movement
from sandbox.feeds.signing import Signer
from sandbox.limits import GENEROUS, Bucket

SECRET = "sandbox"


class Manners(BaseModel):
    """How a feed behaves: its limit, and how its next calls go wrong."""

    model_config = ConfigDict(extra="forbid")

    per_second: float = Field(default=GENEROUS, gt=0)
    fail_next: int = Field(default=0, ge=0)  # calls answered 500
    mutate_next: int = Field(default=0, ge=0)  # Plaid alone: data changed while they were being paged


class More(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: int = Field(default=1, ge=1, le=10_000)
    webhook: str | None = None  # told of it, signed as that API does


class Sync(BaseModel):
    client_id: str
    secret: str
    access_token: str
    cursor: str = ""
    count: int = Field(default=100, ge=1, le=500)


class WantedKey(BaseModel):
    client_id: str
    secret: str
    key_id: str


class Feeds:
    def __init__(self) -> None:
        self.signer, self.since = Signer(), int(time.time())
        self.accounts = Accounts()
        self.calls: Counter[str] = Counter()
        self.manners = {feed: Manners() for feed in FEEDS}
        self._buckets = {feed: Bucket(GENEROUS) for feed in FEEDS}

    def behave(self, feed: str, manners: Manners) -> None:
        self.manners[feed], self._buckets[feed] = manners, Bucket(manners.per_second)

    def refusal(self, feed: str) -> JSONResponse | None:
        """What stands in the way of a call, in the words of that API."""
        self.calls[feed] += 1
        manners = self.manners[feed]
        if not self._buckets[feed].take():
            return _error(feed, 429, "RATE_LIMIT_EXCEEDED", "too many requests", {"retry-after": "1"})
        if manners.fail_next:
            manners.fail_next -= 1
            return _error(feed, 500, "INTERNAL_SERVER_ERROR", "an unexpected error occurred")
        if feed == "plaid" and manners.mutate_next:
            manners.mutate_next -= 1
            return _error(feed, 400, "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION", "data changed: start over")
        return None


def feed_routes(feeds: Feeds) -> APIRouter:
    router = APIRouter()

    @router.post("/plaid/transactions/sync")
    async def sync(asked: Sync) -> Any:
        """What is new after a cursor, in the order of posting."""
        refused = feeds.refusal("plaid")
        if refused:
            return refused
        if asked.secret != SECRET:
            return _error("plaid", 400, "INVALID_API_KEYS", "invalid client_id or secret provided")
        movements, after = feeds.accounts.of(asked.access_token).movements, _number(asked.cursor)
        if after is None or after > len(movements):
            return _error("plaid", 400, "INVALID_FIELD", "cursor is not one of ours")
        some = movements[after : after + asked.count]
        return {
            "added": [_plaid(asked.access_token, movement) for movement in some],
            "modified": [],
            "removed": [],
            "next_cursor": f"c{after + len(some)}",
            "has_more": after + len(some) < len(movements),
            "request_id": f"req-{feeds.calls['plaid']}",
        }

    @router.post("/plaid/webhook_verification_key/get")
    async def key(wanted: WantedKey) -> Any:
        """The key that notices are signed with."""
        refused = feeds.refusal("plaid")
        if refused:
            return refused
        if wanted.secret != SECRET or wanted.key_id != feeds.signer.key_id:
            return _error("plaid", 400, "INVALID_WEBHOOK_VERIFICATION_KEY_ID", "no key of this id")
        return {"key": feeds.signer.public(feeds.since), "request_id": f"req-{feeds.calls['plaid']}"}

    @router.get("/razorpayx/v1/transactions")
    async def transactions(
        account_number: str,
        since: Annotated[int, Query(alias="from")] = 0,
        to: int = 2**40,
        count: Annotated[int, Query(ge=1, le=100)] = 10,
        skip: Annotated[int, Query(ge=0)] = 0,
        authorization: Annotated[str, Header()] = "",
    ) -> Any:
        """The newest first, so that what comes in meanwhile pushes pages along."""
        refused = feeds.refusal("razorpayx")
        if refused:
            return refused
        if not authorization.startswith("Basic ") or not _fits(authorization):
            return _error("razorpayx", 401, "BAD_REQUEST_ERROR", "The api key provided is invalid")
        account = feeds.accounts.of(account_number)
        inside = [m for m in reversed(account.movements) if since <= int(m.at.timestamp()) <= to]
        some = inside[skip : skip + count]
        items = [_razorpayx(account, movement) for movement in some]
        return {"entity": "collection", "count": len(items), "items": items}

    @router.put("/_feeds/{feed}")
    async def behave(feed: str, manners: Manners) -> Manners:
        feeds.behave(_known(feed), manners)
        return manners

    @router.get("/_feeds")
    async def witness() -> dict[str, int]:
        """How many calls each feed got."""
        return {feed: feeds.calls[feed] for feed in FEEDS}

    @router.post("/_feeds/{feed}/accounts/{account}", status_code=201)
    async def add(feed: str, account: str, more: More, request: Request) -> dict[str, Any]:
        """New movements on an account, and the webhook that tells of them."""
        found = feeds.accounts.of(account)
        found.add(more.count)
        told = await _tell(_known(feed), account, more.webhook, feeds.signer) if more.webhook else None
        return {"movements": len(found.movements), "webhook": told}

    return router


async def _tell(feed: str, account: str, url: str, signer: Signer) -> int:
    event = (
        {"webhook_type": "TRANSACTIONS", "webhook_code": "SYNC_UPDATES_AVAILABLE", "item_id": account}
        if feed == "plaid"
        else {"entity": "event", "event": "transaction.created", "account_id": account}
    )
    body = json.dumps(event).encode()
    signed = (
        {"Plaid-Verification": signer.token(body, int(time.time()))}
        if feed == "plaid"
        else {"X-Razorpay-Signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}
    )
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        return (await client.post(url, content=body, headers=signed)).status_code


def _plaid(account: str, movement: Movement) -> dict[str, Any]:
    return {
        "transaction_id": f"{account}-{movement.number}",
        "account_id": account,
        "amount": movement.cents / 100,
        "iso_currency_code": "USD",
        "date": f"{movement.at:%Y-%m-%d}",
        "authorized_date": f"{movement.at:%Y-%m-%d}",
        "datetime": None,
        "merchant_name": movement.merchant,
        "name": movement.merchant or "Fee",
        "payment_channel": "other",
        "pending": False,
        "personal_finance_category": {"primary": movement.primary, "detailed": movement.detailed},
    }


def _razorpayx(account: Account, movement: Movement) -> dict[str, Any]:
    out = max(movement.cents, 0)
    return {
        "id": f"txn_{account.name}_{movement.number}",
        "entity": "transaction",
        "account_number": account.name,
        "amount": abs(movement.cents),
        "currency": "INR",
        "debit": out,
        "credit": abs(movement.cents) - out,
        "balance": movement.balance,
        "source": {"id": f"pout_{movement.number}", "entity": "payout" if out else "bank_transfer"},
        "created_at": int(movement.at.timestamp()),
    }


def _error(feed: str, status: int, code: str, text: str, headers: dict[str, str] | None = None) -> JSONResponse:
    kind = {429: "RATE_LIMIT_EXCEEDED", 500: "API_ERROR"}.get(status, "INVALID_REQUEST")
    plaid = {"error_type": kind, "error_code": code, "error_message": text, "display_message": None}
    razorpay = {"error": {"code": code, "description": text, "source": "business"}}
    return JSONResponse(plaid if feed == "plaid" else razorpay, status, headers)


def _number(cursor: str) -> int | None:
    return 0 if not cursor else int(cursor[1:]) if cursor[1:].isdecimal() and cursor[0] == "c" else None


def _fits(authorization: str) -> bool:
    try:
        return base64.b64decode(authorization[6:]).decode().endswith(f":{SECRET}")
    except ValueError:
        return False


def _known(feed: str) -> str:
    if feed not in FEEDS:
        raise HTTPException(404, f"there is no feed {feed!r}; there are {', '.join(FEEDS)}")
    return feed
