"""Customers who do not exist: generated people and single events, for tests of watching. None of it is real."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import numpy as np

from plimsoll.domain.watching import state
from plimsoll.domain.watching.events import Category, Direction, Event, Kind
from plimsoll.domain.watching.rows import Rows, rows_of
from plimsoll.domain.watching.signals import PLACE, signals

NUMBERS = count(1)
PAYDAY, RENT_DAY, POWER_DAY = 25, 3, 12


def moment(day: date | str, hour: int = 12) -> datetime:
    day = date.fromisoformat(day) if isinstance(day, str) else day
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def an_event(day: date | str, amount: float = 0, category: Category = Category.OTHER, **more: Any) -> Event:
    """A debit of a made-up customer, unless something else is said."""
    kind = more.get("kind", Kind.TRANSACTION)
    given: dict[str, Any] = {"customer": "GEN-1", "transaction_id": f"T{next(NUMBERS)}", "occurred_at": moment(day)}
    if kind in (Kind.TRANSACTION, Kind.REPAYMENT, Kind.PAYMENT_DUE):
        given |= {"amount": Decimal(str(amount)), "currency": "EUR"}
    if kind is Kind.TRANSACTION:
        given |= {"category": category, "direction": Direction.DEBIT}
    return Event(**(given | more))


def salary(day: date | str, amount: float = 3000, **more: Any) -> Event:
    return an_event(day, amount, Category.SALARY, direction=Direction.CREDIT, **more)


def next_workday(day: date) -> date:
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return day


def an_ordinary_life(months: int = 6, until: date = date(2026, 6, 30), customer: str = "GEN-1") -> list[Event]:
    """Salary on the 25th or the next working day, rent on the 3rd, power on the 12th, cash every week, some savings."""
    first = date(until.year + (until.month - months) // 12, (until.month - months) % 12 + 1, 1)
    return [event for event in _life(customer, first, until) if event.occurred_at <= moment(until, 23)]


def _life(customer: str, first: date, until: date) -> Iterator[Event]:
    day = first
    while day <= until:
        if day == next_workday(day.replace(day=PAYDAY)):
            yield salary(day, customer=customer, balance_after=Decimal(3200))
        if day == next_workday(day.replace(day=RENT_DAY)):
            yield an_event(day, 900, Category.RENT, customer=customer, balance_after=Decimal(2000))
        if day == next_workday(day.replace(day=POWER_DAY)):
            yield an_event(day, 120, Category.UTILITIES, customer=customer, balance_after=Decimal(1500))
        if day.weekday() == 4:
            yield an_event(day, 100, Category.CASH, customer=customer, balance_after=Decimal(900))
            yield an_event(day, 150, Category.GROCERIES, customer=customer)
        if day.day == 28:
            yield an_event(day, 200, Category.SAVINGS, customer=customer)
        day += timedelta(days=1)


def observed(events: Iterable[Event] | Rows) -> Any:
    """The state of one customer after all of these."""
    rows = events if isinstance(events, np.ndarray) else rows_of(list(events))
    states = state.empty(1)
    state.observe(states, np.zeros(len(rows), dtype=np.int64), rows)
    return states


def told(events: Sequence[Event], as_of: date | str, hour: int = 23, **more: Any) -> dict[str, float]:
    """The signals of one customer by name, as of the end of a day; what was not known by then is left out."""
    at = moment(as_of, hour)
    known = [event for event in events if event.known_at <= at]
    row = signals(observed(known), np.datetime64(at.replace(tzinfo=None), "s"), **more)[0]
    return {name: float(row[place]) for name, place in PLACE.items()}
