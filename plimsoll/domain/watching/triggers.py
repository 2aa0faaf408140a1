"""Which events can matter at all: a customer is scored again when one of these rules matches, and not otherwise.

What matters is data (`watch/signals.toml`); this is how a rule is held against thousands of events at once.
"""

from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from plimsoll.domain.values import Value
from plimsoll.domain.watching.events import Category, Direction, Kind
from plimsoll.domain.watching.rhythm import Rhythm, rhythm_of
from plimsoll.domain.watching.rows import Rows
from plimsoll.domain.watching.state import PACES_KEPT, WEEKS, Records, minor

NOTHING_DUE = np.iinfo(np.int64).max


class EventRule(Value):
    """An event matches when it is all that is said here; what is not said does not matter."""

    name: str = Field(min_length=1, max_length=60)
    kind: tuple[Kind, ...] = ()
    category: tuple[Category, ...] = ()
    direction: Direction | None = None
    failed: bool | None = None
    amount_from: Decimal | None = Field(default=None, ge=0)  # in the currency of the event
    times_usual_from: float | None = Field(default=None, gt=0)  # of what usually leaves in a week
    balance_below: Decimal | None = None
    months_late_from: int | None = None

    @model_validator(mode="after")
    def says_something(self) -> "EventRule":
        if self.model_fields_set <= {"name"}:
            raise ValueError(f"the rule {self.name!r} matches every event: say what it looks for")
        return self


class TimerRule(Value):
    """Something regular that does not come is noticed without an event, so many days after it was expected."""

    name: str = Field(min_length=1, max_length=60)
    pace: str = "salary"  # salary, rent, utilities, bills; or payment: what is due to us
    days_after: tuple[int, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def is_kept(self) -> "TimerRule":
        known = ("salary", "rent", "utilities", "bills", "payment")
        if self.pace not in known:
            raise ValueError(f"the timer {self.name!r} waits for {self.pace!r}; there are {', '.join(known)}")
        if any(days < 1 for days in self.days_after):
            raise ValueError(f"the timer {self.name!r} must look a day after it was expected at the earliest")
        return self


def matching(rules: tuple[EventRule, ...], rows: Rows, usual_week: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """For each event the place of the first rule that matches, -1 where none does.

    `usual_week` is what usually leaves the customer of each event in a week, in minor units; NaN when not known.
    """
    found = np.full(len(rows), -1, dtype=np.int64)
    for place in range(len(rules) - 1, -1, -1):
        found[_matches(rules[place], rows, usual_week)] = place
    return found


def _matches(rule: EventRule, rows: Rows, usual_week: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    fits = np.ones(len(rows), dtype=bool)
    if rule.kind:
        fits &= np.isin(rows["kind"], [kind.code for kind in rule.kind])
    if rule.category:
        fits &= np.isin(rows["category"], [category.code for category in rule.category])
    if rule.direction is not None:
        fits &= rows["direction"] == rule.direction.code
    if rule.failed is not None:
        fits &= rows["failed"] == rule.failed
    if rule.amount_from is not None:
        fits &= rows["amount"] >= float(rule.amount_from)
    if rule.times_usual_from is not None:
        fits &= minor(rows["amount"]) >= rule.times_usual_from * np.nan_to_num(usual_week, nan=np.inf)
    if rule.balance_below is not None:
        fits &= rows["balance_after"] < float(rule.balance_below)
    if rule.months_late_from is not None:
        fits &= (rows["kind"] == Kind.STATUS.code) & (rows["months_late"] >= rule.months_late_from)
    return fits


def usual_week(states: Records, week: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """What left in a week, on average over those that are kept of the weeks before this one; NaN for whom fewer than
    four are."""
    weeks = states["weeks"]
    back = np.asarray(week, dtype=np.int64)[:, None] - weeks["index"]
    known = (weeks["index"] >= 0) & (back >= 1) & (back < WEEKS)
    count = known.sum(axis=1)
    return np.where(count >= 4, np.where(known, weeks["spent"], 0).sum(axis=1) / np.maximum(count, 1), np.nan)


# Timers --------------------------------------------------------------------------------------


def next_looks(
    rules: tuple[TimerRule, ...], states: Records, after: npt.NDArray[np.int64], holidays: Any
) -> npt.NDArray[np.int64]:
    """The first day after this one on which something regular will have failed to come; NOTHING_DUE when none is.

    When it comes after all the state changes, and with it the day.
    """
    soonest = np.full(len(states), NOTHING_DUE, dtype=np.int64)
    for rule in rules:
        expected = _expected(rule.pace, states, holidays)
        for days in rule.days_after:
            look = np.where(expected == NOTHING_DUE, NOTHING_DUE, expected + days)
            soonest = np.where((look > after) & (look < soonest), look, soonest)
    return soonest


def _expected(pace: str, states: Records, holidays: Any) -> npt.NDArray[np.int64]:
    if pace == "payment":
        due = states["due"]["day"][:, 0].astype(np.int64)
        return np.where(due >= 0, due, NOTHING_DUE)
    assert pace in PACES_KEPT
    rhythm: Rhythm = rhythm_of(states[pace]["day"], states[pace]["amount"], holidays)
    return np.where(rhythm.found, rhythm.expected + rhythm.delay, NOTHING_DUE)
