"""A model made to be compared, not to be kept: learnt, calibrated and asked on a hold-out, without a version."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from plimsoll.adapters.models.calibrating import calibrated
from plimsoll.adapters.models.families import Floats, family_named, layout_of
from plimsoll.adapters.models.folds import folds_of
from plimsoll.domain.models.calibration import Calibration
from plimsoll.domain.models.examples import Column, Examples
from plimsoll.domain.models.features import Matrix, matrix
from plimsoll.domain.models.retraining_gate import Tried
from plimsoll.domain.underwriting.product import FeatureSpec

FAMILY = "catboost"
SETTINGS = {"depth": 4, "trees": 200, "learning_rate": 0.08, "l2_leaf_reg": 3.0}
FOLDS = 3  # for the calibration
REFERENCE_ROWS = 50
TIMED = 200  # single scores


@dataclass(frozen=True)
class Trial:
    """One fitted model with what a comparison asks of it."""

    features: tuple[FeatureSpec, ...]
    model: Any
    calibration: Calibration
    reference: Matrix  # applicants of middling risk, against whom contributions are told
    learnt_until: date
    rows: int

    def probabilities(self, columns: Mapping[str, Column]) -> Floats:
        return self.calibration.probability(self.model.raw_log_odds(matrix(self.features, columns)))

    def tried(self, name: str, columns: Mapping[str, Column], approving: float) -> Tried:
        """On these rows, approving that share of them."""
        rows = matrix(self.features, columns)
        probability = self.calibration.probability(self.model.raw_log_odds(rows))
        return Tried(
            name=name,
            learnt_until=self.learnt_until,
            probability=probability,
            approved=probability <= np.quantile(probability, approving),
            principal=self._principal(rows),
            milliseconds=self._timed(rows),
        )

    def _principal(self, rows: Matrix) -> Column:
        """Of each row the concept that raised its risk most."""
        attributor = family_named(FAMILY).attributor(self.model, layout_of(self.features), self.reference)
        contributions = attributor.contributions(rows)
        concepts = sorted({spec.concept for spec in self.features})
        summed = np.stack(
            [contributions[:, [spec.concept == concept for spec in self.features]].sum(axis=1) for concept in concepts],
            axis=1,
        )
        return np.array(concepts, dtype=object)[summed.argmax(axis=1)]

    def _timed(self, rows: Matrix) -> Floats:
        return np.array([self._took(rows[at : at + 1]) for at in range(min(TIMED, len(rows)))])

    def _took(self, row: Matrix) -> float:
        """The best of three: what else the machine does is no fault of the model."""
        took = []
        for _ in range(3):
            began = time.perf_counter()
            self.model.raw_log_odds(row)
            took.append((time.perf_counter() - began) * 1_000)
        return min(took)


def learn(features: Sequence[FeatureSpec], examples: Examples, seed: int = 0) -> Trial:
    """In the directions the features declare; calibrated on scores of models that did not see the row."""
    family, layout = family_named(FAMILY), layout_of(features)
    rows, bad = matrix(features, examples.columns), examples.bad.astype(np.int64)
    outside = np.empty(len(bad))
    for fold in folds_of(bad, FOLDS, seed):
        outside[fold] = family.fit(layout, rows[~fold], bad[~fold], SETTINGS, seed).raw_log_odds(rows[fold])
    middling = np.argsort(np.abs(outside - np.median(outside)), kind="stable")[:REFERENCE_ROWS]
    made: Any = examples.applied_on
    return Trial(
        features=tuple(features),
        model=family.fit(layout, rows, bad, SETTINGS, seed),
        calibration=calibrated(outside, bad),
        reference=rows[middling],
        learnt_until=made.max().astype(object),
        rows=len(bad),
    )
