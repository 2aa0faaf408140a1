"""States as of a moment: what several signals share, each worked out once."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.domain.watching.rhythm import Rhythm, rhythm_of
from plimsoll.domain.watching.state import MONTHS, NO_BALANCE, NO_STATUS, NOBODY_YET, Records, month_of, week_of

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

RECENT, BEFORE = 4, 12  # weeks: this one and the three before it, against the twelve before those
MONTHS_BACK = 7  # the newest, and those before it that a signal may read
FEWEST_WEEKS = 8  # of the twelve, before anything is called usual
STALE_AFTER = 2  # months without a statement: what it said no longer counts
SHORT_OF = 0.95  # share of what was due that counts as paid: fees and cents aside
PAID_EARLY = 20  # days before a due date from which a payment counts for it
NO_HOLIDAYS = ()


class ReadsTheFuture(ValueError):
    """A state holds what was not known at the moment it is asked about: a fault of the program."""


@dataclass(frozen=True)
class View:
    """States as of a moment, with what several signals share."""

    states: Records
    as_of: npt.NDArray[Any] | np.datetime64
    holidays: Any = NO_HOLIDAYS

    def __post_init__(self) -> None:
        moment = np.asarray(self.as_of).astype("M8[s]").astype(np.int64)
        later = int((self.states["known"] > moment).sum())
        if later:
            raise ReadsTheFuture(f"{later} states hold what was known after the moment they are asked about.")

    @cached_property
    def today(self) -> Ints:
        day = np.asarray(self.as_of).astype("M8[D]").astype(np.int64)
        return np.broadcast_to(day, (len(self.states),))

    # Weeks

    def flow(self, name: str) -> tuple[Floats, Floats]:
        """Recently, and usually in as many weeks; the latter NaN before there is enough history."""
        recent, before = self._weeks
        values = self.states["weeks"][name].astype(np.float64)
        weeks = self._weeks_before
        usual = _sum_of(values, before) * RECENT / np.maximum(weeks, 1)
        return _sum_of(values, recent), np.where(weeks >= FEWEST_WEEKS, usual, np.nan)

    def lowest(self) -> tuple[Floats, Floats]:
        """The lowest balance recently, and the usual lowest of four weeks."""
        recent, before = self._weeks
        values = self.states["weeks"]["lowest"]
        seen = values != NO_BALANCE
        now = np.where(recent & seen, values, NO_BALANCE).min(axis=1)
        back = (self._week[:, None] - self.states["weeks"]["index"] - RECENT) // RECENT
        blocks = np.stack(
            [np.where(before & seen & (back == block), values, NO_BALANCE).min(axis=1) for block in (0, 1, 2)], axis=1
        )
        known = blocks != NO_BALANCE
        usual = np.where(known, blocks, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        enough = (known.sum(axis=1) >= 2) & (self._weeks_before >= FEWEST_WEEKS)
        return np.where(now != NO_BALANCE, now, np.nan), np.where(enough, usual, np.nan)

    @cached_property
    def _week(self) -> Ints:
        return week_of(self.today)

    @cached_property
    def _weeks(self) -> tuple[Flags, Flags]:
        index = self.states["weeks"]["index"]
        back = self._week[:, None] - index
        there = index >= 0
        return there & (back >= 0) & (back < RECENT), there & (back >= RECENT) & (back < RECENT + BEFORE)

    @cached_property
    def _weeks_before(self) -> Ints:
        first = self.states["first"]
        lived = np.where(first != NOBODY_YET, self._week - RECENT - week_of(first) + 1, 0)
        return np.clip(lived, 0, BEFORE)

    @cached_property
    def scale(self) -> Floats:
        """What usually comes in, in four weeks: by it amounts are measured. NaN where nothing does."""
        _, usual = self.flow("income")
        return np.where(usual > 0, usual, np.nan)

    # Months

    def monthly(self, name: str, back: int) -> Floats:
        """Of the newest statement (0) or one before; NaN where there was none."""
        return self._told(name, self._statements)[:, back]

    def paid(self, back: int) -> Floats:
        """Towards the newest statement (0) or one before, whether that one was sent or not."""
        return self._told("paid", self._payments)[:, back]

    def limit(self, back: int = 0) -> Floats:
        """As of the statement, else as it was opened."""
        said = self.monthly("limit", back)
        opened = self.states["opened_limit"].astype(np.float64)
        return np.where(said > 0, said, np.where(opened > 0, opened, np.nan))

    def months_late(self, back: int) -> Floats:
        """Of the newest report (0) or one before."""
        return self._told("late", self._reports)[:, back]

    def _told(self, name: str, of: tuple[Ints, Flags]) -> Floats:
        """Column by column the newest month and those before it; NaN where nothing was told."""
        if name not in self._months:
            slot, there = of
            values = np.take_along_axis(self.states["months"][name], slot, axis=1)
            self._months[name] = np.where(there, values, np.nan)
        return self._months[name]

    @cached_property
    def _months(self) -> dict[str, Floats]:
        return {}

    @cached_property
    def _statements(self) -> tuple[Ints, Flags]:
        return self._back_from(self._newest_statement, self.states["months"]["statements"] > 0)

    @cached_property
    def _payments(self) -> tuple[Ints, Flags]:
        return self._back_from(self._newest_statement, self.states["months"]["index"] >= 0)

    @cached_property
    def _reports(self) -> tuple[Ints, Flags]:
        told = self.states["months"]["late"] != NO_STATUS
        return self._back_from(self._newest(told), told)

    def _back_from(self, newest: Ints, told: Flags) -> tuple[Ints, Flags]:
        """In which slots this month and those before it are kept, and whether they are."""
        month = newest[:, None] - np.arange(MONTHS_BACK)
        slot = month % MONTHS
        kept = np.take_along_axis(self.states["months"]["index"], slot, axis=1) == month
        return slot, kept & np.take_along_axis(told, slot, axis=1) & (month >= 0)

    @cached_property
    def _newest_statement(self) -> Ints:
        return self._newest(self.states["months"]["statements"] > 0)

    def _newest(self, told: Flags) -> Ints:
        index = np.where(told, self.states["months"]["index"], -(MONTHS + 1)).max(axis=1).astype(np.int64)
        return np.where(month_of(self.today) - index <= STALE_AFTER, index, -(MONTHS + 1))

    # Paces

    def rhythm(self, name: str) -> Rhythm:
        if name not in self._rhythms:
            pace = self.states[name]
            self._rhythms[name] = rhythm_of(pace["day"], pace["amount"], self.holidays)
        return self._rhythms[name]

    @cached_property
    def _rhythms(self) -> dict[str, Rhythm]:
        return {}

    @cached_property
    def paid_after(self) -> tuple[Floats, Floats]:
        """Days from each due date to its payment: of the newest one due by now, and the mean of those before.

        What is not paid yet counts the days until now.
        """
        due, amount = self.states["due"]["day"].astype(np.int64), self.states["due"]["amount"]
        day, paid = self.states["repayment"]["day"].astype(np.int64), self.states["repayment"]["amount"]
        today = self.today[:, None]
        passed = (due >= 0) & (due <= today)
        until = np.full(due.shape, np.nan)
        for place in range(due.shape[1]):
            mine = (day >= due[:, place, None] - PAID_EARLY) & (day >= 0) & (day <= today)
            oldest_first = np.where(mine, paid, 0)[:, ::-1].cumsum(axis=1)
            enough = oldest_first >= SHORT_OF * np.maximum(amount[:, place, None], 1)
            at = np.take_along_axis(day[:, ::-1], enough.argmax(axis=1)[:, None], axis=1)[:, 0]
            until[:, place] = np.where(enough.any(axis=1), at, self.today) - due[:, place]
        until = np.where(passed, np.maximum(until, 0), np.nan)
        newest = passed.argmax(axis=1)  # newest first
        rows = np.arange(len(due))
        now = until[rows, newest].copy()
        until[rows, newest] = np.nan
        return now, mean(until)


def _sum_of(values: Floats, chosen: Flags) -> Floats:
    """Of each row those that are chosen."""
    total: Floats = np.einsum("ij,ij->i", values, chosen.astype(np.float64))
    return total


def mean(values: Floats) -> Floats:
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, values, 0).sum(axis=1) / np.maximum(count, 1), np.nan)


def ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
