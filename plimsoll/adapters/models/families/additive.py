"""Models that are a sum of one term per column: exact reasons, a JSON file, numpy alone to serve."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import Field

from plimsoll.adapters.models.families import Floats, Layout
from plimsoll.domain.features import Matrix
from plimsoll.domain.values import Value

MODEL, MEMBERS = "model.json", "members.json"
ROWS_OF_A_PIECE = 20_000
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
    Newton's steps, each the best within the bounds: some eight passes over the rows, where following the
    gradient takes hundreds.
    """
    share = np.ones(len(bad)) if weights is None else weights
    share = share / share.sum()
    rate = float(share @ bad)
    low = np.array([-np.inf, *(-np.inf if bound is None else bound for bound, _ in bounds)])
    high = np.array([np.inf, *(np.inf if bound is None else bound for _, bound in bounds)])
    beta = np.zeros(design.shape[1] + 1)
    beta[0] = np.log(rate / (1 - rate))
    loss, raw = _loss(beta, design, bad, share, penalty)
    for _ in range(MOST_STEPS):
        gradient, curvature = _shape_of_the_loss(raw, beta, design, bad, share, penalty)
        step = _best_step(gradient, curvature, low - beta, high - beta)
        promised = -float(gradient @ step)
        while promised > SETTLED:
            found, at = _loss(beta + step, design, bad, share, penalty)
            if found <= loss - 1e-4 * promised:
                break
            step, promised = step / 2, promised / 2
        if promised <= SETTLED:
            break
        beta, loss, raw = beta + step, found, at
    return float(beta[0]), beta[1:]


MOST_STEPS = 50
SETTLED = 1e-10  # of the mean loss of a row: what a further step could gain


def _loss(
    beta: Floats, design: Floats, bad: npt.NDArray[np.int64], share: Floats, penalty: float
) -> tuple[float, Floats]:
    """And the log-odds it is the loss of."""
    raw = beta[0] + design @ beta[1:]
    return float(share @ (np.logaddexp(0.0, raw) - bad * raw)) + 0.5 * penalty * float(beta[1:] @ beta[1:]), raw


def _shape_of_the_loss(
    raw: Floats, beta: Floats, design: Floats, bad: npt.NDArray[np.int64], share: Floats, penalty: float
) -> tuple[Floats, Floats]:
    """Gradient and second derivatives, some rows at a time: weighted, they are a copy of the design."""
    width = len(beta)
    gradient, curvature = np.zeros(width), np.zeros((width, width))
    for at in range(0, len(design), ROWS_OF_A_PIECE):
        piece = slice(at, at + ROWS_OF_A_PIECE)
        rows = np.hstack([np.ones((len(design[piece]), 1)), design[piece]])
        chance = 1.0 / (1.0 + np.exp(-np.clip(raw[piece], -40, 40)))
        gradient += rows.T @ (share[piece] * (chance - bad[piece]))
        curvature += rows.T @ (rows * (share[piece] * chance * (1.0 - chance))[:, None])
    gradient[1:] += penalty * beta[1:]
    curvature[np.arange(1, width), np.arange(1, width)] += penalty
    return gradient, curvature


def _best_step(gradient: Floats, curvature: Floats, low: Floats, high: Floats) -> Floats:
    """Where the parabola through here is lowest, within the bounds."""
    from scipy.optimize import minimize

    # Two columns that say the same have no lowest point: this much of a slope chooses one.
    curvature = curvature + 1e-10 * np.eye(len(gradient))
    free: Floats = np.linalg.solve(curvature, -gradient).astype(np.float64)
    if np.all((low <= free) & (free <= high)):
        return free
    scale = 1.0 / np.sqrt(np.diag(curvature))

    def worth(step: Floats) -> tuple[float, Floats]:
        slope = scale * (curvature @ (scale * step))
        return float(step @ (scale * gradient) + 0.5 * step @ slope), scale * gradient + slope

    found = minimize(
        worth, np.clip(free, low, high) / scale, jac=True, method="L-BFGS-B",
        bounds=list(zip(low / scale, high / scale, strict=True)),
        options={"maxiter": 2_000, "ftol": 1e-15, "gtol": 1e-10},
    )  # fmt: skip
    return np.clip(scale * found.x, low, high)
