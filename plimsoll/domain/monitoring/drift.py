"""What has moved between the applications a model learnt from and those it judges now.

A reference holds the bins of every column and what fell into them, made once from training and
kept beside the model: a check never needs a training row again. How far something moved is one
number (PSI); whether that matters is judged by its size, by chance and by how many rows there are.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from plimsoll.domain.models.examples import Column, Examples
from plimsoll.domain.monitoring.bins import ColumnReference, Counts, Shares, column_reference, counts_in, curve_in
from plimsoll.domain.monitoring.chances import chi_square_tail, kolmogorov_tail
from plimsoll.domain.underwriting.product import FeatureKind, FeatureSpec
from plimsoll.domain.values import Value

SHARE_FLOOR = 1e-4  # what an empty bin counts as in PSI
SCORE, REASON, APPROVAL = "score", "reason", "approval"
UNDER_CUT, OVER_CUT, NO_REASON = "under the cut", "over the cut", "no adverse reason"

# Effect sizes, as of Cramér's V with both samples weighing the same. Where nothing is rare,
# 0.15 and 0.25 are a PSI of about 0.1 and 0.25, the figures people know.
LOOK, ACT = 0.15, 0.25
SIGNIFICANCE = 0.01  # of a whole check: shared among its columns (Bonferroni)
FEWEST = 50  # rows of a window below which nothing is judged
MOST_NOISE = 0.1  # a window whose PSI would be this large by chance says nothing
FEWEST_EXPECTED = 5.0  # per cell of the chi-square test; smaller bins are put together (Cochran)


class Level(StrEnum):
    """What a person should do about it, by how far it moved, how sure that is, and on how many rows."""

    TOO_SMALL = "too_small"
    QUIET = "quiet"
    LOOK = "look"
    ACT = "act"

    @property
    def severity(self) -> int:
        return list(Level).index(self)


class DriftReference(Value):
    """Everything a check compares with. `score` is the probability on the sample's scale, `reason` the
    first principal reason, `approval` whether the score alone would approve."""

    rows: int
    columns: tuple[ColumnReference, ...]
    score: ColumnReference | None = None
    reason: ColumnReference | None = None
    approval: ColumnReference | None = None


class Bin(Value):
    label: str
    reference: float  # shares
    current: float


class ColumnDrift(Value):
    """How far one column moved, how sure that is, and on how many rows."""

    feature: str
    kind: FeatureKind
    level: Level
    psi: float | None  # None only for a window without a row
    expected_psi: float | None  # what chance alone gives at these sizes
    effect_size: float | None  # 0 the same .. 1 nothing in common, chance taken out
    ks: float | None = None  # for what has an order
    ks_p_value: float | None = None
    chi_square: float | None = None
    degrees: int = 0
    p_value: float | None = None
    n_reference: int
    n_current: int
    missing_reference: float
    missing_current: float | None
    unseen_current: float | None
    bins: tuple[Bin, ...]


class Drift(Value):
    """One check: every column, and the worst level of them."""

    level: Level
    n_reference: int
    n_current: int
    features: tuple[ColumnDrift, ...]
    score: ColumnDrift | None = None
    reason: ColumnDrift | None = None
    approval: ColumnDrift | None = None
    significance: float  # each column's share of it

    def columns(self) -> tuple[ColumnDrift, ...]:
        beside = (self.score, self.reason, self.approval)
        return (*self.features, *(each for each in beside if each is not None))


@dataclass(frozen=True)
class Window:
    """What came in, by column as in training; arrays of one length."""

    rows: int
    columns: Mapping[str, Column]
    score: Column | None = None
    reason: Column | None = None
    approval: Column | None = None


# The reference --------------------------------------------------------------------------------


def reference_of(
    examples: Examples,
    features: Sequence[FeatureSpec] = (),
    *,
    probability: Shares | None = None,
    reason: Column | None = None,
    cut: float | None = None,
) -> DriftReference:
    """Bins and counts of training; `probability` and `cut` on the sample's scale, `reason` the first code of each row.

    Without `features` every column is one, by its type.
    """
    specs = {spec.name: spec for spec in features}
    names = [spec.name for spec in features] or list(examples.columns)
    under = None if probability is None or cut is None else approvals(probability, cut)
    return DriftReference(
        rows=len(examples),
        columns=tuple(column_reference(name, examples.columns[name], specs.get(name)) for name in names),
        score=None if probability is None else column_reference(SCORE, probability),
        reason=None if reason is None else column_reference(REASON, reasons_in_words(reason)),
        approval=None if under is None else column_reference(APPROVAL, under),
    )


def reasons_in_words(codes: Column) -> Column:
    """First reasons; having none is an answer, not a missing value."""
    return np.array([NO_REASON if code is None else code for code in codes], dtype=object)


def approvals(probability: Shares, cut: float) -> Column:
    """Which side of the cut each score is on, in words."""
    return np.where(probability <= cut, UNDER_CUT, OVER_CUT).astype(object)


# The window against it ------------------------------------------------------------------------


def measure(reference: DriftReference, window: Window) -> Drift:
    """Every column of the reference against what came in. A column the window lacks is missing throughout."""
    pairs = [(column, window.columns.get(column.name)) for column in reference.columns]
    beside = {
        SCORE: (reference.score, window.score),
        REASON: (reference.reason, window.reason),
        APPROVAL: (reference.approval, window.approval),
    }
    judged = len(pairs) + sum(column is not None and now is not None for column, now in beside.values())
    significance = SIGNIFICANCE / max(judged, 1)
    features = tuple(column_drift(column, _or_missing(now, window.rows), significance) for column, now in pairs)
    others = {
        name: column_drift(column, now, significance)
        for name, (column, now) in beside.items()
        if column is not None and now is not None
    }
    every = [*features, *others.values()]
    return Drift(
        level=max((each.level for each in every), key=lambda level: level.severity, default=Level.TOO_SMALL),
        n_reference=reference.rows,
        n_current=window.rows,
        features=features,
        significance=significance,
        **others,
    )


def column_drift(reference: ColumnReference, column: Column, significance: float = SIGNIFICANCE) -> ColumnDrift:
    before, now = reference.all_counts(), counts_in(reference, column)
    rows, rows_now = int(before.sum()), int(now.sum())
    if not rows_now or not rows:
        return _nothing_to_compare(reference, rows, rows_now)
    shares, shares_now = before / rows, now / rows_now
    noise = expected_psi(before, now)
    effect = effect_size(before, now)
    statistic, degrees = chi_square(before, now)
    p_value = chi_square_tail(statistic, degrees)
    gap, gap_p_value = _ks(reference, column)
    drift = ColumnDrift(
        feature=reference.name,
        kind=reference.kind,
        level=Level.QUIET,
        psi=psi(shares, shares_now),
        expected_psi=noise,
        effect_size=effect,
        ks=gap,
        ks_p_value=gap_p_value,
        chi_square=statistic,
        degrees=degrees,
        p_value=p_value,
        n_reference=rows,
        n_current=rows_now,
        missing_reference=float(shares[-2]),
        missing_current=float(shares_now[-2]),
        unseen_current=None if reference.other else float(shares_now[-1]),
        bins=tuple(
            Bin(label=label, reference=float(share), current=float(share_now))
            for label, share, share_now in zip(reference.labels(), shares, shares_now, strict=True)
        ),
    )
    return drift.model_copy(update={"level": level_of(drift, significance)})


def level_of(drift: ColumnDrift, significance: float) -> Level:
    """By how far it moved, if chance does not explain that, and if the rows can tell.

    The wider of two looks counts: between the bins, and along the curve, which sees what moves
    inside one bin.
    """
    if drift.n_current < FEWEST or drift.n_reference < FEWEST or (drift.expected_psi or 0.0) > MOST_NOISE:
        return Level.TOO_SMALL
    moved = [
        effect
        for effect, p_value in ((drift.effect_size, drift.p_value), (drift.ks, drift.ks_p_value))
        if effect is not None and p_value is not None and p_value < significance
    ]
    furthest = max(moved, default=0.0)
    return Level.ACT if furthest >= ACT else Level.LOOK if furthest >= LOOK else Level.QUIET


def psi(shares: Shares, shares_now: Shares) -> float:
    """The population stability index, an empty bin counting as 0.0001."""
    before, now = np.maximum(shares, SHARE_FLOOR), np.maximum(shares_now, SHARE_FLOOR)
    return float(np.sum((now - before) * np.log(now / before)))


def expected_psi(before: Counts, now: Counts) -> float:
    """What PSI is on average when nothing has moved: (bins - 1) (1/n + 1/m)."""
    bins = int(((before > 0) | (now > 0)).sum())
    return (bins - 1) * (1 / int(before.sum()) + 1 / int(now.sum()))


def effect_size(before: Counts, now: Counts) -> float:
    """Cramér's V as if both samples were of one size, less what chance adds: 0 the same, 1 nothing in common."""
    shares, shares_now = before / before.sum(), now / now.sum()
    there = (before > 0) | (now > 0)
    apart = (shares[there] - shares_now[there]) ** 2 / (shares[there] + shares_now[there])
    squared = float(apart.sum()) / 2 - expected_psi(before, now) / 4
    return math.sqrt(min(1.0, max(0.0, squared)))


def chi_square(before: Counts, now: Counts) -> tuple[float, int]:
    """Statistic and degrees of freedom of the two-row table; bins too thin to test are put together."""
    table = np.stack([before, now]).astype(np.float64)
    table = table[:, table.sum(axis=0) > 0]
    smaller = min(table.sum(axis=1)) / table.sum()
    thin = table.sum(axis=0) * smaller < FEWEST_EXPECTED
    if thin.any():
        table = np.concatenate([table[:, ~thin], table[:, thin].sum(axis=1, keepdims=True)], axis=1)
    if table.shape[1] < 2:
        return 0.0, 0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / table.sum()
    return float(((table - expected) ** 2 / expected).sum()), table.shape[1] - 1


def _or_missing(column: Column | None, rows: int) -> Column:
    return np.full(rows, None, dtype=object) if column is None else column


def _ks(reference: ColumnReference, column: Column) -> tuple[float | None, float | None]:
    """The widest gap between the two curves of known values, for what has an order."""
    curves = curve_in(reference, column)
    if curves is None:
        return None, None
    before, now, known_before, known_now = curves
    gap = float(np.abs(before - now).max())
    return gap, kolmogorov_tail(gap, known_before, known_now)


def _nothing_to_compare(reference: ColumnReference, rows: int, rows_now: int) -> ColumnDrift:
    return ColumnDrift(
        feature=reference.name,
        kind=reference.kind,
        level=Level.TOO_SMALL,
        psi=None,
        expected_psi=None,
        effect_size=None,
        n_reference=rows,
        n_current=rows_now,
        missing_reference=reference.missing / rows if rows else 0.0,
        missing_current=None,
        unseen_current=None,
        bins=(),
    )
