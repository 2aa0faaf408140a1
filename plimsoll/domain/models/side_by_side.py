"""Two versions on the labelled rows neither has learnt from: which ranks better, and how sure that is."""

import numpy as np

from plimsoll.domain.models import metrics
from plimsoll.domain.models.metrics import Labels, PairedDifference, Shares
from plimsoll.domain.values import Value

FEWEST_OF_AN_ENDING = 10


class SideBySide(Value):
    """`difference` is the AUC of the other less that of the one; None where too few rows are common and untouched."""

    one: str
    other: str
    rows: int
    bads: int
    auc_one: float | None = None
    auc_other: float | None = None
    difference: PairedDifference | None = None
    sentence: str


def side_by_side(one: str, other: str, bad: Labels, first: Shares, second: Shares) -> SideBySide:
    """`first` and `second` are what the two say of the very same rows."""
    bads = int(bad.sum())
    goods = len(bad) - bads
    if min(bads, goods) < FEWEST_OF_AN_ENDING:
        return too_few(one, other, len(bad), bads)
    found = metrics.delong_difference(bad, second, first)
    return SideBySide(
        one=one,
        other=other,
        rows=len(bad),
        bads=bads,
        auc_one=metrics.auc(bad, first),
        auc_other=metrics.auc(bad, second),
        difference=found,
        sentence=_in_words(one, other, len(bad), bads, found),
    )


def too_few(one: str, other: str, rows: int, bads: int) -> SideBySide:
    said = f"Only {rows:,} labelled rows were learnt from by neither, {bads} of them bad" if rows else (
        "There is no labelled row of which it is certain that neither has learnt from it"
    )  # fmt: skip
    return SideBySide(
        one=one,
        other=other,
        rows=rows,
        bads=bads,
        sentence=f"{said}: which ranks better cannot be said. Label newer applications, or train both with a hold-out.",
    )


def _in_words(one: str, other: str, rows: int, bads: int, found: PairedDifference) -> str:
    where = f"On {rows:,} rows that neither has learnt from ({bads:,} bad)"
    figures = f"AUC differs by {found.difference:+.4f} (DeLong, paired, 95 %: {found.low:+.4f} to {found.high:+.4f})"
    if np.isclose(found.difference, 0.0) and np.isclose(found.low, found.high):
        return f"{where} both rank everybody alike."
    if found.low > 0 or found.high < 0:
        better = other if found.low > 0 else one
        return (
            f"{where} {better} ranks better: {figures}. If both were as good, so much or more would be seen "
            f"{_times(found.p)}."
        )
    return (
        f"{where} it cannot be said which ranks better: {figures}. If both were as good, so much or more would be "
        f"seen {_times(found.p)}."
    )


def _times(p: float) -> str:
    if p < 0.001:
        return "less than once in 1,000 times (p < 0.001)"
    if p > 0.5:
        return f"{p:.0%} of the time (p {p:.3f})"
    return f"once in {1 / p:,.0f} times (p {p:.3f})"
