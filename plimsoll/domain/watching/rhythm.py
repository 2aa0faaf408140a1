"""A customer's own rhythm: what comes every week, every two weeks or every month, and when it is expected next.

Nothing is late against the calendar, only against what this customer's own payments used to do: by
their usual day, moved past weekends and holidays, with the delay they have shown before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

NEVER = -1  # of a day
EARLIER = 4  # days by which a payment may come before its day and still be this month's
STRETCHED = 2  # cycles after which a rhythm that stays away has ended
MOST_DELAY = 5  # days of usual delay that count as usual


class Cycle(IntEnum):
    NONE = 0
    WEEKLY = 1
    TWO_WEEKLY = 2
    MONTHLY = 3


@dataclass(frozen=True)
class Shape:
    """By which gaps, in days, a cycle is known."""

    days: float
    median: tuple[int, int]
    gap: tuple[int, int]  # of a single one: holidays move both of its ends
    fewest: int  # payments


SHAPES = {
    Cycle.WEEKLY: Shape(days=7, median=(6, 8), gap=(4, 10), fewest=4),
    Cycle.TWO_WEEKLY: Shape(days=14, median=(12, 16), gap=(10, 18), fewest=4),
    Cycle.MONTHLY: Shape(days=30.44, median=(26, 35), gap=(24, 38), fewest=3),
}
REGULAR = 0.7  # share of gaps that keep to the cycle


@dataclass(frozen=True)
class Rhythm:
    """Of each customer; days since 1970, `expected` and what follows from it only where there is a cycle."""

    cycle: npt.NDArray[np.int8]
    last: Ints
    expected: Ints  # the next one, moved past weekends and holidays
    delay: Ints  # days after the expected one that are usual here
    usual: Floats  # amount, median of those before the last
    amount: Floats  # the last

    @property
    def found(self) -> Flags:
        return self.cycle != Cycle.NONE

    def spread(self, places: Flags) -> "Rhythm":
        """As that of those at these places among others, who have none."""

        def among(values: npt.NDArray[Any], none: float) -> npt.NDArray[Any]:
            found = np.full(len(places), none, dtype=values.dtype)
            found[places] = values
            return found

        return Rhythm(
            cycle=among(self.cycle, Cycle.NONE),
            last=among(self.last, NEVER),
            expected=among(self.expected, NEVER),
            delay=among(self.delay, 0),
            usual=among(self.usual, np.nan),
            amount=among(self.amount, np.nan),
        )

    def days_late(self, today: Ints) -> Floats:
        """Beyond what is usual; NaN without a rhythm, or with one that has ended long ago."""
        length = np.array([0.0, *(SHAPES[Cycle(code)].days for code in (1, 2, 3))])[self.cycle]
        over = self.found & (today - self.expected <= STRETCHED * np.maximum(length, 14) + MOST_DELAY)
        return np.where(over, np.maximum(today - self.expected - self.delay, 0), np.nan)

    def days_to_next(self, today: Ints) -> Floats:
        return np.where(self.found, np.maximum(self.expected - today, 0), np.nan)


def rhythm_of(days: npt.NDArray[Any], amounts: npt.NDArray[Any], holidays: Any, least: float = 0.3) -> Rhythm:
    """`days` newest first, -1 where there is none. Amounts under `least` of the median are something else that came
    under the same name, and are left out."""
    seen = days[:, 0] != NEVER
    if not seen.all():  # hardly anybody has everything that may come regularly
        return rhythm_of(days[seen], amounts[seen], holidays, least).spread(seen)
    days, amounts = _without_small(days.astype(np.int64), amounts.astype(np.float64), least)
    known = days >= 0
    count = known.sum(axis=1)
    gaps = np.where(known[:, 1:], days[:, :-1] - days[:, 1:], np.nan)
    cycle = _cycle(gaps, count)
    monthly = cycle == Cycle.MONTHLY
    nominal, step_to_next = _by_weeks(days, known, cycle)
    if monthly.any():
        nominal[monthly], step_to_next[monthly] = _by_month(days[monthly], known[monthly])
    due = np.where(known, _worked(nominal, holidays), 0)
    delays = np.where(known, days - due, np.iinfo(np.int64).min)
    # The last one itself may be the first sign of trouble: what is usual was seen before it.
    delay = np.clip(delays[:, 1:].max(axis=1, initial=0), 0, MOST_DELAY)
    return Rhythm(
        cycle=cycle,
        last=days[:, 0],
        expected=_worked(step_to_next, holidays),
        delay=delay.astype(np.int64),
        usual=_median(np.where(known, amounts, np.nan)[:, 1:]),
        amount=np.where(known[:, 0], amounts[:, 0], np.nan),
    )


def _without_small(days: Ints, amounts: Floats, least: float) -> tuple[Ints, Floats]:
    known = days >= 0
    middle = _median(np.where(known, amounts, np.nan))
    kept = known & (amounts >= least * np.nan_to_num(middle)[:, None])
    order = np.argsort(~kept, axis=1, kind="stable")
    days = np.take_along_axis(np.where(kept, days, -1), order, axis=1)
    return days, np.take_along_axis(np.where(kept, amounts, 0.0), order, axis=1)


def _median(values: Floats, lower: bool = False) -> Floats:
    """Of the known ones of each row; NaN where there is none. (`nanmedian` goes row by row.)"""
    ordered = np.sort(values, axis=1)  # NaN last
    count = (~np.isnan(values)).sum(axis=1)
    rows = np.arange(len(values))
    low = np.maximum(count - 1, 0) // 2
    high = low if lower else np.minimum(count // 2, np.maximum(count - 1, 0))
    return np.where(count > 0, (ordered[rows, low] + ordered[rows, high]) / 2, np.nan)


def _cycle(gaps: Floats, count: Ints) -> npt.NDArray[np.int8]:
    middle, of = _median(gaps), np.maximum(count - 1, 1)
    found = np.zeros(len(gaps), dtype=np.int8)
    for cycle, shape in SHAPES.items():
        kept = ((gaps >= shape.gap[0]) & (gaps <= shape.gap[1])).sum(axis=1)
        fits = (middle >= shape.median[0]) & (middle <= shape.median[1]) & (count >= shape.fewest)
        found[fits & (kept >= REGULAR * of)] = cycle
    return found


def _by_weeks(days: Ints, known: Flags, cycle: npt.NDArray[np.int8]) -> tuple[Ints, Ints]:
    """The day each one should have come, and the next, for cycles of whole weeks.

    One that a holiday moved must not move those after it: the phase is the median of all of them, seen from the last.
    """
    length = np.where(cycle == Cycle.WEEKLY, 7, 14)[:, None]
    last = days[:, :1]
    since = np.where(known, last - days, 0)
    offsets = np.where(known, since - length * np.rint(since / length), np.nan)
    phase = np.rint(np.nan_to_num(-_median(offsets))).astype(np.int64)[:, None]
    nominal = last + phase - length * np.rint(since / length).astype(np.int64)
    return nominal, (last + phase + length)[:, 0]


def _by_month(days: Ints, known: Flags) -> tuple[Ints, Ints]:
    """Likewise for a day of the month. One near its end may fall into the next, so it may be a day before the first."""
    day_of_month = np.where(known, _day_of_month(days), np.nan)
    wraps = (np.nanmax(day_of_month, axis=1) - np.nanmin(day_of_month, axis=1)) > 15
    wrapped = wraps[:, None] & (day_of_month > 15)
    # The lower of two in the middle: weekends move a payment to later days only.
    usual = _median(np.where(wrapped, day_of_month - 31, day_of_month), lower=True).astype(np.int64)[:, None]
    month = days.astype("M8[D]").astype("M8[M]").astype(np.int64)
    candidates = np.stack([_day_in(month + step, usual) for step in (-1, 0, 1)])
    nearest = np.abs(candidates - days).argmin(axis=0)
    nominal = np.take_along_axis(candidates, nearest[None], axis=0)[0]
    return nominal, _day_in(month[:, :1] + nearest[:, :1], usual)[:, 0]


def _day_of_month(days: Ints) -> Floats:
    whole = days.astype("M8[D]")
    return (whole - whole.astype("M8[M]").astype("M8[D]")).astype(np.float64) + 1


def _day_in(month: Ints, day: Ints) -> Ints:
    """That day of the month, or its last; 0 and less are days of the month before."""
    first = month.astype("M8[M]").astype("M8[D]").astype(np.int64)
    length = (month + 1).astype("M8[M]").astype("M8[D]").astype(np.int64) - first
    return first + np.minimum(day, length) - 1


def _worked(days: Ints, holidays: Any) -> Ints:
    """The first day from this one on that banks work."""
    return np.busday_offset(days.astype("M8[D]"), 0, roll="forward", holidays=holidays).astype(np.int64)


# Holidays ------------------------------------------------------------------------------------


def holidays_of(rules: Iterable[str], first_year: int, last_year: int) -> npt.NDArray[Any]:
    """`12-25` is a day of every year, `easter+1` counts from Easter Sunday, `2026-05-04` is that day alone."""
    found = {_holiday(rule, year) for rule in rules for year in range(first_year, last_year + 1)}
    return np.array(sorted(found), dtype="M8[D]")


def _holiday(rule: str, year: int) -> date:
    if rule.startswith("easter"):
        return easter(year) + timedelta(days=int(rule.removeprefix("easter") or 0))
    return date.fromisoformat(rule) if len(rule) == len("2026-05-04") else date.fromisoformat(f"{year}-{rule}")


def easter(year: int) -> date:
    """Gauss's rule as Butcher gave it."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)
