"""Families of models: each learns from a matrix, keeps its directions, and is written and read without pickle.

A family is a module with a class of the interface below. What it makes answers raw log-odds
(more is riskier) and says exactly what each feature added against a reference group.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from plimsoll.domain.models.features import Matrix, column_names, monotone_signs, owners
from plimsoll.domain.models.training import FAMILIES
from plimsoll.domain.underwriting.product import FeatureKind, FeatureSpec

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
THREADS = 2


@dataclass(frozen=True)
class Layout:
    """What the columns of a matrix are, told to a family that knows nothing of products."""

    names: tuple[str, ...]
    owners: npt.NDArray[np.int64]  # per column the feature it belongs to
    signs: tuple[int, ...]  # per column: 1 the risk rises with it, -1 it falls, 0 free
    dummies: npt.NDArray[np.bool_]  # per column: one value of a category

    @property
    def features(self) -> int:
        return int(self.owners.max()) + 1 if len(self.owners) else 0

    def without_directions(self) -> "Layout":
        return Layout(self.names, self.owners, tuple(0 for _ in self.signs), self.dummies)


def layout_of(features: Sequence[FeatureSpec]) -> Layout:
    of = owners(features)
    return Layout(
        names=tuple(column_names(features)),
        owners=of,
        signs=tuple(monotone_signs(features)),
        dummies=np.array([features[owner].kind is FeatureKind.CATEGORY for owner in of], dtype=np.bool_),
    )


class Model(Protocol):
    """A fitted model."""

    def raw_log_odds(self, rows: Matrix) -> Floats: ...


class Attributor(Protocol):
    """What each feature adds to the raw log-odds, against the reference group it was made with."""

    def contributions(self, rows: Matrix) -> Floats:
        """(rows, features)"""
        ...


class Members(Protocol):
    """The bootstrap members of a model, all asked at once."""

    def raw_log_odds(self, rows: Matrix) -> Floats:
        """(rows, members)"""
        ...


class Family(Protocol):
    """How one kind of model is made, kept and asked."""

    @property
    def name(self) -> str: ...

    @property
    def algorithm(self) -> str:
        """In words, for the card."""
        ...

    @property
    def quick(self) -> bool:
        """Whether a score with its reasons takes well under a millisecond."""
        ...

    @property
    def files(self) -> tuple[str, ...]:
        """What `save` writes."""
        ...

    def defaults(self, rows: int) -> dict[str, Any]:
        """Sound settings for so many rows; tuning starts from them."""
        ...

    def suggest(self, trial: Any, rows: int) -> dict[str, Any]:
        """Settings for one trial of tuning (an Optuna trial)."""
        ...

    def smaller(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Settings for a bootstrap member: twenty of them answer for every score."""
        ...

    def fit(
        self,
        layout: Layout,
        rows: Matrix,
        bad: Labels,
        settings: dict[str, Any],
        seed: int,
        weights: Floats | None = None,
        like: Any = None,
    ) -> Any:
        """A model whose risk moves only in the declared directions; `like` is the one it is to be a member of."""
        ...

    def save(self, model: Any, members: Sequence[Any], folder: Path) -> tuple[int, ...]:
        """Writes `files`; what it returns is kept in the manifest and handed to `load`."""
        ...

    def load(self, folder: Path, member_sizes: Sequence[int]) -> tuple[Any, Members]: ...

    def attributor(self, model: Any, layout: Layout, reference: Matrix) -> Attributor: ...


def family_named(name: str) -> Family:
    """A family, or `ensemble:` and its parts joined by `+`.

    Imports are here because each family has a library of its own that costs a second to load.
    """
    if name.startswith("ensemble:"):
        from plimsoll.adapters.models.families.ensemble import Ensemble

        return Ensemble(name.removeprefix("ensemble:").split("+"))
    if name == "catboost":
        from plimsoll.adapters.models.families.catboost import CatBoost

        return CatBoost()
    if name == "forest":
        from plimsoll.adapters.models.families.forest import Forest

        return Forest()
    if name == "boosting":
        from plimsoll.adapters.models.families.boosting import Boosting

        return Boosting()
    if name == "logistic":
        from plimsoll.adapters.models.families.logistic import Logistic

        return Logistic()
    if name == "scorecard":
        from plimsoll.adapters.models.families.scorecard import Scorecard

        return Scorecard()
    raise KeyError(f"There is no family {name!r}; there are {', '.join(FAMILIES)}.")
