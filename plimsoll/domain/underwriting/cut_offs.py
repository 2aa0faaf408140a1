"""Where to approve, refer and decline: read off the curve of what each cut would have cost.

The curve is made of probabilities for applicants the model had not seen. What a bad one costs
against a good one turned away is an assumption, and so is how many cases people can look at.
"""

from math import floor, log10

import numpy as np
import numpy.typing as npt

from plimsoll.domain.values import Value

STEPS = 200
LOWEST, HIGHEST = 0.0005, 0.999
MOST_GRADES = 5

Shares = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class CutOffs(Value):
    """Probabilities of default on the scale the policy decides on, and what they would have done."""

    cost_of_bad: float
    refer_share: float  # asked for
    best: float  # the cut that costs least
    approve_up_to: float
    decline_above: float
    approved: float  # shares of the applicants
    referred: float
    declined: float
    bad_among_approved: float
    cost: float  # per applicant at the best cut, in units of one good applicant declined
    cost_of_approving_all: float
    cost_of_declining_all: float
    grades: tuple[float, ...]  # rising; the last is decline_above


def cut_offs(
    probability: Shares, bad: Flags, cost_of_bad: float, refer_share: float, weights: Shares | None = None
) -> CutOffs:
    """`weights` count each applicant as often as the portfolio would have them."""
    weights = np.ones(len(bad)) if weights is None else weights
    order = np.argsort(probability, kind="stable")
    probability, bad, weights = probability[order], bad[order], weights[order]
    place = np.cumsum(weights) / weights.sum()  # share of applicants up to here
    best = _cheapest(probability, bad, weights, cost_of_bad)
    at_best = float(np.interp(best, probability, place))
    lower, upper = _band(at_best, refer_share)
    approve = rounded(_at(probability, place, lower))
    decline = rounded(_at(probability, place, upper))
    if decline <= approve:
        decline = rounded(approve * 1.02 + LOWEST)
    taken = probability <= approve
    return CutOffs(
        cost_of_bad=cost_of_bad,
        refer_share=refer_share,
        best=rounded(best),
        approve_up_to=approve,
        decline_above=decline,
        approved=_share(taken, weights),
        referred=_share((probability > approve) & (probability <= decline), weights),
        declined=_share(probability > decline, weights),
        bad_among_approved=_share(bad[taken], weights[taken]),
        cost=_cost(probability, bad, weights, best, cost_of_bad),
        cost_of_approving_all=_cost(probability, bad, weights, 1.0, cost_of_bad),
        cost_of_declining_all=_cost(probability, bad, weights, -1.0, cost_of_bad),
        grades=_grades(probability[probability <= decline], decline),
    )


def portfolio_weights(bad: Flags, sample_rate: float, portfolio_rate: float) -> Shares:
    """How often each row of the sample stands for one of the portfolio."""
    return np.where(bad, portfolio_rate / sample_rate, (1 - portfolio_rate) / (1 - sample_rate))


def rounded(probability: float) -> float:
    """Three digits are plenty, and can be read aloud."""
    inside = min(max(float(probability), LOWEST), HIGHEST)
    return round(inside, 2 - floor(log10(inside)))


def _cheapest(probability: Shares, bad: Flags, weights: Shares, cost_of_bad: float) -> float:
    cuts = np.unique(np.quantile(probability, np.linspace(0, 1, STEPS + 1)))
    costs = [_cost(probability, bad, weights, cut, cost_of_bad) for cut in cuts]
    return float(cuts[int(np.argmin(costs))])


def _cost(probability: Shares, bad: Flags, weights: Shares, cut: float, cost_of_bad: float) -> float:
    approved = probability <= cut
    lost = cost_of_bad * weights[approved & bad].sum() + weights[~approved & ~bad].sum()
    return float(lost / weights.sum())


def _band(at: float, share: float) -> tuple[float, float]:
    """As wide as asked for, around the best cut; on either side half of those there keep a clear answer."""
    above = min(share / 2, (1 - at) / 2)
    below = min(share - above, at / 2)
    above = min(share - below, (1 - at) / 2)
    return at - below, at + above


def _at(probability: Shares, place: Shares, share: float) -> float:
    return float(probability[min(int(np.searchsorted(place, share)), len(probability) - 1)])


def _share(claims: npt.NDArray[np.bool_], weights: Shares) -> float:
    return float((claims * weights).sum() / weights.sum()) if len(weights) and weights.sum() else 0.0


def _grades(approvable: Shares, decline_above: float) -> tuple[float, ...]:
    """Fifths of those who may be approved; fewer when the model tells fewer apart."""
    shares = np.linspace(0, 1, MOST_GRADES + 1)[1:-1]
    bounds = np.quantile(approvable, shares).tolist() if len(approvable) else []
    rising = sorted({rounded(bound) for bound in bounds} - {decline_above})
    return (*(bound for bound in rising if bound < decline_above), decline_above)
