"""A scorecard: logistic regression on binned columns, each bin worth its weight of evidence.

Bins are pooled until bad rates move in the declared direction, and no weight may be negative,
so the whole keeps the direction by construction.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.adapters.models.families import Floats, Labels, Layout
from plimsoll.adapters.models.families.additive import AdditiveFamily, AdditiveModel, Term, bounded_logistic
from plimsoll.domain.models.features import Matrix

# A bin's odds are pulled towards the sample's by this many rows: a bin of three bads has no weight of evidence.
PULL = 10.0


class Scorecard(AdditiveFamily):
    name = "scorecard"
    algorithm = "Scorecard: logistic regression on weights of evidence, bins pooled to the declared directions"

    def defaults(self, rows: int) -> dict[str, Any]:
        return {"bins": int(np.clip(rows / 200, 4, 20)), "penalty": 1.0 / max(rows, 1) ** 0.75}

    def suggest(self, trial: Any, rows: int) -> dict[str, Any]:
        return {
            "bins": trial.suggest_int("bins", 4, 24),
            "penalty": trial.suggest_float("penalty", 1e-6, 1e-1, log=True),
        }

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
        share = np.ones(len(bad)) if weights is None else weights
        terms: list[Term] = []
        seen: set[int] = set()
        for column, owner in enumerate(layout.owners):
            # "Not known" is one fact about a feature, so its first column alone carries it.
            term = _term(rows[:, column], bad, share, layout, column, settings["bins"], int(owner) not in seen)
            seen.add(int(owner))
            terms.append(term)
        first = np.unique(layout.owners, return_index=True)[1]
        design = np.zeros((len(rows), len(first)))
        for column, owner in enumerate(layout.owners):
            design[:, owner] += terms[column].of(rows[:, column])
        intercept, beta = bounded_logistic(design, bad, settings["penalty"], [(0.0, None)] * len(first), weights)
        return AdditiveModel(
            intercept=intercept,
            terms=tuple(_times(term, float(beta[layout.owners[column]])) for column, term in enumerate(terms)),
        )


def _term(
    column: Matrix, bad: Labels, share: Floats, layout: Layout, place: int, bins: int, tells_absence: bool
) -> Term:
    absent = np.isnan(column)
    whole = float(share @ bad) / float(share.sum())
    not_known = (
        _evidence(float(share[absent] @ bad[absent]), float(share[absent].sum()), whole) if tells_absence else 0.0
    )
    if layout.dummies[place]:
        chosen = column == 1
        worth = _evidence(float(share[chosen] @ bad[chosen]), float(share[chosen].sum()), whole)
        return Term(edges=(0.5,), values=(0.0, float(worth)), not_known=float(not_known))
    known = column[~absent].astype(np.float64)
    edges = _edges(known, bins)
    which = np.searchsorted(edges, known, side="left")
    count = np.bincount(which, weights=share[~absent], minlength=len(edges) + 1)
    bads = np.bincount(which, weights=share[~absent] * bad[~absent], minlength=len(edges) + 1)
    evidence = np.array([_evidence(some, of, whole) for some, of in zip(bads, count, strict=True)])
    if layout.signs[place]:
        evidence = layout.signs[place] * rising(layout.signs[place] * evidence, count)
    return Term(edges=tuple(edges.tolist()), values=tuple(evidence.tolist()), not_known=float(not_known))


def _edges(known: Floats, bins: int) -> Floats:
    """Inner edges of bins of about equal count; few distinct values get a bin each."""
    if len(known) == 0:
        return np.empty(0)
    distinct = np.unique(known)
    if len(distinct) <= bins:
        return (distinct[:-1] + distinct[1:]) / 2
    return np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1]))


def _evidence(bads: float, count: float, whole: float) -> float:
    """Log-odds of a bin less those of all rows."""
    rate = (bads + PULL * whole) / (count + PULL)
    return float(np.log(rate / (1 - rate)) - np.log(whole / (1 - whole)))


def rising(values: Floats, weights: npt.NDArray[Any]) -> Floats:
    """The nearest never-falling sequence: neighbours out of order are pooled."""
    pools: list[list[float]] = []  # mean, weight, how many
    for value, weight in zip(values, np.maximum(weights, 1e-9), strict=True):
        pools.append([float(value), float(weight), 1])
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            mean, weight_, many = pools.pop()
            before = pools[-1]
            before[0] = (before[0] * before[1] + mean * weight_) / (before[1] + weight_)
            before[1] += weight_
            before[2] += many
    return np.concatenate([np.full(int(many), mean) for mean, _, many in pools])


def _times(term: Term, weight: float) -> Term:
    return Term(
        edges=term.edges, values=tuple(weight * value for value in term.values), not_known=weight * term.not_known
    )
