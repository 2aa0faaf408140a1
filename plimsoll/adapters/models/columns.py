"""A pinned model over many rows at once, in product words by column."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from plimsoll.adapters.models.scorer import ModelScorer
from plimsoll.domain.models.asking import Ranges
from plimsoll.domain.models.examples import Column
from plimsoll.domain.models.scoring import ModelPin
from plimsoll.domain.underwriting.product import FeatureSpec


class ByColumn:
    def __init__(self, scorer: ModelScorer) -> None:
        self._scorer = scorer

    def features(self, pin: ModelPin) -> Sequence[FeatureSpec]:
        return self._scorer.loaded(pin).manifest.features

    def ranges(self, pin: ModelPin) -> Ranges:
        return self._scorer.loaded(pin).manifest.ranges

    def probabilities(self, pin: ModelPin, columns: Mapping[str, Column]) -> npt.NDArray[np.float64]:
        loaded = self._scorer.loaded(pin)
        return loaded.probabilities(loaded.matrix(columns))

    def contributions(self, pin: ModelPin, columns: Mapping[str, Column]) -> npt.NDArray[np.float64]:
        loaded = self._scorer.loaded(pin)
        return loaded.contributions_of(loaded.matrix(columns))
