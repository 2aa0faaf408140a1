"""Features: how facts become the columns a model reads. The same code in training and in service.

A number is itself, an ordinal its place in the declared order, a category one 0/1 column per
value, because a model would otherwise take the order of the codes for a fact.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.domain.facts import Facts
from plimsoll.domain.product import Direction, FeatureKind, FeatureSpec

Matrix = npt.NDArray[np.float32]
NOT_KNOWN = float("nan")


def snapshot(features: Sequence[FeatureSpec], facts: Facts) -> dict[str, Any]:
    """Feature name -> value in product words; None where nobody said anything."""
    return {spec.name: facts.read(spec.path) for spec in features}


def vector(features: Sequence[FeatureSpec], values: dict[str, Any]) -> Matrix:
    """One row of `column_names(features)`; NaN in every column of a feature that is not known."""
    return np.array([code for spec in features for code in _codes(spec, values.get(spec.name))], dtype=np.float32)


def matrix(features: Sequence[FeatureSpec], rows: Iterable[dict[str, Any]]) -> Matrix:
    """Snapshots as a matrix, one row each."""
    return np.stack([vector(features, row) for row in rows])


def column_names(features: Sequence[FeatureSpec]) -> list[str]:
    """`amount`, but `purpose=car_new`: one name per column of a matrix."""
    return [f"{spec.name}={value}" if value else spec.name for spec in features for value in _expanded(spec)]


def owners(features: Sequence[FeatureSpec]) -> npt.NDArray[np.int64]:
    """For each column the index of the feature it belongs to."""
    return np.array([index for index, spec in enumerate(features) for _ in _expanded(spec)], dtype=np.int64)


def monotone_signs(features: Sequence[FeatureSpec]) -> list[int]:
    """Per column: 1 the probability of default rises with it, -1 it falls, 0 free."""
    signs = {Direction.UP: 1, Direction.DOWN: -1, Direction.FREE: 0}
    return [
        0 if spec.kind is FeatureKind.CATEGORY else signs[spec.direction] for spec in features for _ in _expanded(spec)
    ]


def not_known(values: dict[str, Any]) -> tuple[str, ...]:
    """The features of a snapshot without a value."""
    return tuple(name for name, value in values.items() if value is None)


def _expanded(spec: FeatureSpec) -> tuple[str | None, ...]:
    return spec.values if spec.kind is FeatureKind.CATEGORY else (None,)


def _codes(spec: FeatureSpec, value: Any) -> list[float]:
    if value is None:
        return [NOT_KNOWN] * len(_expanded(spec))
    if spec.kind is FeatureKind.NUMBER:
        return [float(value)]
    if spec.kind is FeatureKind.ORDINAL:
        return [float(spec.values.index(value)) if value in spec.values else NOT_KNOWN]
    # A value outside the list is no value of ours: all columns stay 0, which novelty will notice.
    return [1.0 if value == known else 0.0 for known in spec.values]
