"""Several families together: a weighted mean of their log-odds, no weight below nothing.

So it keeps every direction that all its parts keep, and its contributions are theirs, weighted.
Each part has a folder of its own within the version.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll.adapters.models.families import Attributor, Floats, Labels, Layout, Members, family_named
from plimsoll.domain.models.features import Matrix

ABOUT = "ensemble.json"


class EnsembleModel:
    def __init__(self, parts: Mapping[str, Any], weights: Mapping[str, float]) -> None:
        self.parts, self.weights = parts, weights

    def raw_log_odds(self, rows: Matrix) -> Floats:
        return np.sum([self.weights[name] * part.raw_log_odds(rows) for name, part in self.parts.items()], axis=0)


class EnsembleMembers:
    def __init__(self, parts: Mapping[str, Members], weights: Mapping[str, float]) -> None:
        self._parts, self._weights = parts, weights

    def raw_log_odds(self, rows: Matrix) -> Floats:
        return np.sum([self._weights[name] * part.raw_log_odds(rows) for name, part in self._parts.items()], axis=0)


class EnsembleAttributor:
    """Shapley values of a sum are the sums of Shapley values."""

    def __init__(self, parts: Mapping[str, Attributor], weights: Mapping[str, float]) -> None:
        self._parts, self._weights = parts, weights

    def contributions(self, rows: Matrix) -> Floats:
        return np.sum([self._weights[name] * part.contributions(rows) for name, part in self._parts.items()], axis=0)


class Ensemble:
    """Settings are `{"weights": {family: weight}, "parts": {family: its settings}}`."""

    name = "ensemble"
    algorithm = "Weighted mean of the log-odds of several families, each monotone"
    quick = False

    def __init__(self, parts: Sequence[str]) -> None:
        self._parts = tuple(parts)

    @property
    def files(self) -> tuple[str, ...]:
        return (ABOUT, *(f"{part}/{name}" for part in self._parts for name in family_named(part).files))

    def defaults(self, rows: int) -> dict[str, Any]:
        even = {part: 1.0 / len(self._parts) for part in self._parts}
        return {"weights": even, "parts": {part: family_named(part).defaults(rows) for part in self._parts}}

    def suggest(self, trial: Any, rows: int) -> dict[str, Any]:
        return self.defaults(rows)

    def smaller(self, settings: dict[str, Any]) -> dict[str, Any]:
        parts = {part: family_named(part).smaller(said) for part, said in settings["parts"].items()}
        return {**settings, "parts": parts}

    def fit(
        self,
        layout: Layout,
        rows: Matrix,
        bad: Labels,
        settings: dict[str, Any],
        seed: int,
        weights: Floats | None = None,
        like: Any = None,
    ) -> EnsembleModel:
        parts = {
            part: family_named(part).fit(
                layout, rows, bad, said, seed, weights=weights, like=like.parts[part] if like else None
            )
            for part, said in settings["parts"].items()
        }
        return EnsembleModel(parts, settings["weights"])

    def save(self, model: EnsembleModel, members: Sequence[EnsembleModel], folder: Path) -> tuple[int, ...]:
        sizes = {}
        for part, own in model.parts.items():
            (folder / part).mkdir()
            sizes[part] = family_named(part).save(own, [member.parts[part] for member in members], folder / part)
        (folder / ABOUT).write_text(json.dumps({"weights": dict(model.weights), "sizes": sizes}) + "\n")
        return ()

    def load(self, folder: Path, member_sizes: Sequence[int]) -> tuple[EnsembleModel, EnsembleMembers]:
        about = json.loads((folder / ABOUT).read_bytes())
        loaded = {part: family_named(part).load(folder / part, about["sizes"][part]) for part in about["weights"]}
        return (
            EnsembleModel({part: own for part, (own, _) in loaded.items()}, about["weights"]),
            EnsembleMembers({part: members for part, (_, members) in loaded.items()}, about["weights"]),
        )

    def attributor(self, model: EnsembleModel, layout: Layout, reference: Matrix) -> EnsembleAttributor:
        parts = {part: family_named(part).attributor(own, layout, reference) for part, own in model.parts.items()}
        return EnsembleAttributor(parts, model.weights)
