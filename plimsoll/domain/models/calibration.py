"""From a model's log-odds to a probability, and from the sample's base rate to the portfolio's."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from plimsoll.domain.values import Value

Number = TypeVar("Number", float, npt.NDArray[np.float64])


class Calibration(Value):
    """Platt scaling: probability = 1 / (1 + exp(-(slope × log-odds + intercept))).

    Monotone because the slope is positive, so the order of applicants, and with it the
    reasons, survive. Platt, "Probabilistic outputs for support vector machines", 1999.
    """

    slope: float
    intercept: float

    def log_odds(self, raw: Number) -> Number:
        return raw * self.slope + self.intercept

    def probability(self, raw: Number) -> Number:
        return 1.0 / (1.0 + np.exp(-self.log_odds(raw)))


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
