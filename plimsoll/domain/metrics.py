"""How good a score is, with how sure we are of that. `bad` is 1 for a default; higher scores mean riskier."""

from typing import Any

import numpy as np
import numpy.typing as npt

Shares = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

CALIBRATION_BINS = 10


def report(bad: Labels, probability: Shares, seed: int = 0) -> dict[str, Any]:
    """Every figure a model is judged by, for probabilities on the scale of these very rows."""
    area = auc(bad, probability)
    return {
        "rows": len(bad),
        "target_rate": round(float(bad.mean()), 4),
        "auc": round(area, 4),
        "auc_interval": [round(bound, 4) for bound in auc_interval(bad, probability)],
        "gini": round(2 * area - 1, 4),
        "ks": round(ks(bad, probability), 4),
        "brier": round(brier(bad, probability), 4),
        "brier_skill": round(1 - brier(bad, probability) / brier(bad, np.full(len(bad), bad.mean())), 4),
        "ece": round(ece(bad, probability), 4),
        "ece_perfect_model_95": round(ece_of_a_perfect_model(probability, seed), 4),
    }


def auc(bad: Labels, score: Shares) -> float:
    """Probability that a bad one is scored above a good one, ties half (Mann-Whitney)."""
    ranks = _mid_ranks(score)
    bads = int(bad.sum())
    return float((ranks[bad == 1].sum() - bads * (bads + 1) / 2) / (bads * (len(bad) - bads)))


def auc_interval(bad: Labels, score: Shares, confidence: float = 0.95) -> tuple[float, float]:
    """DeLong's interval (DeLong, DeLong, Clarke-Pearson 1988) by the ranks of Sun and Xu (2014).

    One row of either kind says nothing: then it is everything from 0 to 1.
    """
    bads, goods = score[bad == 1], score[bad == 0]
    if min(len(bads), len(goods)) < 2:
        return 0.0, 1.0
    together = _mid_ranks(np.concatenate([bads, goods]))
    above = (together[: len(bads)] - _mid_ranks(bads)) / len(goods)
    below = 1.0 - (together[len(bads) :] - _mid_ranks(goods)) / len(bads)
    spread = np.sqrt(above.var(ddof=1) / len(bads) + below.var(ddof=1) / len(goods))
    reach = {0.95: 1.959964, 0.90: 1.644854}[confidence] * spread
    return max(0.0, float(above.mean() - reach)), min(1.0, float(above.mean() + reach))


def ks(bad: Labels, score: Shares) -> float:
    """The largest gap between the cumulated shares of bads and goods."""
    order = np.argsort(score, kind="stable")
    ordered, labels = score[order], bad[order]
    gap = np.abs(np.cumsum(labels) / labels.sum() - np.cumsum(1 - labels) / (1 - labels).sum())
    last_of_tie = np.append(ordered[1:] != ordered[:-1], True)
    return float(gap[last_of_tie].max())


def brier(bad: Labels, probability: Shares) -> float:
    return float(np.mean((probability - bad) ** 2))


def ece(bad: Labels, probability: Shares) -> float:
    """Expected calibration error over ten bins of equal count."""
    bins = np.array_split(np.argsort(probability, kind="stable"), CALIBRATION_BINS)
    return float(sum(len(b) * abs(probability[b].mean() - bad[b].mean()) for b in bins if len(b)) / len(bad))


def ece_of_a_perfect_model(probability: Shares, seed: int = 0) -> float:
    """The 95th percentile of the error a perfectly calibrated model would show on as many rows.

    A fixed limit such as 0.02 fails half of all perfect models on 2,000 rows.
    """
    drawn = np.random.default_rng(seed).random((200, len(probability))) < probability
    return float(np.quantile([ece(labels.astype(np.int64), probability) for labels in drawn], 0.95))


def _mid_ranks(score: Shares) -> Shares:
    """Ranks from 1, ties share their mean."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]
