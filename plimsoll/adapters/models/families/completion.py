"""What stands for a value that is not known, where a family cannot take the gap as it is.

The declared rule: a number or a step takes the training median, a category none of its
values, and a column beside it says that it was not known. So a gap has a weight of its own
and is neither zero nor the best nor the worst case.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from plimsoll.adapters.models.families import Layout
from plimsoll.domain.models.features import Matrix

COMPLETION = "completion.json"


class Completion:
    """`stand_ins` has NaN for a column that is left as it is; `absences` are the columns told about."""

    def __init__(self, stand_ins: Sequence[float | None], absences: Sequence[int]) -> None:
        self.stand_ins = np.array([np.nan if value is None else value for value in stand_ins], dtype=np.float32)
        self.absences = list(absences)
        self.changes_nothing = bool(np.isnan(self.stand_ins).all())

    @classmethod
    def learnt(cls, layout: Layout, rows: Matrix, columns: npt.NDArray[np.bool_]) -> "Completion":
        """Stand-ins for these columns, and a column more for each of their features that had gaps."""
        gaps = np.asarray(np.isnan(rows).any(axis=0))
        first = np.unique(layout.owners, return_index=True)[1]
        return cls(
            [_usual(rows[:, at], bool(layout.dummies[at])) if columns[at] else None for at in range(rows.shape[1])],
            [int(at) for at in first if gaps[at] and columns[at]],
        )

    def of(self, rows: Matrix) -> Matrix:
        if self.changes_nothing:
            return rows
        absent = np.isnan(rows)
        filled = np.where(absent, self.stand_ins, rows)
        return np.concatenate([filled, absent[:, self.absences].astype(np.float32)], axis=1)

    def layout(self, layout: Layout) -> Layout:
        """The columns there are after completing."""
        return Layout(
            names=(*layout.names, *(f"{layout.names[column]} not known" for column in self.absences)),
            owners=np.concatenate([layout.owners, layout.owners[self.absences]]).astype(np.int64),
            signs=(*layout.signs, *(0 for _ in self.absences)),
            dummies=np.concatenate([layout.dummies, np.ones(len(self.absences), dtype=np.bool_)]),
        )


def write(completion: Completion, folder: Path) -> None:
    stand_ins = [None if np.isnan(value) else float(value) for value in completion.stand_ins]
    (folder / COMPLETION).write_text(json.dumps({"stand_ins": stand_ins, "absences": completion.absences}) + "\n")


def read(folder: Path) -> Completion:
    """A version of before there was one leaves every gap as it is."""
    path = folder / COMPLETION
    return Completion(**json.loads(path.read_bytes())) if path.exists() else Completion([], [])


def _usual(column: Matrix, dummy: bool) -> float:
    known = column[~np.isnan(column)]
    return 0.0 if dummy or len(known) == 0 else float(np.median(known))
