"""A product's features and a set's plain columns on the same folds: what the features are worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plimsoll.adapters.models.families import Floats, family_named, layout_of
from plimsoll.adapters.models.families.floor import out_of_fold_part
from plimsoll.adapters.models.folds import folds_of
from plimsoll.domain.models.examples import Column, Examples
from plimsoll.domain.models.features import matrix
from plimsoll.domain.underwriting.product import FeatureSpec

SETTINGS: dict[str, Any] = {"depth": 6, "trees": 300, "learning_rate": 0.05, "l2_leaf_reg": 3.0}


@dataclass(frozen=True)
class Beside:
    """Out-of-fold log-odds of both, in one repeat."""

    ours: Floats
    plain: Floats
    folds: Sequence[Any]  # masks


def beside_plain(
    features: Sequence[FeatureSpec],
    examples: Examples,
    plain_features: Sequence[FeatureSpec],
    plain: Mapping[str, Column],
    repeat: int,
    folds: int = 5,
) -> Beside:
    """Ours is CatBoost with the directions of the features; the other CatBoost as it comes, on the plain columns."""
    bad, family, layout = examples.bad.astype(np.int64), family_named("catboost"), layout_of(features)
    rows = matrix(features, examples.columns)
    made = Beside(np.empty(len(bad)), np.empty(len(bad)), folds_of(bad, folds, repeat))
    for fold in made.folds:
        made.ours[fold] = family.fit(layout, rows[~fold], bad[~fold], SETTINGS, 0).raw_log_odds(rows[fold])
        made.plain[fold] = out_of_fold_part(plain_features, plain, bad, ~fold, fold, 0)
    return made
