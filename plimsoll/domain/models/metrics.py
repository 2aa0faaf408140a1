"""How good a score is, with how sure we are of that. `bad` is 1 for a default; higher scores mean riskier."""

from collections.abc import Callable, Sequence
from math import erfc, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.domain.values import Value

Shares = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

CALIBRATION_BINS = 10
WIDE = 1.959964  # standard errors to either side, for 95 %
MANY = 5_000  # rows, of which the bads in a bin are as good as normal and need not be drawn one by one
DRAWS = 200  # bootstrap samples for figures without a formula of their own
PAIRED_DRAWS = 1_000  # of rows, for the difference of two models on them
FEWEST_OF_A_SEGMENT = 30  # of either outcome, below which a segment's figures are not said


class PairedDifference(Value):
    """How much better the first is than the second on the very same rows."""

    difference: float
    low: float
    high: float
    p: float

    @property
    def is_not_worse(self) -> bool:
        """Whether the data allow that it is as good: the interval does not lie wholly below zero."""
        return self.high >= 0.0


class CalibrationLine(Value):
    """Log-odds of the outcome on the predicted log-odds: 1 and 0 when the probabilities are right."""

    slope: float
    slope_interval: tuple[float, float]
    intercept: float  # of the offset model, slope held at 1: predictions too low when above 0
    intercept_interval: tuple[float, float]


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


def full_report(
    bad: Labels, probability: Shares, *, cost_of_bad: float = 5.0, cost_of_good_declined: float = 1.0, seed: int = 0
) -> dict[str, Any]:
    """`report` with an interval for each figure, the curves, and whether the probabilities can be believed."""
    base = brier(bad, np.full(len(bad), bad.mean()))
    line = calibration_line(bad, probability)
    told = report(bad, probability, seed)
    skill = bootstrap_interval(lambda labels, chance: 1 - brier(labels, chance) / base, bad, probability, seed)
    return told | {
        "gini_interval": [round(2 * bound - 1, 4) for bound in auc_interval(bad, probability)],
        "ks_interval": _rounded(bootstrap_interval(ks, bad, probability, seed)),
        "brier_interval": _rounded(bootstrap_interval(brier, bad, probability, seed)),
        "brier_skill_interval": _rounded(skill),
        "average_precision": round(average_precision(bad, probability), 4),
        "average_precision_interval": _rounded(bootstrap_interval(average_precision, bad, probability, seed)),
        "calibration_slope": round(line.slope, 4),
        "calibration_slope_interval": _rounded(line.slope_interval),
        "calibration_intercept": round(line.intercept, 4),
        "calibration_intercept_interval": _rounded(line.intercept_interval),
        "calibrated": told["ece"] <= told["ece_perfect_model_95"]
        and line.slope_interval[0] <= 1.0 <= line.slope_interval[1]
        and told["brier_skill"] > 0,
        "reliability": reliability(bad, probability),
        "deciles": deciles(bad, probability),
        "cost_curve": cost_curve(bad, probability, cost_of_bad, cost_of_good_declined),
        "roc_curve": roc_curve(bad, probability),
    }


def _rounded(bounds: Sequence[float]) -> list[float]:
    return [round(float(bound), 4) for bound in bounds]


def auc(bad: Labels, score: Shares) -> float:
    """Probability that a bad one is scored above a good one, ties half (Mann-Whitney)."""
    return auc_of_ranks(bad, mid_ranks(score))


def auc_of_ranks(bad: Labels, ranks: Shares) -> float:
    """For scores that are ranked once and held against several labels."""
    bads = int(bad.sum())
    return float((ranks[bad == 1].sum() - bads * (bads + 1) / 2) / (bads * (len(bad) - bads)))


def auc_interval(bad: Labels, score: Shares, confidence: float = 0.95) -> tuple[float, float]:
    """DeLong's interval (DeLong, DeLong, Clarke-Pearson 1988) by the ranks of Sun and Xu (2014).

    One row of either kind says nothing: then it is everything from 0 to 1.
    """
    if min(int(bad.sum()), int(len(bad) - bad.sum())) < 2:
        return 0.0, 1.0
    area, reach = auc(bad, score), {0.95: 1.959964, 0.90: 1.644854}[confidence] * auc_spread(bad, score)
    return max(0.0, area - reach), min(1.0, area + reach)


def auc_spread(bad: Labels, score: Shares) -> float:
    """DeLong's standard error, of two rows of either kind at least."""
    above, below = _placements(bad, score)
    return float(np.sqrt(above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below)))


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
    random = np.random.default_rng(seed)
    order = np.argsort(probability, kind="stable")
    # The bins are those of `ece` and the same in every draw, so they are found once.
    starts = np.cumsum([0, *(len(rows) for rows in np.array_split(order, CALIBRATION_BINS) if len(rows))][:-1])
    expected = np.add.reduceat(probability[order], starts)
    if len(order) >= MANY:
        spread = np.sqrt(np.add.reduceat((probability * (1 - probability))[order], starts))
        errors = np.abs(random.normal(scale=spread, size=(DRAWS, len(spread)))).sum(axis=1) / len(order)
        return float(np.quantile(errors, 0.95))
    drawn = ((random.random(len(probability)) < probability)[order] for _ in range(DRAWS))
    errors = np.array([np.abs(np.add.reduceat(bads, starts, dtype=np.int64) - expected).sum() for bads in drawn])
    return float(np.quantile(errors / len(order), 0.95))


def delong_difference(bad: Labels, first: Shares, second: Shares) -> PairedDifference:
    """AUC of the first less that of the second on the same rows (DeLong's test for correlated curves)."""
    above_one, below_one = _placements(bad, first)
    above_two, below_two = _placements(bad, second)
    above, below = above_one - above_two, below_one - below_two
    difference = float(above.mean())
    spread = float(np.sqrt(above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below)))
    return _difference(difference, spread)


def log_loss_difference(bad: Labels, first: Shares, second: Shares, seed: int = 0) -> PairedDifference:
    """How much nearer the first is to what happened: log loss of the second less its own, by paired bootstrap."""
    gains = _log_loss_by_row(bad, second) - _log_loss_by_row(bad, first)
    random = np.random.default_rng(seed)
    drawn = np.array([gains[random.integers(0, len(gains), len(gains))].mean() for _ in range(PAIRED_DRAWS)])
    difference, spread = float(gains.mean()), float(drawn.std(ddof=1))
    if spread == 0.0:
        return _difference(difference, spread)
    low, high = (float(bound) for bound in np.quantile(drawn, (0.025, 0.975)))
    return PairedDifference(difference=difference, low=low, high=high, p=two_sided(difference / spread))


def log_loss(bad: Labels, probability: Shares) -> float:
    return float(_log_loss_by_row(bad, probability).mean())


def _log_loss_by_row(bad: Labels, probability: Shares) -> Shares:
    said = np.clip(np.where(bad == 1, probability, 1.0 - probability), 1e-9, 1.0)
    return -np.log(said)


def repeated_folds_difference(by_fold: Shares, folds: int) -> PairedDifference:
    """The mean of paired differences over folds and repeats, with Nadeau and Bengio's (2003) wider variance.

    Folds share training rows, so their differences hang together; the plain t-interval would be far too narrow.
    """
    count = len(by_fold)
    spread = float(np.sqrt(by_fold.var(ddof=1) * (1.0 / count + 1.0 / (folds - 1))))
    return _difference(float(by_fold.mean()), spread, _t_95(count - 1))


def average_precision(bad: Labels, score: Shares) -> float:
    """Area under the precision-recall curve; the base rate is what chance gives."""
    order = np.argsort(-score, kind="stable")
    labels, ordered = bad[order], score[order]
    last_of_tie = np.append(ordered[1:] != ordered[:-1], True)
    caught = np.cumsum(labels)[last_of_tie]
    asked = np.flatnonzero(last_of_tie) + 1
    return float(np.sum(np.diff(np.concatenate([[0], caught])) * caught / asked) / max(labels.sum(), 1))


def calibration_line(bad: Labels, probability: Shares) -> CalibrationLine:
    raw = _log_odds(probability)
    (_, slope), covariance = _logistic(np.stack([np.ones(len(bad)), raw], axis=1), bad, start=(0.0, 1.0))
    (intercept,), alone = _logistic(np.ones((len(bad), 1)), bad, offset=raw)
    reach, alone_reach = WIDE * float(np.sqrt(covariance[1, 1])), WIDE * float(np.sqrt(alone[0, 0]))
    return CalibrationLine(
        slope=slope,
        slope_interval=(slope - reach, slope + reach),
        intercept=intercept,
        intercept_interval=(intercept - alone_reach, intercept + alone_reach),
    )


def bootstrap_interval(
    figure: Callable[[Labels, Shares], float], bad: Labels, score: Shares, seed: int = 0
) -> tuple[float, float]:
    """The middle 95 % of a figure over resampled rows; everything when a sample may lack an outcome."""
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(DRAWS):
        rows = random.integers(0, len(bad), len(bad))
        if 0 < bad[rows].sum() < len(bad):
            drawn.append(figure(bad[rows], score[rows]))
    if len(drawn) < DRAWS // 2:
        return 0.0, 1.0
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def cost_curve(bad: Labels, probability: Shares, cost_of_bad: float, cost_of_good_declined: float) -> list[Any]:
    """For cuts at every twentieth of the applicants: who is approved, how many of those go bad, what it costs."""
    cuts = np.unique(np.quantile(probability, np.linspace(0.0, 1.0, 21)))
    return [_at_cut(bad, probability, float(cut), cost_of_bad, cost_of_good_declined) for cut in cuts]


def deciles(bad: Labels, score: Shares) -> list[dict[str, Any]]:
    """Tenths from the riskiest down: rate, lift over the average, and the share of all bads caught so far."""
    tenths = np.array_split(np.argsort(-score, kind="stable"), min(10, len(bad)))
    caught = 0
    told = []
    for number, rows in enumerate(tenths, start=1):
        caught += int(bad[rows].sum())
        rate = float(bad[rows].mean())
        told.append(
            {
                "tenth": number,
                "rows": len(rows),
                "predicted": round(float(score[rows].mean()), 4),
                "seen": round(rate, 4),
                "lift": round(rate / float(bad.mean()), 3),
                "caught": round(caught / int(bad.sum()), 4),
            }
        )
    return told


def reliability(bad: Labels, probability: Shares) -> list[dict[str, Any]]:
    """Predicted and seen in bins of equal count, with Wilson's interval of what was seen."""
    bins = np.array_split(np.argsort(probability, kind="stable"), min(CALIBRATION_BINS, len(bad)))
    return [
        {
            "rows": len(rows),
            "predicted": round(float(probability[rows].mean()), 4),
            "seen": round(float(bad[rows].mean()), 4),
            "seen_interval": [round(bound, 4) for bound in wilson(int(bad[rows].sum()), len(rows))],
        }
        for rows in bins
    ]


def roc_curve(bad: Labels, score: Shares, points: int = 101) -> list[tuple[float, float]]:
    """(share of goods, share of bads) at or above falling cuts, thinned for drawing."""
    order = np.argsort(-score, kind="stable")
    last_of_tie = np.append(score[order][1:] != score[order][:-1], True)
    bads = np.cumsum(bad[order])[last_of_tie] / bad.sum()
    goods = np.cumsum(1 - bad[order])[last_of_tie] / (1 - bad).sum()
    chosen = np.unique(np.linspace(0, len(bads) - 1, min(points, len(bads))).astype(int))
    return [(0.0, 0.0), *((round(float(goods[at]), 4), round(float(bads[at]), 4)) for at in chosen)]


def by_segment(bad: Labels, probability: Shares, segment: npt.NDArray[Any]) -> list[dict[str, Any]]:
    """How good the score is within each value of a segment, most rows first; too few are said to be too few."""
    told = []
    names = np.array(["not known" if value is None or value != value else str(value) for value in segment])
    for name in sorted(set(names), key=lambda name: -int((names == name).sum())):
        rows = names == name
        bads, count = int(bad[rows].sum()), int(rows.sum())
        row: dict[str, Any] = {
            "segment": name,
            "rows": count,
            "seen": round(bads / count, 4),
            "seen_interval": [round(bound, 4) for bound in wilson(bads, count)],
            "predicted": round(float(probability[rows].mean()), 4),
        }
        if min(bads, count - bads) >= FEWEST_OF_A_SEGMENT:
            row["auc"] = round(auc(bad[rows], probability[rows]), 4)
            row["auc_interval"] = [round(bound, 4) for bound in auc_interval(bad[rows], probability[rows])]
        else:
            row["too_few"] = f"{bads} bad and {count - bads} good are too few to say how well it ranks"
        told.append(row)
    return told


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    if count == 0:
        return 0.0, 1.0
    share, square = hits / count, WIDE * WIDE
    centre = (share + square / (2 * count)) / (1 + square / count)
    reach = WIDE / (1 + square / count) * float(np.sqrt(share * (1 - share) / count + square / (4 * count * count)))
    return max(0.0, centre - reach), min(1.0, centre + reach)


def _at_cut(
    bad: Labels, probability: Shares, cut: float, cost_of_bad: float, cost_of_good_declined: float
) -> dict[str, float]:
    approved = probability <= cut
    cost = cost_of_bad * bad[approved].sum() + cost_of_good_declined * (1 - bad[~approved]).sum()
    return {
        "cut": round(cut, 5),
        "approved": round(float(approved.mean()), 4),
        "bad_among_approved": round(float(bad[approved].mean()), 4) if approved.any() else 0.0,
        "cost": round(float(cost) / len(bad), 4),
    }


def _placements(bad: Labels, score: Shares) -> tuple[Shares, Shares]:
    """For each bad the share of goods below it, for each good the share of bads above it."""
    bads, goods = score[bad == 1], score[bad == 0]
    together = mid_ranks(np.concatenate([bads, goods]))
    above = (together[: len(bads)] - mid_ranks(bads)) / len(goods)
    below = 1.0 - (together[len(bads) :] - mid_ranks(goods)) / len(bads)
    return above, below


def _difference(difference: float, spread: float, reach: float = WIDE) -> PairedDifference:
    if spread == 0.0:
        return PairedDifference(difference=difference, low=difference, high=difference, p=float(difference == 0.0))
    return PairedDifference(
        difference=difference,
        low=difference - reach * spread,
        high=difference + reach * spread,
        p=two_sided(difference / spread * WIDE / reach),
    )


def two_sided(z: float) -> float:

    return erfc(abs(z) / sqrt(2.0))


def _t_95(freedom: int) -> float:
    """The 97.5 % quantile of Student's t (Cornish-Fisher, within 0.01 from four degrees of freedom on)."""
    z, d = WIDE, max(freedom, 1)
    return z + (z**3 + z) / (4 * d) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * d**2)


def _log_odds(probability: Shares) -> Shares:
    held = np.clip(probability, 1e-9, 1 - 1e-9)
    return np.log(held / (1 - held))


def _logistic(
    design: Shares, bad: Labels, offset: Shares | None = None, start: Sequence[float] = (0.0,)
) -> tuple[list[float], Shares]:
    """Maximum likelihood by Newton's method from `start`, with the covariance of what was found."""
    beta = np.array(start, dtype=np.float64)
    information = np.eye(design.shape[1])
    for _ in range(50):
        raw = design @ beta + (0.0 if offset is None else offset)
        chance = 1.0 / (1.0 + np.exp(-np.clip(raw, -30, 30)))
        information = design.T @ (design * (chance * (1 - chance))[:, None]) + 1e-10 * np.eye(design.shape[1])
        step = np.linalg.solve(information, design.T @ (bad - chance))
        beta = beta + np.clip(step, -4, 4)
        if np.abs(step).max() < 1e-9:
            break
    return [float(value) for value in beta], np.linalg.inv(information).astype(np.float64)


def mid_ranks(score: Shares) -> Shares:
    """Ranks from 1, ties share their mean."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]
