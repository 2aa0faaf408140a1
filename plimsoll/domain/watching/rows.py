"""Events as rows of numbers: the form in which thousands a second are kept, read back and watched.

Codes are those of the closed sets in `events`, 0 where nothing was said; amounts that were not
said are NaN, moments and days NaT. Moments are UTC.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from plimsoll.domain.watching.events import Coded, Event

Rows = np.ndarray[Any, np.dtype[np.void]]

EVENT_ROW = np.dtype(
    [
        ("seq", "i8"),  # order of acceptance
        ("person", "S30"),
        ("account", "i8"),  # keyed digests: enough to tell two apart, 0 when not said
        ("merchant", "i8"),
        ("kind", "i2"),
        ("occurred_at", "M8[us]"),
        ("known_at", "M8[us]"),
        ("date_precision", "i2"),
        ("amount", "f8"),
        ("currency", "S3"),
        ("direction", "i2"),
        ("category", "i2"),
        ("channel", "i2"),
        ("failed", "?"),
        ("balance_after", "f8"),
        ("bill", "f8"),
        ("minimum_due", "f8"),
        ("limit", "f8"),
        ("net_new_charges", "f8"),
        ("due_on", "M8[D]"),
        ("period", "M8[M]"),
        ("months_late", "i2"),  # NOT_SAID when no status
    ]
)
NOT_SAID = -32768


def rows_of(
    events: Sequence[Event],
    person_of: Callable[[str], str] = lambda customer: customer,
    digest_of: Callable[[str], int] = lambda text: plain_digest(text),
    first_seq: int = 1,
) -> Rows:
    """The rows of these events, numbered in their order."""
    rows = np.empty(len(events), EVENT_ROW)
    for place, event in enumerate(events):
        rows[place] = row_of(
            event,
            seq=first_seq + place,
            person=person_of(event.customer),
            account=digest_of(event.account) if event.account else 0,
            merchant=digest_of(event.merchant) if event.merchant else 0,
        )
    return rows


def row_of(event: Event, *, seq: int = 0, person: str = "", account: int = 0, merchant: int = 0) -> tuple[Any, ...]:
    """One event as a row, with the names that stand in it beside its own."""
    return (
        seq,
        person.encode(),
        account,
        merchant,
        event.kind.code,
        _moment(event.occurred_at),
        _moment(event.known_at),
        event.date_precision.code,
        float(event.amount),
        (event.currency or "").encode(),
        _code(event.direction),
        event.category.code,
        _code(event.channel),
        event.failed,
        _number(event.balance_after),
        _number(event.bill),
        _number(event.minimum_due),
        _number(event.limit),
        _number(event.net_new_charges),
        np.datetime64(event.due_on, "D") if event.due_on else np.datetime64("NaT"),
        np.datetime64(event.period, "M") if event.period else np.datetime64("NaT"),
        NOT_SAID if event.months_late is None else event.months_late,
    )


def plain_digest(text: str) -> int:
    """Not keyed: for tests and for real sets that are public anyway. Never 0."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True) or 1


def _code(word: Coded | None) -> int:
    return word.code if word else 0


def _number(amount: Decimal | None) -> float:
    return float("nan") if amount is None else float(amount)


def _moment(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")
