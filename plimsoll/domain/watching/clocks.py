"""What time it is for a customer: the events of each product have a clock of their own (docs/decisions/0020).

A clock stands where the newest event of its product was known, and goes on a little beyond it. So history that is
replayed has the time of its events whatever happens beside it, and a feed that stops makes nobody late because
another goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.domain.watching.policy import WatchPolicy
from plimsoll.domain.watching.rows import Rows

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Clocks:
    """The clock that each of some customers goes by, and where those clocks stand."""

    of: npt.NDArray[Any]
    watermarks: Mapping[int, datetime | None] = field(default_factory=dict)  # None where nothing was read yet

    def moved(self, who: npt.NDArray[Any], rows: Rows, now: datetime) -> "Clocks":
        """As they stand after these rows; none goes beyond our own time, and none goes back."""
        of = self.of[who]
        watermarks = dict(self.watermarks)
        for clock in np.unique(of).tolist():
            newest = rows["known_at"][of == clock].max().astype("M8[us]").item().replace(tzinfo=UTC)
            watermarks[clock] = min(now, max(newest, watermarks.get(clock) or newest))
        return Clocks(self.of, watermarks)

    def read(self, policy: WatchPolicy, now: datetime) -> Ints:
        """For each customer the time it is, in seconds since 1970."""
        clocks, place = np.unique(self.of, return_inverse=True)
        shown = [int(time_by(policy, self.watermarks.get(clock), now).timestamp()) for clock in clocks.tolist()]
        return np.array(shown, dtype=np.int64)[place]


def time_by(policy: WatchPolicy, watermark: datetime | None, now: datetime) -> datetime:
    """The time that customers are judged at: ours, but not far beyond the newest event. A feed that stops must not
    make everybody late, and a replay of the past has the time of its events."""
    if watermark is None:
        return now
    return min(now, watermark + timedelta(days=policy.clock_goes_on_days))


def days_of(seconds: Ints) -> list[str]:
    """As people write them: 2026-03-31."""
    return [str(day) for day in np.datetime_as_string(seconds.astype("M8[s]"), unit="D")]
