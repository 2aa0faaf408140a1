"""Models that are a sum of one term per column: exact reasons, a JSON file, numpy alone to serve."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import Field

from plimsoll.adapters.models.families import Floats, Layout
from plimsoll.domain.models.features import Matrix
from plimsoll.domain.values import Value

MODEL, MEMBERS = "model.json", "members.json"
LARGEST_PIECE = 50_000  # rows at once, so that a million rows do not become a gigabyte of terms


class Term(Value):
    """The part of one column: a straight line within bounds, or a value per bin; and one for "not known"."""

    not_known: float = 0.0
    # A line: weight × (value held within low..high − centre).
    weight: float = 0.0
    centre: float = 0.0
    low: float = 0.0
    high: float = 0.0
    # Bins: value[i] for edges[i-1] < x <= edges[i].
    edges: tuple[float, ...] = ()
    values: tuple[float, ...] = Field(default=())

    def of(self, column: npt.NDArray[np.float32]) -> Floats:
        known = column.astype(np.float64)
        if self.values:
            told = np.asarray(self.values)[np.searchsorted(np.asarray(self.edges), known, side="left")]
        else:
            told = self.weight * (np.clip(known, self.low, self.high) - self.centre)
        return np.where(np.isnan(known), self.not_known, told)


class AdditiveModel(Value):
    intercept: float
    terms: tuple[Term, ...]

    def raw_log_odds(self, rows: Matrix) -> Floats:
        total = np.full(len(rows), self.intercept)
        for column, term in enumerate(self.terms):
            total += term.of(rows[:, column])
        return total

    def by_feature(self, rows: Matrix, owners: npt.NDArray[np.int64]) -> Floats:
        told = np.zeros((len(rows), int(owners.max()) + 1))
        for column, term in enumerate(self.terms):
            told[:, owners[column]] += term.of(rows[:, column])
        return told


class AdditiveMembers:
    def __init__(self, members: Sequence[AdditiveModel]) -> None:
        self._members = members

    def raw_log_odds(self, rows: Matrix) -> Floats:
        return np.stack([member.raw_log_odds(rows) for member in self._members], axis=1)


class AdditiveAttributor:
    """A sum needs no coalitions: a feature's Shapley value is its own terms less their mean in the reference."""

    def __init__(self, model: AdditiveModel, layout: Layout, reference: Matrix) -> None:
        self._model, self._owners = model, layout.owners
        self._usual = model.by_feature(reference, layout.owners).mean(axis=0)

    def contributions(self, rows: Matrix) -> Floats:
        told = np.empty((len(rows), len(self._usual)))
        for start in range(0, len(rows), LARGEST_PIECE):
            piece = slice(start, start + LARGEST_PIECE)
            told[piece] = self._model.by_feature(rows[piece], self._owners) - self._usual
        return told


class AdditiveFamily:
    """What families of sums have in common: how they are kept and explained."""

    quick = True
    files = (MODEL, MEMBERS)

    def save(self, model: AdditiveModel, members: Sequence[AdditiveModel], folder: Path) -> tuple[int, ...]:
        (folder / MODEL).write_text(model.model_dump_json() + "\n")
        (folder / MEMBERS).write_text(json.dumps([member.model_dump() for member in members]) + "\n")
        return ()

    def load(self, folder: Path, member_sizes: Sequence[int]) -> tuple[AdditiveModel, AdditiveMembers]:
        members = json.loads((folder / MEMBERS).read_bytes())
        return (
            AdditiveModel.model_validate_json((folder / MODEL).read_bytes()),
            AdditiveMembers([AdditiveModel.model_validate(member) for member in members]),
        )

    def attributor(self, model: AdditiveModel, layout: Layout, reference: Matrix) -> AdditiveAttributor:
        return AdditiveAttributor(model, layout, reference)


def bounded_logistic(
    design: Floats,
    bad: npt.NDArray[np.int64],
    penalty: float,
    bounds: Sequence[tuple[float | None, float | None]],
    weights: Floats | None = None,
) -> tuple[float, Floats]:
    """Intercept and weights of largest penalised likelihood, each weight within its bounds.

    Convex, so the bound solution is the solution: no variable need be dropped by hand for a wrong sign.
    """
    from scipy.optimize import minimize

    share = np.ones(len(bad)) if weights is None else weights
    share = share / share.sum()
    rate = float(share @ bad)
    start = np.zeros(design.shape[1] + 1)
    start[0] = np.log(rate / (1 - rate))

    def loss(beta: Floats) -> tuple[float, Floats]:
        raw = beta[0] + design @ beta[1:]
        missed = share * (1.0 / (1.0 + np.exp(-np.clip(raw, -40, 40))) - bad)
        value = float(share @ (np.logaddexp(0.0, raw) - bad * raw)) + 0.5 * penalty * float(beta[1:] @ beta[1:])
        return value, np.concatenate([[missed.sum()], design.T @ missed + penalty * beta[1:]])

    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(None, None), *bounds], options={"maxiter": 300})
    return float(found.x[0]), found.x[1:]
