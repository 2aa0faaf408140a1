"""Open banking in the shape of Plaid: link token, public token, access token, balances, transactions.

The tokens carry the reference in clear (`access-sandbox-SGC-0001`), so any account can be
opened without walking through the consent screens. Balances are invented inside the band
that the South German set gives, the same ones every time.
"""

import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sandbox.person import Person
from sandbox.sources.endpoint import Asked, Endpoint, Keys, NotUnderstood, subject_of, text

CURRENCY = "DEM"
LAST_BOOKING_DAY = date(2025, 12, 31)
MOST_PER_PAGE = 500

# Pfennigs from and to, both inside the band.
CHECKING_BALANCES = {
    "overdrawn": (-150_000, -1),
    "under_200": (0, 19_999),
    "over_200": (20_000, 450_000),
}
SAVINGS_BALANCES = {
    "under_100": (100, 9_999),
    "100_to_500": (10_000, 49_999),
    "500_to_1000": (50_000, 99_999),
    "over_1000": (100_000, 1_200_000),
}


def link_token(person: Person, asked: Asked, now: str) -> Asked:
    return {
        "link_token": f"link-sandbox-{person.reference}",
        "public_token": f"public-sandbox-{person.reference}",  # what the consent screens would hand over
        "created_at": now,
    }


def access_token(person: Person, asked: Asked, now: str) -> Asked:
    return {"access_token": f"access-sandbox-{person.reference}", "item_id": f"item-{person.reference}"}


def balances(person: Person, asked: Asked, now: str) -> Asked:
    user = asked.get("user")
    return {
        "subject": subject_of(person, user if isinstance(user, dict) else {}),
        "as_of": now,
        "item": {"item_id": f"item-{person.reference}", "institution_id": "ins_sandbox"},
        "accounts": accounts_of(person),
    }


def accounts_of(person: Person) -> list[Asked]:
    draw = random.Random(f"balances {person.reference}")
    accounts = []
    if person.checking_state in CHECKING_BALANCES:
        current = draw.randint(*CHECKING_BALANCES[person.checking_state])
        account = account_of(person, "checking", current, overdraft=150_000)
        account["salary_account_since"] = salary_account_since(person, draw)
        accounts.append(account)
    if person.savings_band in SAVINGS_BALANCES:
        current = draw.randint(*SAVINGS_BALANCES[person.savings_band])
        accounts.append(account_of(person, "savings", current))
    return accounts


def account_of(person: Person, subtype: str, current: int, overdraft: int = 0) -> Asked:
    return {
        "account_id": f"acc-{subtype}-{person.reference}",
        "name": f"{subtype.capitalize()} account",
        "type": "depository",
        "subtype": subtype,
        "balances": {
            "available": marks(current + overdraft),
            "current": marks(current),
            "limit": marks(overdraft) if overdraft else None,
            "iso_currency_code": CURRENCY,
        },
    }


def salary_account_since(person: Person, draw: random.Random) -> str | None:
    """Only the best state of the set can mean a salary paid in for a year or more."""
    if person.checking_state != "over_200":
        return None
    return (LAST_BOOKING_DAY - timedelta(days=draw.randint(400, 4000))).isoformat()


def transactions(person: Person, asked: Asked, now: str) -> Asked:
    """One page after `cursor`, at most `count`, oldest first."""
    bookings = bookings_of(person)
    start = place_of(asked.get("cursor"))
    count = asked.get("count", 100)
    if not isinstance(count, int) or not 1 <= count <= MOST_PER_PAGE:
        raise NotUnderstood(f"`count` must be 1 to {MOST_PER_PAGE}")
    page = bookings[start : start + count]
    return {
        "added": page,
        "modified": [],
        "removed": [],
        "next_cursor": f"cursor-{start + len(page)}",
        "has_more": start + len(page) < len(bookings),
    }


def place_of(cursor: Any) -> int:
    if cursor in (None, ""):
        return 0
    prefix, _, place = str(cursor).partition("-")
    if prefix != "cursor" or not place.isdecimal():
        raise NotUnderstood("`cursor` is not one we gave")
    return int(place)


def bookings_of(person: Person) -> list[Asked]:
    """Half a year on the checking account: salary, rent, and daily life. Money out is positive, as at Plaid."""
    if person.checking_state not in CHECKING_BALANCES:
        return []
    draw = random.Random(f"bookings {person.reference}")
    salary, rent = draw.randint(90_000, 320_000), draw.randint(25_000, 80_000)
    days = (LAST_BOOKING_DAY - timedelta(days=back) for back in range(180, -1, -1))
    booked = [entry for day in days for entry in bookings_on(day, salary, rent, draw)]
    return [booking(person, number, *entry) for number, entry in enumerate(booked, start=1)]


def bookings_on(day: date, salary: int, rent: int, draw: random.Random) -> list[tuple[date, int, str]]:
    entries = []
    if day.day == 1:
        entries.append((day, rent, "Rent"))
    if day.day == 28:
        entries.append((day, -salary, "Salary"))
    if draw.random() < 0.4:
        entries.append((day, draw.randint(300, 12_000), draw.choice(("Groceries", "Fuel", "Inn", "Clothes"))))
    return entries


def booking(person: Person, number: int, day: date, amount: int, name: str) -> Asked:
    return {
        "transaction_id": f"tx-{person.reference}-{number}",
        "account_id": f"acc-checking-{person.reference}",
        "date": day.isoformat(),
        "amount": marks(amount),
        "iso_currency_code": CURRENCY,
        "name": name,
        "pending": False,
    }


def marks(pfennigs: int) -> str:
    return str(Decimal(pfennigs).scaleb(-2))


def reference_after(field: str, prefix: str) -> Callable[[Asked], str]:
    """Reads the reference out of a token such as `access-sandbox-SGC-0001`."""

    def reference_in(asked: Asked) -> str:
        token = text(asked, field)
        if not token.startswith(prefix) or token == prefix:
            raise NotUnderstood(f"`{field}` must look like {prefix}REFERENCE")
        return token.removeprefix(prefix)

    return reference_in


def client_user(asked: Asked) -> str:
    user = asked.get("user")
    return text(user if isinstance(user, dict) else {}, "client_user_id")


ENDPOINTS = (
    Endpoint("bank", "/bank/link/token/create", link_token, client_user, Keys.HONOURED),
    Endpoint(
        "bank",
        "/bank/item/public_token/exchange",
        access_token,
        reference_after("public_token", "public-sandbox-"),
        Keys.HONOURED,
    ),
    Endpoint(
        "bank",
        "/bank/accounts/balance/get",
        balances,
        reference_after("access_token", "access-sandbox-"),
        Keys.HONOURED,
    ),
    Endpoint(
        "bank",
        "/bank/transactions/sync",
        transactions,
        reference_after("access_token", "access-sandbox-"),
        Keys.HONOURED,
    ),
)
