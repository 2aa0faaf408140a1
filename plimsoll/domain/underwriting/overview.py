"""Which applications the overview counts, and in what bands of risk."""

from dataclasses import dataclass
from datetime import datetime

# Upper bounds of the bands of risk; round numbers, since every product has grades of its own.
BANDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)


@dataclass(frozen=True)
class Chosen:
    """All applications that fit, by the moment they were accepted."""

    product: str | None = None
    outcome: str | None = None
    arm: str | None = None
    version: str | None = None  # name@version of the model that scored
    since: datetime | None = None
    until: datetime | None = None
    unit: str = "day"  # of the time series: hour, day, week, month
    zone: str = "UTC"  # whose days they are
