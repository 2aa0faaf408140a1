"""From a calibrated probability and the signals to a level, as the policy says (`watch/signals.toml`).

The highest level whose row holds is the customer's. A row may ask for a probability, for signals, or for
both; so a returned debit can count where no model has anything to read, and a probability alone need not.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from plimsoll.domain.values import BY_SEVERITY, RiskLevel, Value
from plimsoll.domain.watching.signals import NAMES, PLACE

Floats = npt.NDArray[np.float64]
RANKS = {level: level.severity for level in RiskLevel}
NO_ROW = -1


class LevelRow(Value):
    """All of it must hold. A signal that is not known holds nothing."""

    level: RiskLevel
    name: str = Field(min_length=1, max_length=80)
    probability_from: float | None = Field(default=None, gt=0, lt=1)
    signals_from: Mapping[str, float] = Field(default_factory=dict)  # signal -> at least so much

    @model_validator(mode="after")
    def can_hold(self) -> "LevelRow":
        if self.level is RiskLevel.LOW:
            raise ValueError("low is what is left when no row holds: it needs none of its own")
        if self.probability_from is None and not self.signals_from:
            raise ValueError(f"the row {self.name!r} holds for everybody: name a probability or a signal")
        unknown = next((name for name in self.signals_from if name not in PLACE), None)
        if unknown is not None:
            raise ValueError(
                f"the row {self.name!r} reads {unknown!r}, which is no signal; there are {', '.join(NAMES)}"
            )
        return self


def levels(
    rows: tuple[LevelRow, ...], probability: Floats, matrix: Floats
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each customer the rank of the level, and the place of the row that gave it (the first of its level)."""
    rank = np.full(len(matrix), RANKS[RiskLevel.LOW], dtype=np.int64)
    by = np.full(len(matrix), NO_ROW, dtype=np.int64)
    for place, row in enumerate(rows):
        holds = _holds(row, probability, matrix) & (RANKS[row.level] > rank)
        rank[holds], by[holds] = RANKS[row.level], place
    return rank, by


def level_of(rank: Any) -> RiskLevel:
    return BY_SEVERITY[int(rank)]


def _holds(row: LevelRow, probability: Floats, matrix: Floats) -> npt.NDArray[np.bool_]:
    """What is not known is NaN, which is not as high as anything."""
    holds = np.ones(len(matrix), dtype=bool)
    if row.probability_from is not None:
        holds &= probability >= row.probability_from
    for name, least in row.signals_from.items():
        holds &= matrix[:, PLACE[name]] >= least
    return holds
