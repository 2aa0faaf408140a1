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
    by nobody before `label_known_on`. `undated` rows lie in a file that knows no days: they
    ended before anything that has one, so they are learnt from and never held out by time.
    """

    columns: Mapping[str, Column]
    bad: Flags
    applied_on: Column | None = None  # datetime64[D]
    label_known_on: Column | None = None  # datetime64[D]
    groups: Mapping[str, Column] = field(default_factory=dict)
    references: Column | None = None  # the lender's own number of each application
    undated: Flags | None = None
    decided_here: Flags | None = None  # the features as they were recorded at the decision, the label as reported

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
            undated=None if self.undated is None else self.undated[rows],
            decided_here=None if self.decided_here is None else self.decided_here[rows],
        )

    def known_by(self, day: date) -> "Examples":
        """What a model trained on that day could have learnt from: labels known by then."""
        if self.label_known_on is None:
            return self
        return self.take((self.label_known_on <= np.datetime64(day)) | self.of_before)

    @property
    def of_before(self) -> Flags:
        """`undated`, also where nobody said so."""
        return np.zeros(len(self), dtype=np.bool_) if self.undated is None else self.undated

    @property
    def count_decided_here(self) -> int:
        return 0 if self.decided_here is None else int(self.decided_here.sum())


def pooled(file: Examples, recorded: Examples) -> Examples:
    """Both in one, by the file's columns. An application that is in both is taken from the file.

    The file's, because a champion that learnt from the file may have learnt from that row.
    """
    if file.references is not None and recorded.references is not None:
        recorded = recorded.take(~np.isin(recorded.references.astype(str), file.references.astype(str)))
    if not len(recorded):
        return file
    dated = file.applied_on is not None and file.label_known_on is not None
    rows = len(file)
    days = np.full(rows, np.datetime64("NaT"), dtype="datetime64[D]")
    return Examples(
        columns={name: np.concatenate([values, recorded.columns[name]]) for name, values in file.columns.items()},
        bad=np.concatenate([file.bad, recorded.bad]),
        applied_on=_joined(file.applied_on if dated else days, recorded.applied_on),
        label_known_on=_joined(file.label_known_on if dated else days, recorded.label_known_on),
        groups={name: np.concatenate([of, _nobody_said(len(recorded))]) for name, of in file.groups.items()},
        references=_joined(file.references, recorded.references),
        undated=np.concatenate([np.full(rows, not dated), np.zeros(len(recorded), dtype=np.bool_)]),
        decided_here=np.concatenate([np.zeros(rows, dtype=np.bool_), np.ones(len(recorded), dtype=np.bool_)]),
    )


def _joined(one: Column | None, other: Column | None) -> Column | None:
    return None if one is None or other is None else np.concatenate([one, other])


def _nobody_said(rows: int) -> Column:
    return np.full(rows, None, dtype=object)
