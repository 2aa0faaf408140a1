"""Two models or arms held against each other, with interval and chance."""

from math import sqrt

import numpy as np

from plimsoll.domain.models import metrics
from plimsoll.domain.models.experiments import Comparison
from plimsoll.domain.models.metrics import Shares


def compare_shares(bads: tuple[int, int], rows: tuple[int, int]) -> Comparison:
    """Champion first. Score test with pooled variance; Newcombe's interval from two Wilson intervals.

    Newcombe, "Interval estimation for the difference between independent proportions", Statistics
    in Medicine 17 (1998), method 10.
    """
    shares = [bad / n for bad, n in zip(bads, rows, strict=True)]
    pooled = sum(bads) / sum(rows)
    spread = sqrt(pooled * (1 - pooled) * (1 / rows[0] + 1 / rows[1]))
    (low_0, high_0), (low_1, high_1) = (metrics.wilson(bad, n) for bad, n in zip(bads, rows, strict=True))
    difference = shares[1] - shares[0]
    return Comparison(
        champion=shares[0],
        challenger=shares[1],
        difference=difference,
        interval=(
            difference - sqrt((shares[1] - low_1) ** 2 + (high_0 - shares[0]) ** 2),
            difference + sqrt((high_1 - shares[1]) ** 2 + (shares[0] - low_0) ** 2),
        ),
        p=metrics.two_sided(difference / spread) if spread else 1.0,
        method="score test of two proportions, Newcombe's interval",
    )


def compare_means(champion: Shares, challenger: Shares) -> Comparison:
    """Unequal variances, normal reference: the planned samples are large."""
    difference = float(challenger.mean() - champion.mean())
    spread = sqrt(champion.var(ddof=1) / len(champion) + challenger.var(ddof=1) / len(challenger))
    return _normal(float(champion.mean()), float(challenger.mean()), difference, spread, "two means, unequal variances")


def compare_aucs(bad: tuple[Shares, Shares], score: tuple[Shares, Shares]) -> Comparison:
    """Of different applicants: DeLong's variance of each."""
    areas, spreads = [], []
    for labels, scores in zip(bad, score, strict=True):
        areas.append(metrics.auc(labels.astype(np.int64), scores))
        spreads.append(metrics.auc_spread(labels.astype(np.int64), scores))
    together = sqrt(spreads[0] ** 2 + spreads[1] ** 2)
    return _normal(areas[0], areas[1], areas[1] - areas[0], together, "DeLong's variance of two separate AUCs")


def compare_paired_aucs(bad: Shares, champion: Shares, challenger: Shares) -> Comparison:
    """Of the same applicants: DeLong's test for correlated curves."""
    labels = bad.astype(np.int64)
    found = metrics.delong_difference(labels, challenger, champion)
    return Comparison(
        champion=metrics.auc(labels, champion),
        challenger=metrics.auc(labels, challenger),
        difference=found.difference,
        interval=(found.low, found.high),
        p=found.p,
        method="DeLong's test on the same applications",
    )


def _normal(champion: float, challenger: float, difference: float, spread: float, method: str) -> Comparison:
    return Comparison(
        champion=champion,
        challenger=challenger,
        difference=difference,
        interval=(difference - metrics.WIDE * spread, difference + metrics.WIDE * spread),
        p=metrics.two_sided(difference / spread) if spread else 1.0,
        method=method,
    )
