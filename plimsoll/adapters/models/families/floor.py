"""What every candidate is held against: CatBoost as it comes, on the same columns, without directions.

It takes categories as CatBoost likes them, as words. It is never released.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plimsoll.adapters.models.families import THREADS, Floats, Labels
from plimsoll.domain.models.examples import Column
from plimsoll.domain.models.features import matrix
from plimsoll.domain.underwriting.product import FeatureKind, FeatureSpec

FLOOR = "catboost defaults"


def out_of_fold_part(
    features: Sequence[FeatureSpec], columns: Mapping[str, Column], bad: Labels, inside: Any, outside: Any, seed: int
) -> Floats:
    """Raw log-odds of the rows outside by a model of the rows inside."""
    from catboost import CatBoostClassifier, Pool

    frame, words = _as_catboost_likes_it(features, columns)
    model = CatBoostClassifier(random_seed=seed, thread_count=THREADS, verbose=0, allow_writing_files=False)
    model.fit(Pool(frame[inside], bad[inside], cat_features=words))
    return model.predict(Pool(frame[outside], cat_features=words), prediction_type="RawFormulaVal")


def _as_catboost_likes_it(features: Sequence[FeatureSpec], columns: Mapping[str, Column]) -> tuple[Any, list[int]]:
    words = [place for place, spec in enumerate(features) if spec.kind is FeatureKind.CATEGORY]
    numbers = [spec for spec in features if spec.kind is not FeatureKind.CATEGORY]
    rows = matrix(numbers, columns)
    if not words:
        return rows, []
    frame = np.empty((len(rows), len(features)), dtype=object)
    at = 0
    for place, spec in enumerate(features):
        if spec.kind is FeatureKind.CATEGORY:
            frame[:, place] = [_word(value) for value in columns[spec.name]]
        else:
            frame[:, place] = rows[:, at]
            at += 1
    return frame, words


def _word(value: Any) -> str:
    return "not known" if value is None or value != value else str(value)
