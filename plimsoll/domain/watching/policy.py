"""What a risk team decides about watching: `watch/signals.toml` as the program sees it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from plimsoll.domain.values import RiskLevel, Value
from plimsoll.domain.watching.levels import LevelRow
from plimsoll.domain.watching.rhythm import holidays_of
from plimsoll.domain.watching.signals import NAMES, PLACE
from plimsoll.domain.watching.triggers import EventRule, TimerRule

FIRST_YEAR, LAST_YEAR = 1990, 2050


class SensitiveTerms(Value):
    """Signals that can tell of health, gambling and the like. Off, nothing of them is kept."""

    keep: bool = False


class WatchPolicy(Value):
    """Everything here is data; a change counts from the next event on."""

    product: str = Field(min_length=1)  # whose model tells the probability
    model_needs: float = Field(default=0.5, ge=0, le=1)  # share of the model's features that must be known
    hand_over_from: RiskLevel = RiskLevel.MEDIUM
    remind_after_days: int = Field(default=7, ge=1, le=366)
    silent_after_days: int = Field(default=62, ge=1, le=366)
    clock_goes_on_days: int = Field(default=1, ge=0, le=31)
    holidays: tuple[str, ...] = ()
    sensitive: SensitiveTerms = SensitiveTerms()
    events: tuple[EventRule, ...]
    timers: tuple[TimerRule, ...] = ()
    levels: tuple[LevelRow, ...]
    words: Mapping[str, str]

    @model_validator(mode="after")
    def can_be_said(self) -> "WatchPolicy":
        unknown = next((name for name in self.words if name not in PLACE), None)
        if unknown is not None:
            raise ValueError(f"[words] speaks of {unknown!r}, which is no signal; there are {', '.join(NAMES)}")
        silent = next((name for row in self.levels for name in row.signals_from if name not in self.words), None)
        if silent is not None:
            raise ValueError(f"[words] has no sentence for {silent!r}, which a row of levels reads")
        rows = (self.events, self.timers, self.levels)
        for names in ([row.name for row in kind] for kind in rows):
            if twice := next((name for name in names if names.count(name) > 1), None):
                raise ValueError(f"two rows are called {twice!r}: the record tells them apart by name")
        return self

    @cached_property
    def days_off(self) -> Any:
        return holidays_of(self.holidays, FIRST_YEAR, LAST_YEAR) if self.holidays else np.array([], dtype="M8[D]")

    def is_silent(self, newest_at: datetime | None, watermark: datetime | None) -> bool:
        """Whether the customer whose newest event was known then counts as silent by the clock of their product."""
        if newest_at is None or watermark is None:
            return False
        return watermark - newest_at > timedelta(days=self.silent_after_days)
