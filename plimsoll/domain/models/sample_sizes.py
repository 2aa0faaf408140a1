"""How many rows it takes to tell two figures apart."""

from math import ceil, sqrt
from statistics import NormalDist

MOST_NEEDED = 100_000_000


def two_proportions(first: float, second: float, ratio: float, alpha: float, power: float) -> tuple[int, int]:
    """Rows of either arm to tell two shares apart, the second arm `ratio` times as large.

    Normal approximation with the pooled variance under the hypothesis of no difference, without
    continuity correction: Fleiss, Levin and Paik, "Statistical Methods for Rates and Proportions",
    3rd ed. 2003, section 4.4.
    """
    pooled = (first + ratio * second) / (1 + ratio)
    reach = _z(1 - alpha / 2) * sqrt((1 + ratio) * pooled * (1 - pooled))
    reach += _z(power) * sqrt(ratio * first * (1 - first) + second * (1 - second))
    rows = reach**2 / (ratio * (first - second) ** 2)
    return ceil(rows), ceil(rows * ratio)


def two_means(effect: float, spread: float, ratio: float, alpha: float, power: float) -> tuple[int, int]:
    """Rows of either arm to tell two means apart whose rows spread alike: (z + z)² σ² (1 + 1/r) / δ².

    Chow, Shao and Wang, "Sample Size Calculations in Clinical Research", 2nd ed. 2008, section 3.2.
    """
    rows = (_z(1 - alpha / 2) + _z(power)) ** 2 * spread**2 * (1 + 1 / ratio) / effect**2
    return ceil(rows), ceil(rows * ratio)


def variance_of_auc(area: float, bads: float, goods: float) -> float:
    """Hanley and McNeil, Radiology 143 (1982): negative exponential approximation, errs on the large side."""
    bad_pair, good_pair = area / (2 - area), 2 * area**2 / (1 + area)
    return (
        area * (1 - area) + (bads - 1) * (bad_pair - area**2) + (goods - 1) * (good_pair - area**2)
    ) / (bads * goods)  # fmt: skip


def two_aucs(
    first: float, second: float, bad_rate: float, ratio: float | None, alpha: float, power: float, correlation: float
) -> tuple[int, int]:
    """Rows to tell two AUCs apart: of either arm, or, without `ratio`, of the same rows scored twice.

    Scored twice, the variances lose twice the covariance (Hanley and McNeil, Radiology 148, 1983).
    """
    wanted = (abs(first - second) / (_z(1 - alpha / 2) + _z(power))) ** 2

    def variance(rows: float) -> float:
        one = variance_of_auc(first, rows * bad_rate, rows * (1 - bad_rate))
        others = rows * (ratio or 1.0)
        other = variance_of_auc(second, others * bad_rate, others * (1 - bad_rate))
        return one + other - (0.0 if ratio else 2 * correlation * sqrt(one * other))

    low, high = ceil(2 / min(bad_rate, 1 - bad_rate)), MOST_NEEDED
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if variance(middle) <= wanted else (middle + 1, high)
    return low, ceil(low * ratio) if ratio else low


def _z(probability: float) -> float:
    return NormalDist().inv_cdf(probability)
