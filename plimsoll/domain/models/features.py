"""Features: how facts become the columns a model reads. The same code in training and in service.

A number is itself, an ordinal its place in the declared order, a category one 0/1 column per
value, because a model would otherwise take the order of the codes for a fact.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.domain.models.examples import Column
from plimsoll.domain.underwriting.facts import Facts
from plimsoll.domain.underwriting.product import Direction, FeatureKind, FeatureSpec

Matrix = npt.NDArray[np.float32]
NOT_KNOWN = float("nan")


def snapshot(features: Sequence[FeatureSpec], facts: Facts) -> dict[str, Any]:
    """Feature name -> value in product words; None where nobody said anything."""
    return {spec.name: facts.read(spec.path) for spec in features}


def vector(features: Sequence[FeatureSpec], values: dict[str, Any]) -> Matrix:
    """One row of `column_names(features)`; NaN in every column of a feature that is not known."""
    return np.array([code for spec in features for code in _codes(spec, values.get(spec.name))], dtype=np.float32)


def columns_of(features: Sequence[FeatureSpec], snapshots: Iterable[Mapping[str, Any]]) -> dict[str, Column]:
    """Snapshots turned on their side: one array per feature, in product words."""
    rows = list(snapshots)
    return {spec.name: _column(spec, [row.get(spec.name) for row in rows]) for spec in features}


def matrix(features: Sequence[FeatureSpec], columns: Mapping[str, Column]) -> Matrix:
    """One row of `column_names(features)` per application; a column that is not there is not known."""
    count = len(next(iter(columns.values()), ()))
    # By column in memory: that is how it is filled here, and how tree libraries read it.
    rows = np.empty((count, len(column_names(features))), dtype=np.float32, order="F")
    place = 0
    for spec in features:
        wide = len(_expanded(spec))
        _fill(rows[:, place : place + wide], spec, columns.get(spec.name))
        place += wide
    return rows


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


def number_ranges(features: Sequence[FeatureSpec], columns: Mapping[str, Column]) -> dict[str, tuple[float, float]]:
    """Lowest and highest known value of each number; a number nobody ever knew has none."""
    numbers = (spec.name for spec in features if spec.kind is FeatureKind.NUMBER)
    known = {name: columns[name][~np.isnan(columns[name].astype(np.float64))] for name in numbers if name in columns}
    return {name: (float(values.min()), float(values.max())) for name, values in known.items() if len(values)}


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


def _column(spec: FeatureSpec, values: list[Any]) -> Column:
    if spec.kind is FeatureKind.NUMBER:
        return np.array([NOT_KNOWN if value is None else float(value) for value in values], dtype=np.float64)
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _fill(part: Matrix, spec: FeatureSpec, values: Column | None) -> None:
    if values is None:
        part[:] = NOT_KNOWN
    elif spec.kind is FeatureKind.NUMBER:
        part[:, 0] = values if values.dtype != object else _column(spec, list(values))
    else:
        codes = np.fromiter(map(_coder(spec.values), values.tolist()), dtype=np.int64, count=len(values))
        if spec.kind is FeatureKind.ORDINAL:
            part[:, 0] = np.where(codes >= 0, codes, NOT_KNOWN)
        else:
            for place in range(len(spec.values)):
                part[:, place] = codes == place
            part[codes == _ABSENT] = NOT_KNOWN


_ABSENT, _UNSEEN = -1, -2


class _Codes(dict[Any, int]):
    """Place of each value; what is not listed is absent (None, NaN) or unseen."""

    def __missing__(self, value: Any) -> int:
        return _ABSENT if value is None or value != value else _UNSEEN


def _coder(values: Sequence[str]) -> Callable[[Any], int]:
    return _Codes({value: place for place, value in enumerate(values)}).__getitem__
