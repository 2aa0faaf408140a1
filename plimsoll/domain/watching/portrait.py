"""One customer's record for people: what they do regularly, how it went lately, and what each signal says."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from plimsoll.domain.values import Value
from plimsoll.domain.watching.factors import in_words
from plimsoll.domain.watching.policy import WatchPolicy
from plimsoll.domain.watching.rhythm import Cycle
from plimsoll.domain.watching.signals import SIGNALS, signals
from plimsoll.domain.watching.state import (
    FLOWS,
    LAYOUT,
    MINOR,
    NEVER,
    NO_BALANCE,
    NO_STATUS,
    STATE,
    Records,
)
from plimsoll.domain.watching.view import View

EPOCH = date(1970, 1, 1)
SHOWN_PACES = ("salary", "rent", "utilities", "bills")
CYCLES = {Cycle.WEEKLY: "every week", Cycle.TWO_WEEKLY: "every two weeks", Cycle.MONTHLY: "every month"}


class Seen(Value):
    """One day on which it came, and how much."""

    day: date
    amount: float


class Pace(Value):
    """Something regular, as this customer does it."""

    name: str
    cycle: str | None  # None: no rhythm found
    usual_amount: float | None
    expected: date | None
    usual_delay_days: int | None
    days_late: float | None
    seen: tuple[Seen, ...]  # newest first


class Week(Value):
    """Flows of one week, from Monday on."""

    monday: date
    income: float
    spent: float
    cash: float
    lent: float
    put_by: float
    drawn: float
    lowest_balance: float | None
    failed: int


class Month(Value):
    """One month's statement, what was paid of it, and the state that was reported."""

    month: date
    bill: float | None
    minimum: float | None
    limit: float | None
    paid: float
    months_late: int | None


class SignalSaid(Value):
    name: str
    value: float
    unit: str
    about: str
    says: str | None  # as staff may say it; None for what is never said


class Portrait(Value):
    """As of a moment."""

    as_of: datetime
    events: int
    newest: date | None
    signals: tuple[SignalSaid, ...]
    rhythms: tuple[Pace, ...]
    weeks: tuple[Week, ...]  # oldest first
    months: tuple[Month, ...]


def kept_record(kept: bytes | None, layout: int | None) -> Records | None:
    """A state as it is kept; None when there is none, or one of another layout that is still to be made anew."""
    return np.frombuffer(bytes(kept), dtype=STATE) if kept is not None and layout == LAYOUT else None


def portrait(record: Records, as_of: datetime, policy: WatchPolicy) -> Portrait:
    """`record` is an array of one state."""
    moment = np.datetime64(as_of.astimezone(UTC).replace(tzinfo=None), "s")
    view = View(record, moment, policy.days_off)
    row = signals(record, moment, policy.days_off)[0]
    return Portrait(
        as_of=as_of,
        events=int(record["events"][0]),
        newest=_day(int(record["newest"][0])),
        signals=tuple(_said(place, value, policy) for place, value in enumerate(row.tolist()) if value == value),
        rhythms=tuple(pace for name in SHOWN_PACES if (pace := _pace(view, record, name)) is not None),
        weeks=_weeks(record),
        months=_months(record),
    )


def _said(place: int, value: float, policy: WatchPolicy) -> SignalSaid:
    signal = SIGNALS[place]
    words = policy.words.get(signal.name)
    return SignalSaid(
        name=signal.name,
        value=round(value, 4),
        unit=signal.unit,
        about=signal.about,
        says=None if words is None else words.format(value=in_words(signal, value)),
    )


def _pace(view: View, record: Records, name: str) -> Pace | None:
    days, amounts = record[name]["day"][0].tolist(), record[name]["amount"][0].tolist()
    seen = tuple(
        Seen(day=EPOCH + timedelta(days=day), amount=amount / MINOR)
        for day, amount in zip(days, amounts, strict=True)
        if day != NEVER
    )
    if not seen:
        return None
    rhythm = view.rhythm(name)
    found = bool(rhythm.found[0])
    late = float(rhythm.days_late(view.today)[0])
    usual = float(rhythm.usual[0])
    return Pace(
        name=name,
        cycle=CYCLES[Cycle(int(rhythm.cycle[0]))] if found else None,
        usual_amount=usual / MINOR if usual == usual else None,
        expected=_day(int(rhythm.expected[0])) if found else None,
        usual_delay_days=int(rhythm.delay[0]) if found else None,
        days_late=late if late == late else None,
        seen=seen,
    )


def _weeks(record: Records) -> tuple[Week, ...]:
    kept = sorted((week for week in record["weeks"][0] if week["index"] != NEVER), key=lambda week: int(week["index"]))
    return tuple(_week(week) for week in kept)


def _week(week: Any) -> Week:
    flows = {name: int(week[name]) / MINOR for name in FLOWS}
    lowest = int(week["lowest"])
    return Week(
        monday=EPOCH + timedelta(days=int(week["index"]) * 7 - 3),
        lowest_balance=None if lowest == NO_BALANCE else lowest / MINOR,
        failed=int(week["failed"]),
        **flows,
    )


def _months(record: Records) -> tuple[Month, ...]:
    kept = sorted((one for one in record["months"][0] if one["index"] != NEVER), key=lambda one: int(one["index"]))
    return tuple(_month(one) for one in kept)


def _month(month: Any) -> Month:
    billed = int(month["statements"]) > 0
    index = int(month["index"])
    return Month(
        month=date(1970 + index // 12, index % 12 + 1, 1),
        bill=int(month["bill"]) / MINOR if billed else None,
        minimum=int(month["minimum"]) / MINOR if billed and month["minimum"] > 0 else None,
        limit=int(month["limit"]) / MINOR if billed and month["limit"] > 0 else None,
        paid=int(month["paid"]) / MINOR,
        months_late=None if month["late"] == NO_STATUS else int(month["late"]),
    )


def _day(day: int) -> date | None:
    return None if day == NEVER else EPOCH + timedelta(days=day)
