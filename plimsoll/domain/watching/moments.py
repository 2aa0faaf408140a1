"""At which moments customers are judged, as their events say it, each customer's taken in order:

- at every event that matters, with all that was told up to it;
- at the beginning of a day by which something regular failed to come, with all that was told before that day.

So the same events have everybody judged at the same moments, however many of them a reader takes at once and
whenever it does.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from plimsoll.domain.watching.policy import WatchPolicy
from plimsoll.domain.watching.rows import Rows
from plimsoll.domain.watching.state import Records, paced, week_of
from plimsoll.domain.watching.triggers import NOTHING_DUE, matching, next_looks, usual_week

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
DAY = 86_400  # seconds
NO_RULE = -1  # something failed to come


class Stop(NamedTuple):
    """Customers who are to be judged as they stand now; each at most once."""

    customers: Ints
    events: Ints  # places: the one that matters, or the one before which something failed to come
    rules: Ints  # of the policy's events
    at: Ints  # seconds since 1970


@dataclass(frozen=True)
class Kept:
    """Records in the hands of the reader: `states` are changed by `take_in`, `due` are days."""

    states: Records
    due: Ints
    take_in: Callable[[npt.NDArray[Any], Rows], None]


def stops(policy: WatchPolicy, kept: Kept, who: npt.NDArray[Any], rows: Rows) -> Iterator[Stop]:
    """Takes these events in, and stops wherever customers are to be judged."""
    left = np.argsort(who, kind="stable")
    weeks, days = _week_and_day(rows)
    moves = paced(rows)
    while len(left):
        customer = who[left]
        first = np.concatenate([[True], customer[1:] != customer[:-1]])
        missed = first & (kept.due[customer] <= days[left])
        if missed.any():
            yield _missing(policy, kept, customer[missed], left[missed])
            continue
        # What is usual rests on the weeks before: within one week it cannot change.
        week = weeks[left]
        other = (week != week[first][np.cumsum(first) - 1]) | (kept.due[customer] <= days[left])
        near = ~(other | _follows(first, other))
        fired = np.full(len(left), NO_RULE, dtype=np.int64)
        usual = usual_week(kept.states[customer[near]], week[near])
        fired[near] = matching(policy.events, rows[left[near]], usual)
        taken = near & ~_follows(first, (fired != NO_RULE) | moves[left])
        kept.take_in(customer[taken], rows[left[taken]])
        _set_due(policy, kept, customer[taken & moves[left]])
        stopped = taken & (fired != NO_RULE)
        if stopped.any():
            people = customer[stopped].astype(np.int64)
            yield Stop(people, left[stopped], fired[stopped], kept.states["known"][people])
        left = left[~taken]


def _week_and_day(rows: Rows) -> tuple[Ints, Ints]:
    """In which week each happened, and on which day it was known."""
    week = week_of(rows["occurred_at"].astype("M8[D]").astype(np.int64))
    return week, rows["known_at"].astype("M8[D]").astype(np.int64)


def _missing(policy: WatchPolicy, kept: Kept, customers: npt.NDArray[Any], events: Ints) -> Stop:
    people = customers.astype(np.int64)
    day = kept.due[people]
    kept.due[people] = next_due(policy, kept.states[people], day)
    return Stop(people, events, np.full(len(people), NO_RULE), day * DAY)


def _set_due(policy: WatchPolicy, kept: Kept, customers: npt.NDArray[Any]) -> None:
    """What came regularly, or is announced, moves the day on which it would be missed."""
    if len(customers):
        states = kept.states[customers]
        kept.due[customers] = next_due(policy, states, states["known"] // DAY)


def next_due(policy: WatchPolicy, states: Records, after: Ints) -> Ints:
    """The first day after this one by which something regular will have failed to come; else NOTHING_DUE."""
    due = next_looks(policy.timers, states, after, policy.days_off)
    # What should come so late that nothing would be concluded any more is not waited for.
    return np.where(due - after > policy.silent_after_days, NOTHING_DUE, due)


def _follows(first: Flags, flags: Flags) -> Flags:
    """Where the same customer has a flag before."""
    before: Ints = np.cumsum(flags) - flags
    return before > before[first][np.cumsum(first) - 1]
