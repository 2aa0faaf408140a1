"""Novelty: how far an application is from anything the model has seen.

Distance is Gower's: the mean over features of the difference in places (a number's place is
its rank among the training rows and goes on beyond them, an ordinal's its step, a category
agrees or does not). An application is as novel as the share of training rows that have
nearer neighbours than it has. Gower, "A general coefficient of similarity", 1971.
"""

from collections.abc import Sequence

import numpy as np

from plimsoll.domain.models.features import Matrix, owners
from plimsoll.domain.underwriting.product import FeatureKind, FeatureSpec

NEIGHBOURS = 5
MOST_ROWS = 1000  # enough to know the neighbourhood; a larger set is thinned evenly


class Neighbourhood:
    """The training rows as places, and how near each of them is to its own neighbours."""

    def __init__(self, features: Sequence[FeatureSpec], rows: Matrix) -> None:
        self._features = features
        self._owners = owners(features)
        self._rows = rows
        self._knots = {
            column: np.unique(rows[:, column][~np.isnan(rows[:, column])])
            for column, owner in enumerate(self._owners)
            if features[owner].kind is FeatureKind.NUMBER
        }
        self._ranks = {column: _mid_ranks(rows[:, column], knots) for column, knots in self._knots.items()}
        self._places = self.places(rows)
        self._usual = np.sort([self._remoteness(place, skip_itself=True) for place in self._places])

    def novelty(self, row: Matrix) -> float:
        """0 ordinary .. 1 farther from its neighbours than any training row from its own."""
        remoteness = self._remoteness(self.places(row[None, :])[0])
        return float(np.searchsorted(self._usual, remoteness) / len(self._usual))

    def places(self, rows: Matrix) -> Matrix:
        """Rows of columns -> rows of places; one feature is 0..1 wide within the training range."""
        places = np.empty_like(rows)
        for column, owner in enumerate(self._owners):
            spec = self._features[owner]
            if spec.kind is FeatureKind.NUMBER:
                places[:, column] = self._number_places(column, rows[:, column])
            elif spec.kind is FeatureKind.ORDINAL:
                places[:, column] = rows[:, column] / max(len(spec.values) - 1, 1)
            else:
                places[:, column] = rows[:, column] / 2  # two columns differ when a category does
        return places

    def _number_places(self, column: int, numbers: Matrix) -> Matrix:
        knots = self._knots[column]
        if len(knots) == 0:
            return np.zeros_like(numbers)
        inside = np.interp(numbers, knots, self._ranks[column])
        width = max(float(np.subtract(*np.quantile(knots, (0.95, 0.05)))), 1e-9)
        beyond = np.maximum(numbers - knots[-1], knots[0] - numbers) / width
        return inside + np.sign(numbers - knots[0]) * np.maximum(beyond, 0.0)

    def _remoteness(self, place: Matrix, *, skip_itself: bool = False) -> float:
        """Mean distance to the nearest rows; what is not known on either side does not count."""
        distances = np.nansum(np.abs(self._places - place), axis=1) / len(self._features)
        first = 1 if skip_itself else 0
        nearest = np.partition(distances, NEIGHBOURS + first - 1)[: NEIGHBOURS + first]
        return float(np.sort(nearest)[first:].mean())


def thinned(rows: Matrix) -> Matrix:
    """At most `MOST_ROWS`, taken evenly."""
    step = max(1, -(-len(rows) // MOST_ROWS))
    return rows[::step]


def _mid_ranks(numbers: Matrix, knots: Matrix) -> Matrix:
    """The share of rows below each knot, ties counted half."""
    known = np.sort(numbers[~np.isnan(numbers)])
    below, up_to = np.searchsorted(known, knots), np.searchsorted(known, knots, side="right")
    return ((below + up_to) / 2 / max(len(known), 1)).astype(np.float32)
