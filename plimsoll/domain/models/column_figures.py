"""Figures of columns and of how they go with the ending, for checks that name what is odd."""

from math import exp, lgamma, log
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.domain.models.examples import Column
from plimsoll.domain.models.metrics import auc

FEW_OF_EACH = 200

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]


def area_of_number(values: Numbers, bad: Flags) -> float:
    if len(values) < FEW_OF_EACH or bad.sum() in (0, len(bad)):
        return 0.5
    return either_way(auc(bad.astype(np.int64), values))


def area_of_words(codes: npt.NDArray[np.int64], count: int, bad: Flags) -> float:
    """Each word as its share of bads among every second row, judged on the others: rare words prove nothing."""
    learnt = np.arange(len(codes)) % 2 == 0
    if not 0 < bad[~learnt].sum() < (~learnt).sum():
        return 0.5
    rows = np.bincount(codes[learnt], minlength=count)
    bads = np.bincount(codes[learnt], weights=bad[learnt].astype(np.float64), minlength=count)
    shares = (bads + 5 * bad.mean()) / (rows + 5)
    return either_way(auc(bad[~learnt].astype(np.int64), shares[codes[~learnt]]))


def area_of_ratio(one: Numbers, other: Numbers, labels: npt.NDArray[np.int64]) -> float:
    known = ~np.isnan(one) & ~np.isnan(other) & (other > 0)
    if known.sum() < FEW_OF_EACH or labels[known].sum() in (0, known.sum()):
        return 0.5
    return either_way(auc(labels[known], one[known] / other[known]))


def can_be_a_share(values: Numbers) -> bool:
    known = values[~np.isnan(values)]
    return len(known) >= FEW_OF_EACH and bool(known.min() >= 0) and len(np.unique(known[:1000])) > 10


def either_way(area: float) -> float:
    return max(area, 1.0 - area)


def usual_of(column: Column, missing: Flags) -> float:
    values, counts = np.unique(column[~missing], return_counts=True)
    return float(values[counts.argmax()])


def unusual(column: Column, missing: Flags) -> Flags:
    """Rows with another value than the one that most rows have; none where no value is that usual."""
    values, counts = np.unique(column[~missing], return_counts=True)
    if counts.max() < 0.5 * counts.sum():
        return np.zeros(len(column), dtype=np.bool_)
    return ~missing & (column != values[counts.argmax()])


def chance_of_so_many(hits: int, count: int, chance: float) -> float:
    """Chance of at least so many hits among `count`."""
    chance = min(max(chance, 1e-12), 1 - 1e-12)
    total = 0.0
    for number in range(hits, count + 1):
        ways = lgamma(count + 1) - lgamma(number + 1) - lgamma(count - number + 1)
        term = exp(ways + number * log(chance) + (count - number) * log(1 - chance))
        total += term
        if term < total * 1e-12:
            break
    return min(total, 1.0)


def missing_in(column: Column) -> Flags:
    if column.dtype == object:
        return np.fromiter((value is None or value != value for value in column), dtype=np.bool_, count=len(column))
    if column.dtype.kind == "M":
        return np.isnat(column)
    return np.isnan(column.astype(np.float64))


def codes_of(column: Column) -> tuple[npt.NDArray[np.int64], list[Any]]:
    places: dict[Any, int] = {}
    plain = (None if value is None or value != value else value for value in column)
    codes = np.fromiter((places.setdefault(value, len(places)) for value in plain), dtype=np.int64, count=len(column))
    return codes, list(places)


def counts_of(column: Column) -> dict[Any, int]:
    codes, values = codes_of(column.tolist() if column.dtype != object else column)
    return dict(zip(values, np.bincount(codes, minlength=len(values)).tolist(), strict=True))


def hashed(column: Column) -> npt.NDArray[np.uint64]:
    if column.dtype == object:
        codes, _ = codes_of(column)
        mixed = codes.astype(np.uint64)
    else:
        mixed = np.nan_to_num(column.astype(np.float64), nan=-1.5e300).view(np.uint64)
    return mixed * np.uint64(0x9E3779B97F4A7C15) ^ (mixed >> np.uint64(29))


def some_rows(count: int, most: int) -> npt.NDArray[np.int64]:
    """Spread over the whole, always the same."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False))
