"""From a model's log-odds to a probability, and from the sample's base rate to the portfolio's."""

from enum import StrEnum
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from plimsoll.domain.values import Value

Floats = npt.NDArray[np.float64]
Number = TypeVar("Number", float, Floats)
SAME = 1e-6  # two log-odds this near each other are taken for one


class Method(StrEnum):
    """Ways from log-odds to a probability, the simplest first."""

    NONE = "none"
    PLATT = "platt"
    BETA = "beta"
    ISOTONIC = "isotonic"

    @property
    def in_words(self) -> str:
        return IN_WORDS[self]


IN_WORDS = {
    Method.NONE: "as the model says them",
    Method.PLATT: "on Platt's line",
    Method.BETA: "on a bent line",
    Method.ISOTONIC: "on rising steps, joined",
}


class Calibration(Value):
    """A rising curve from the model's log-odds to those that can be believed.

    A line (Platt, "Probabilistic outputs for support vector machines", 1999; none at all is the line
    with slope 1), a line bent where the odds are even (Kull, Silva Filho and Flach, "Beta calibration",
    2017), or points joined (isotonic regression, its steps joined at their middles: Oron and Flournoy,
    2017). All of them rise everywhere, so the order of applicants, and with it the reasons, survive.
    """

    slope: float  # of a bent line: below even odds
    intercept: float
    slope_above: float | None = None  # of a bent line: above even odds
    points: tuple[tuple[float, float], ...] = ()  # (model's log-odds, calibrated), instead of a line

    @property
    def method(self) -> Method:
        if self.points:
            return Method.ISOTONIC
        if self.slope_above is not None:
            return Method.BETA
        return Method.NONE if (self.slope, self.intercept) == (1.0, 0.0) else Method.PLATT

    @property
    def is_a_line(self) -> bool:
        return not self.points and self.slope_above is None

    def log_odds(self, raw: Number) -> Number:
        if self.points:
            return self._between_points(raw)
        if self.slope_above is None:
            return raw * self.slope + self.intercept
        return self.slope_above * np.logaddexp(0, raw) - self.slope * np.logaddexp(0, -raw) + self.intercept

    def probability(self, raw: Number) -> Number:
        return 1.0 / (1.0 + np.exp(-self.log_odds(raw)))

    def shares(self, contributions: Floats, raw: Floats) -> Floats:
        """Contributions to the model's log-odds (rows, features) as contributions to the calibrated ones.

        Those of a row are stretched alike, so that they add up to what calibration makes of the whole way from
        the reference to the row. Which of them is how much of it all stays as it was.
        """
        if self.is_a_line:
            return contributions * self.slope
        way = contributions.sum(axis=1)
        short = np.abs(way) < SAME
        other = raw - np.where(short, SAME, way)
        return contributions * ((self.log_odds(raw) - self.log_odds(other)) / (raw - other))[:, None]

    def _between_points(self, raw: Number) -> Number:
        """Beyond the last point on either side it goes on as steeply as the model itself."""
        at, told = np.array(self.points).T
        return np.interp(raw, at, told) + np.minimum(raw - at[0], 0.0) + np.maximum(raw - at[-1], 0.0)


def corrected(probability: Number, sample_rate: float, portfolio_rate: float) -> Number:
    """The probability on the portfolio's scale: odds times the ratio of the two prior odds.

    Saerens, Latinne and Decaestecker, "Adjusting the outputs of a classifier to new a priori
    probabilities", 2002. Right when only the share of bads differs, not who the bads are.
    """
    ratio = prior_odds_ratio(sample_rate, portfolio_rate)
    return probability * ratio / (probability * ratio + 1.0 - probability)


def prior_odds_ratio(sample_rate: float, portfolio_rate: float) -> float:
    return (portfolio_rate / (1.0 - portfolio_rate)) / (sample_rate / (1.0 - sample_rate))


def on_sample_scale(probability: float, sample_rate: float, portfolio_rate: float) -> float:
    """The way back: what a corrected probability was on the sample."""
    return corrected(probability, portfolio_rate, sample_rate)
