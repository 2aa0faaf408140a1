"""How sure a score is: the spread of models trained on resampled applicants (a bootstrap)."""

import numpy as np
import numpy.typing as npt

Shares = npt.NDArray[np.float64]


def interval_of(estimate: float, members: Shares) -> tuple[float, float]:
    """The middle 90 % of the members' probabilities, widened to hold the estimate itself."""
    low, high = np.quantile(members, (0.05, 0.95))
    return min(float(low), estimate), max(float(high), estimate)


def share_across(estimate: float, members: Shares, cut: float) -> float:
    """The share of members on the other side of the cut than the estimate, 0..0.5.

    More than half across would mean the estimate is the odd one out: that is as unsure as it gets.
    """
    above = float(np.mean(members > cut))
    return min(above if estimate <= cut else 1.0 - above, 0.5)
