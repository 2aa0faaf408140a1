"""Labelled applications by column: what training, comparison and drift references read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Examples:
    """One row per application; every array has the same length.

    `columns` maps a feature's name to its values in product words: float64 with NaN for
    numbers, object (text or None) for ordinals and categories. `groups` holds sensitive
    attributes for the fairness report and is never a column of a model. A label may be read
    by nobody before `label_known_on`.
    """

    columns: Mapping[str, Column]
    bad: Flags
    applied_on: Column | None = None  # datetime64[D]
    label_known_on: Column | None = None  # datetime64[D]
    groups: Mapping[str, Column] = field(default_factory=dict)
    references: Column | None = None  # the lender's own number of each application

    def __len__(self) -> int:
        return len(self.bad)

    @property
    def target_rate(self) -> float:
        return float(self.bad.mean()) if len(self) else float("nan")

    def take(self, rows: npt.NDArray[Any]) -> "Examples":
        """These rows only, by index or by mask."""
        return Examples(
            columns={name: values[rows] for name, values in self.columns.items()},
            bad=self.bad[rows],
            applied_on=None if self.applied_on is None else self.applied_on[rows],
            label_known_on=None if self.label_known_on is None else self.label_known_on[rows],
            groups={name: values[rows] for name, values in self.groups.items()},
            references=None if self.references is None else self.references[rows],
        )

    def known_by(self, day: date) -> "Examples":
        """What a model trained on that day could have learnt from: labels known by then."""
        if self.label_known_on is None:
            return self
        return self.take(self.label_known_on <= np.datetime64(day))
