"""What time it is for customers: the events of each product have a clock of their own (docs/decisions/0020).

A clock stands where the newest event of its product was known, and goes on a little beyond it. So history that is
replayed has the time of its events whatever happens beside it, and a feed that stops makes nobody late because
another goes on.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from plimsoll.domain.watching.policy import WatchPolicy
from plimsoll.domain.watching.rows import Rows

Ints = npt.NDArray[np.int64]


class Clock(NamedTuple):
    """Of one product."""

    watermark: datetime | None = None  # when its newest event was known; None where nothing was read yet
    # Between these nothing was told of anybody for so long that nothing is concluded from it.
    still_from: datetime | None = None
    still_until: datetime | None = None


Clocks = Mapping[int, Clock]


def shown(clocks: Clocks, of: npt.NDArray[Any], rows: Rows, now: datetime) -> npt.NDArray[Any]:
    """Where the clock of each of these rows stands after it. None goes beyond our own time, none goes back."""
    known = np.minimum(rows["known_at"].astype("M8[us]"), _naive(now))
    for number in np.unique(of).tolist():
        mine = np.flatnonzero(of == number)
        before = clocks.get(number, Clock()).watermark
        if before is not None:
            known[mine[0]] = max(known[mine[0]], _naive(before))
        known[mine] = np.maximum.accumulate(known[mine])
    return known


def moved(policy: WatchPolicy, clocks: Clocks, of: npt.NDArray[Any], after: npt.NDArray[Any]) -> dict[int, Clock]:
    """As they stand behind rows of these clocks that showed this."""
    result = dict(clocks)
    for number in np.unique(of).tolist():
        clock = clocks.get(number, Clock())
        stood = after[of == number].astype("M8[us]")
        if clock.watermark is not None:
            stood = np.concatenate([[_naive(clock.watermark)], stood])
        still = np.flatnonzero(np.diff(stood) > np.timedelta64(policy.silent_after_days, "D"))
        if len(still):
            clock = clock._replace(still_from=_ours(stood[still[-1]]), still_until=_ours(stood[still[-1] + 1]))
        result[number] = clock._replace(watermark=_ours(stood[-1]))
    return result


def stood_still(clocks: Clocks, of: npt.NDArray[Any], days: Ints) -> npt.NDArray[np.bool_]:
    """Whether at the beginning of this day nothing was told of anybody of the product for long before and after."""
    found = np.zeros(len(days), dtype=bool)
    for number in np.unique(of).tolist():
        clock = clocks.get(number, Clock())
        if clock.still_from is not None and clock.still_until is not None:
            begins = days.astype("M8[D]").astype("M8[us]")
            within = (begins > _naive(clock.still_from)) & (begins < _naive(clock.still_until))
            found |= (of == number) & within
    return found


def read(policy: WatchPolicy, clocks: Clocks, of: npt.NDArray[Any], now: datetime) -> Ints:
    """For each customer the time it is, in seconds since 1970."""
    numbers, place = np.unique(of, return_inverse=True)
    times = [
        int(time_by(policy, clocks.get(number, Clock()).watermark, now).timestamp()) for number in numbers.tolist()
    ]
    return np.array(times, dtype=np.int64)[place]


def time_by(policy: WatchPolicy, watermark: datetime | None, now: datetime) -> datetime:
    """The time that customers are judged at: ours, but not far beyond the newest event. A feed that stops must not
    make everybody late, and a replay of the past has the time of its events."""
    if watermark is None:
        return now
    return min(now, watermark + timedelta(days=policy.clock_goes_on_days))


def begun(policy: WatchPolicy, watermark: datetime, now: datetime) -> date:
    """The last day that began: everything known before it was told. By our own time while the feed is live; in
    history an event of that day has to say so, for what was known until then may still come."""
    live = now <= watermark + timedelta(days=policy.clock_goes_on_days)
    return (now if live else watermark).astimezone(UTC).date()


def days_of(seconds: Ints) -> list[str]:
    """As people write them: 2026-03-31."""
    return [str(day) for day in np.datetime_as_string(seconds.astype("M8[s]"), unit="D")]


def _ours(moment: Any) -> datetime:
    found: datetime = moment.astype("M8[us]").item()
    return found.replace(tzinfo=UTC)


def _naive(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")
