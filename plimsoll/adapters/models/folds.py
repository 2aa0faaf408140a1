"""Rows dealt into folds, and what ranks differ by over them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from plimsoll.adapters.models.families import Floats, Labels
from plimsoll.domain.models import metrics
from plimsoll.domain.models.metrics import PairedDifference


def folds_of(bad: Labels, folds: int, seed: int) -> list[npt.NDArray[np.bool_]]:
    """Stratified: bads and goods are dealt out apart."""
    random = np.random.default_rng(seed)
    place = np.empty(len(bad), dtype=np.int64)
    for label in (0, 1):
        members = random.permutation(np.flatnonzero(bad == label))
        place[members] = np.arange(len(members)) % folds
    return [place == fold for fold in range(folds)]


def thinned_rows(bad: Labels, most: int, seed: int) -> npt.NDArray[np.int64]:
    """At most so many rows, goods and bads in their proportion."""
    if len(bad) <= most:
        return np.arange(len(bad))
    random = np.random.default_rng(seed)
    chosen = [
        random.permutation(np.flatnonzero(bad == label))[: max(1, round(most * float((bad == label).mean())))]
        for label in (0, 1)
    ]
    return np.sort(np.concatenate(chosen))


def areas_by_fold(bad: Labels, raw: Floats, folds: Sequence[npt.NDArray[np.bool_]]) -> list[float]:
    """Nan for a fold that nobody was asked about."""
    return [float("nan") if np.isnan(raw[fold]).any() else metrics.auc(bad[fold], raw[fold]) for fold in folds]


def paired(first: Sequence[float], second: Sequence[float], folds: int) -> PairedDifference:
    return metrics.repeated_folds_difference(np.asarray(first) - np.asarray(second), folds)
