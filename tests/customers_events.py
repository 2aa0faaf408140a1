"""Events of made-up customers, of which a test says only what matters to it."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from plimsoll.domain.watching.events import Event, read_event

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
_numbers = itertools.count(1)


def a_line(**changes: Any) -> dict[str, Any]:
    """A purchase, as a lender writes it; None takes a field away."""
    line = {
        "transaction_id": f"tx-{next(_numbers)}",
        "customer": "cust-1",
        "account": "acc-1",
        "occurred_at": "2026-03-30T09:30:00Z",
        "amount": "12.30",
        "currency": "EUR",
        "direction": "debit",
        "category": "groceries",
        "channel": "card",
    }
    return {name: value for name, value in (line | changes).items() if value is not None}


def an_event(**changes: Any) -> Event:
    return read_event(a_line(**changes), NOON)


def some_events(count: int, customers: int = 3) -> list[Event]:
    return [
        an_event(
            customer=f"cust-{number % customers}",
            occurred_at=(NOON - timedelta(hours=number)).isoformat(),
            amount=f"{number}.50",
        )
        for number in range(count)
    ]
