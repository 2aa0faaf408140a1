"""A quick model of unknown data, out of fold: good enough to place the first cut-offs, never kept."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from plimsoll.domain.models import metrics
from plimsoll.domain.models.examples import Column, Flags
from plimsoll.domain.models.features import matrix
from plimsoll.domain.underwriting.product import FeatureSpec
from plimsoll.domain.values import Value

MOST_ROWS = 20_000
FOLDS = 3
TREES, DEPTH, LEARNING_RATE = 120, 4, 0.12
THREADS = 2
SEED = 0


class FirstLook(Value):
    """How well the features tell goods from bads before anybody tuned anything."""

    rows: int
    auc: float
    auc_interval: tuple[float, float]


def first_look(
    features: Sequence[FeatureSpec],
    columns: dict[str, Column],
    bad: Flags,
    progress: Callable[[str, int, int], None] = lambda text, done, of: None,
) -> tuple[FirstLook, npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The figures, the calibrated probability of each row looked at by a model without it, and which rows these are."""
    rows = _some(bad)
    labels = bad[rows].astype(np.int64)
    inputs = matrix(features, {name: values[rows] for name, values in columns.items()})
    raw = np.zeros(len(rows))
    folds = _folds(labels)
    for fold in range(FOLDS):
        progress("a quick model for the first cut-offs", fold, FOLDS)
        inside = folds != fold
        raw[~inside] = _fit(inputs[inside], labels[inside]).predict(
            inputs[~inside], prediction_type="RawFormulaVal", thread_count=THREADS
        )
    probability = _calibrated(raw, labels)
    found = FirstLook(rows=len(rows), auc=metrics.auc(labels, raw), auc_interval=metrics.auc_interval(labels, raw))
    return found, probability, rows


def _some(bad: Flags) -> npt.NDArray[np.int64]:
    """All rows, or as many as are quick, with the same share of bads."""
    if len(bad) <= MOST_ROWS:
        return np.arange(len(bad))
    random = np.random.default_rng(SEED)
    kept = []
    for ending in (True, False):
        rows = np.flatnonzero(bad == ending)
        kept.append(random.choice(rows, round(MOST_ROWS * len(rows) / len(bad)), replace=False))
    return np.sort(np.concatenate(kept))


def _folds(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    random = np.random.default_rng(SEED)
    folds = np.empty(len(labels), dtype=np.int64)
    for label in (0, 1):
        members = random.permutation(np.flatnonzero(labels == label))
        folds[members] = np.arange(len(members)) % FOLDS
    return folds


def _fit(inputs: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]):
    from catboost import CatBoostClassifier

    model = CatBoostClassifier(
        iterations=TREES,
        depth=DEPTH,
        learning_rate=LEARNING_RATE,
        random_seed=SEED,
        thread_count=THREADS,
        verbose=0,
        allow_writing_files=False,
    )
    return model.fit(inputs, labels)


def _calibrated(raw: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1e6).fit(raw[:, None], labels).predict_proba(raw[:, None])[:, 1]
