"""Logistic regression on scaled columns, its weights held to the declared signs."""

from typing import Any

import numpy as np

from plimsoll.adapters.models.families import Floats, Labels, Layout
from plimsoll.adapters.models.families.additive import AdditiveFamily, AdditiveModel, Term, bounded_logistic
from plimsoll.domain.models.features import Matrix

# A line through a heavy tail is drawn by the tail: values beyond these shares count as the bound itself.
BOUNDS = (0.01, 0.99)
SIGNS: dict[int, tuple[float | None, float | None]] = {1: (0.0, None), -1: (None, 0.0), 0: (None, None)}


class Logistic(AdditiveFamily):
    name = "logistic"
    algorithm = "Logistic regression on scaled columns, weights held to the declared signs"

    def defaults(self, rows: int) -> dict[str, Any]:
        return {"penalty": 1.0 / max(rows, 1) ** 0.75}

    def suggest(self, trial: Any, rows: int) -> dict[str, Any]:
        return {"penalty": trial.suggest_float("penalty", 1e-6, 1e-1, log=True)}

    def smaller(self, settings: dict[str, Any]) -> dict[str, Any]:
        return settings

    def fit(
        self,
        layout: Layout,
        rows: Matrix,
        bad: Labels,
        settings: dict[str, Any],
        seed: int,
        weights: Floats | None = None,
        like: Any = None,
    ) -> AdditiveModel:
        lines = [_line(rows[:, column], bool(layout.dummies[column])) for column in range(rows.shape[1])]
        absent = _absences(layout, rows)
        design = np.empty((len(rows), len(lines) + len(absent)))
        for column, (low, high, centre, width) in enumerate(lines):
            scaled = (np.clip(rows[:, column].astype(np.float64), low, high) - centre) / width
            design[:, column] = np.where(np.isnan(scaled), 0.0, scaled)
        for place, column in enumerate(absent):
            design[:, len(lines) + place] = np.isnan(rows[:, column])
        bounds = [SIGNS[sign] for sign in layout.signs] + [(None, None)] * len(absent)
        intercept, beta = bounded_logistic(design, bad, settings["penalty"], bounds, weights)
        told = {column: float(beta[len(lines) + place]) for place, column in enumerate(absent)}
        return AdditiveModel(
            intercept=intercept,
            terms=tuple(
                Term(
                    weight=float(beta[column]) / width,
                    centre=centre,
                    low=low,
                    high=high,
                    not_known=told.get(column, 0.0),
                )
                for column, (low, high, centre, width) in enumerate(lines)
            ),
        )


def _line(column: Matrix, dummy: bool) -> tuple[float, float, float, float]:
    """Low, high, centre and width. What is not known sits at the centre, and its own weight says the rest."""
    known = column[~np.isnan(column)].astype(np.float64)
    if len(known) == 0:
        return 0.0, 0.0, 0.0, 1.0
    low, high = (0.0, 1.0) if dummy else (float(bound) for bound in np.quantile(known, BOUNDS))
    held = np.clip(known, low, high)
    return low, high, float(held.mean()), float(held.std()) or 1.0


def _absences(layout: Layout, rows: Matrix) -> list[int]:
    """The first column of every feature that was not always known in training."""
    first = np.unique(layout.owners, return_index=True)[1]
    return [int(column) for column in first if np.isnan(rows[:, column]).any()]
