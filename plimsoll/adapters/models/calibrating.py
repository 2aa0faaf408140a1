"""Which calibration to take: each way is held against the others on rows that its curve was not drawn through.

The raw log-odds it starts from are out of fold: of models that did not see the row.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from plimsoll.adapters.models.families import Floats, Labels
from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.models import metrics
from plimsoll.domain.models.calibration import Calibration, Method
from plimsoll.domain.values import Value

Mask = npt.NDArray[np.bool_]
# Below so many of the rarer ending a curve follows chance: a line it is.
ENOUGH_FOR_A_CURVE = 100


class Weighed(Value):
    """What each way lost per row on rows that its curve had not seen, and the one that lost least."""

    taken: Method
    log_loss: dict[Method, float]


def best_calibrated(raw: Floats, bad: Labels, folds: Sequence[Mask]) -> tuple[Calibration, Weighed]:
    """The calibration with the least log loss across the folds, the simpler of equals. Raises InvalidRequest."""
    platt = calibrated(raw, bad)  # refuses what ranks no better than chance
    weighed = weigh(raw, bad, folds)
    drawn = platt if weighed.taken is Method.PLATT else DRAWN[weighed.taken](raw, bad)
    return drawn, weighed


def weigh(raw: Floats, bad: Labels, folds: Sequence[Mask]) -> Weighed:
    lost = {method: round(metrics.log_loss(bad, across(method, raw, bad, folds)), 6) for method in _worth_trying(bad)}
    return Weighed(taken=min(lost, key=lambda method: lost[method]), log_loss=lost)


def across(method: Method, raw: Floats, bad: Labels, folds: Sequence[Mask]) -> Floats:
    """The probability of each row by a curve that the other folds gave."""
    told = np.empty(len(bad))
    for fold in folds:
        told[fold] = DRAWN[method](raw[~fold], bad[~fold]).probability(raw[fold])
    return told


def _worth_trying(bad: Labels) -> tuple[Method, ...]:
    rarer = min(int(bad.sum()), int(len(bad) - bad.sum()))
    return tuple(Method) if rarer >= ENOUGH_FOR_A_CURVE else (Method.NONE, Method.PLATT)


# ---------------------------------------------------------------- the ways


def calibrated(raw: Floats, bad: Labels) -> Calibration:
    """Platt's two numbers by maximum likelihood. Raises InvalidRequest."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e6).fit(raw[:, None], bad)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope <= 0:
        raise InvalidRequest("The model ranks applicants no better than chance, so it cannot be calibrated.")
    return Calibration(slope=slope, intercept=intercept)


def _as_it_is(raw: Floats, bad: Labels) -> Calibration:
    return Calibration(slope=1.0, intercept=0.0)


def _bent(raw: Floats, bad: Labels) -> Calibration:
    """Beta calibration; a side that would fall is left to Platt's line."""
    from sklearn.linear_model import LogisticRegression

    sides = np.stack([-np.logaddexp(0, -raw), np.logaddexp(0, raw)], axis=1)
    fitted = LogisticRegression(C=1e6, max_iter=1_000).fit(sides, bad)
    below, above = (float(slope) for slope in fitted.coef_[0])
    if min(below, above) <= 0:
        return calibrated(raw, bad)
    return Calibration(slope=below, intercept=float(fitted.intercept_[0]), slope_above=above)


def _stepped(raw: Floats, bad: Labels) -> Calibration:
    """Isotonic regression, its steps joined at their middles; a step of one ending only joins its neighbour."""
    from sklearn.isotonic import isotonic_regression

    order = np.argsort(raw, kind="stable")
    _, step = np.unique(isotonic_regression(bad[order].astype(np.float64)), return_inverse=True)
    rows, bads, middle = (np.bincount(step, weights) for weights in (None, bad[order], raw[order]))
    first, last = int(np.argmax(bads > 0)), int(len(rows) - 1 - np.argmax((rows > bads)[::-1]))
    place = np.clip(np.arange(len(rows)), first, last) - first
    rows, bads, middle = (np.bincount(place, sums) for sums in (rows, bads, middle))
    if len(rows) < 2:
        return calibrated(raw, bad)
    told = np.log(bads / (rows - bads))
    points = zip((middle / rows).tolist(), told.tolist(), strict=True)
    return Calibration(slope=1.0, intercept=0.0, points=tuple(points))


DRAWN: dict[Method, Callable[[Floats, Labels], Calibration]] = {
    Method.NONE: _as_it_is,
    Method.PLATT: calibrated,
    Method.BETA: _bent,
    Method.ISOTONIC: _stepped,
}
