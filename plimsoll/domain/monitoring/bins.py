"""The bins of a column, fixed once from the applications a model learnt from.

Ten quantile bins for a number; one bin a value for a category, and for a number that has few
values (quantile bins of a column with one value see nothing, whatever comes after); one for
what is missing and one for what was never seen. Only bins and counts are kept: no row can be
put together from them.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.domain.models.examples import Column
from plimsoll.domain.underwriting.product import FeatureKind, FeatureSpec
from plimsoll.domain.values import Value

Counts = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]

QUANTILE_BINS = 10
FEW_VALUES = 10  # a number with no more is a category
MOST_VALUES = 100  # of a category; the rarer ones share a bin
KNOTS = 200  # of the curve KS is read from: its gap is known to half a percentage point
MISSING, UNSEEN, OTHER = "missing", "unseen", "other values"


class ColumnReference(Value):
    """One column as it was in training: its bins, and how many rows fell into each."""

    name: str
    kind: FeatureKind
    edges: tuple[float, ...] = ()  # of quantile bins: a bin ends at its edge, edge included
    values: tuple[str, ...] = ()  # otherwise one bin each, in order
    counts: tuple[int, ...]  # of the bins above
    other: int = 0  # rows with one of the values too rare to be listed
    missing: int = 0
    knots: tuple[float, ...] = ()  # of a number: where its curve was read
    up_to_knot: tuple[float, ...] = ()  # share of known values up to each

    @property
    def rows(self) -> int:
        return sum(self.counts) + self.other + self.missing

    @property
    def by_quantiles(self) -> bool:
        return self.kind is FeatureKind.NUMBER and bool(self.counts) and not self.values

    def labels(self) -> tuple[str, ...]:
        """A name for each bin, the last two for what is missing and what was never seen."""
        names = _interval_names(self.edges) if self.by_quantiles else self.values
        return (*names, MISSING, OTHER if self.other else UNSEEN)

    def all_counts(self) -> Counts:
        return np.array([*self.counts, self.missing, self.other], dtype=np.int64)


def column_reference(name: str, column: Column, spec: FeatureSpec | None = None) -> ColumnReference:
    kind = spec.kind if spec else (FeatureKind.NUMBER if column.dtype.kind in "biuf" else FeatureKind.CATEGORY)
    if kind is FeatureKind.NUMBER:
        return _of_numbers(name, column)
    return _of_words(name, column, kind, spec.values if spec else ())


def _of_numbers(name: str, column: Column) -> ColumnReference:
    known = _sorted_known(column)
    distinct = _distinct(known)
    missing = len(column) - len(known)
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()
    if len(distinct) <= FEW_VALUES:
        knots, values = distinct, tuple(_as_word(value) for value in distinct)
        counts = _counts_of_values(known, distinct)
    else:
        quantiles = np.unique(np.quantile(known, np.linspace(0, 1, QUANTILE_BINS + 1)))
        # Ends are dropped after what is equal was put together: a first bin is everything up to its edge.
        edges = tuple(float(edge) for edge in quantiles[1:-1])
        counts = _counts_between(known, edges)
        # Not the very ends: those are one person's values.
        knots = np.unique(np.quantile(known, np.arange(1, KNOTS) / KNOTS))
    return ColumnReference(
        name=name,
        kind=FeatureKind.NUMBER,
        edges=edges,
        values=values,
        counts=tuple(int(count) for count in counts),
        missing=missing,
        knots=tuple(float(knot) for knot in knots),
        up_to_knot=tuple(float(share) for share in _curve(known, knots)),
    )


def _of_words(name: str, column: Column, kind: FeatureKind, declared: Sequence[str]) -> ColumnReference:
    counted = _counted(column)
    missing = counted.pop(None, 0)
    place = {value: index for index, value in enumerate(declared)}
    listed = [value for value, _ in counted.most_common(MOST_VALUES) if value is not None]
    ordered = tuple(sorted(listed, key=lambda value: (place.get(value, len(place)), value)))
    return ColumnReference(
        name=name,
        kind=kind,
        values=ordered,
        counts=tuple(counted[value] for value in ordered),
        other=sum(counted.values()) - sum(counted[value] for value in ordered),
        missing=missing,
    )


def counts_in(reference: ColumnReference, column: Column) -> Counts:
    """Rows per bin of the reference, missing and unseen last."""
    if reference.kind is FeatureKind.NUMBER:
        known = _sorted_known(column)
        if reference.by_quantiles:
            counts = _counts_between(known, reference.edges)
        else:
            counts = _counts_of_values(known, np.array(reference.knots))
        missing = len(column) - len(known)
    else:
        counted = _counted(column)
        missing = counted[None]
        counts = np.array([counted[value] for value in reference.values], dtype=np.int64)
    return np.append(counts, [missing, len(column) - missing - counts.sum()])


def binned(reference: ColumnReference, column: Column) -> list[str]:
    """Each row's bin by its label, in the order of the rows."""
    labels = reference.labels()
    missing, unseen = len(labels) - 2, len(labels) - 1
    if reference.kind is not FeatureKind.NUMBER:
        place = {value: index for index, value in enumerate(reference.values)}
        return [labels[missing if word is None else place.get(word, unseen)] for word in map(_word, column.tolist())]
    numbers = column.astype(np.float64)
    if reference.by_quantiles:
        places = np.searchsorted(np.array(reference.edges), numbers, side="left")
    else:
        known = np.array(reference.knots)
        places = np.minimum(np.searchsorted(known, numbers), max(len(known) - 1, 0))
        strange = known[places] != numbers if len(known) else np.ones(len(numbers), dtype=bool)
        places = np.where(strange, unseen, places)
    places = np.where(np.isnan(numbers), missing, places)
    return [labels[place] for place in places]


def curve_in(reference: ColumnReference, column: Column) -> tuple[Shares, Shares, int, int] | None:
    """Both cumulated curves of known values and how many stand behind each; None for what has no order."""
    known_before = sum(reference.counts)
    if reference.kind is FeatureKind.NUMBER:
        known = _sorted_known(column)
        known_now, now = len(known), _curve(known, np.array(reference.knots))
        before = np.array(reference.up_to_knot)
    elif reference.kind is FeatureKind.ORDINAL and not reference.other:
        in_order = counts_in(reference, column)[: len(reference.values)]
        known_now = int(in_order.sum())
        before = np.cumsum(reference.counts) / max(known_before, 1)
        now = np.cumsum(in_order) / max(known_now, 1)
    else:
        return None
    return (before, now, known_before, known_now) if known_before and known_now and len(before) else None


def _counts_between(known: Shares, edges: Sequence[float]) -> Counts:
    up_to = np.searchsorted(known, np.array(edges), side="right")
    return np.diff(np.concatenate([[0], up_to, [len(known)]])).astype(np.int64)


def _counts_of_values(known: Shares, values: Shares) -> Counts:
    below, up_to = np.searchsorted(known, values, side="left"), np.searchsorted(known, values, side="right")
    return (up_to - below).astype(np.int64)


def _curve(known: Shares, knots: Shares) -> Shares:
    return np.searchsorted(known, knots, side="right") / max(len(known), 1)


def _sorted_known(column: Column) -> Shares:
    numbers = np.asarray(column, dtype=np.float64)
    return np.sort(numbers[~np.isnan(numbers)])


def _distinct(known: Shares) -> Shares:
    """Of sorted values."""
    return known[np.append(True, known[1:] != known[:-1])] if len(known) else known


def _counted(column: Column) -> Counter[str | None]:
    raw: Counter[Any] = Counter(column.tolist())
    counted: Counter[str | None] = Counter()
    for value, rows in raw.items():
        counted[_word(value)] += rows
    return counted


def _word(value: Any) -> str | None:
    """A category's value; None for what is missing. NaN is the one value unequal to itself."""
    return None if value is None or value != value else str(value)


def _as_word(number: Any) -> str:
    return f"{float(number):.10g}"


def _interval_names(edges: Sequence[float]) -> tuple[str, ...]:
    if not edges:
        return ("any value",)
    words = [_as_word(edge) for edge in edges]
    between = [f"over {low} to {high}" for low, high in pairwise(words)]
    return (f"up to {words[0]}", *between, f"over {words[-1]}")
