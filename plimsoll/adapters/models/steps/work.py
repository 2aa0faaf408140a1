"""A training run as its steps see it: what they were given, what was told before, which rows are whose."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll.adapters.models.families import family_named
from plimsoll.adapters.models.pieces import plain
from plimsoll.domain.models.calibration import Calibration
from plimsoll.domain.models.data_checks import KnownAt
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.training import ENSEMBLE, Progress, StepResult, TrainingPlan, TrainingStep, in_silence
from plimsoll.domain.underwriting.product import Product

AMOUNT = "request.amount"
NEITHER, LEARNT_FROM, HELD_OUT = 0, 1, 2
MODEL_FOLDER, COMPARED = "model", "candidates"
Said = tuple[str, dict[str, Any], dict[str, Any]]  # sentence, figures, all of it


@dataclass(frozen=True)
class TrainingWork:
    """One run: what to learn from, how, and where its pieces are kept."""

    product: Product
    examples: Examples
    folder: Path
    models: Path
    created_at: str
    who: str
    plan: TrainingPlan = field(default_factory=TrainingPlan)
    known_at: Mapping[str, KnownAt] = field(default_factory=dict)
    progress: Progress = in_silence


class Stop(Exception):
    """The run ends here, and why."""

    def __init__(self, sentence: str, told: dict[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.told = told or {}


def said_before(work: TrainingWork, step: TrainingStep) -> StepResult | None:
    path = work.folder / f"{step}.json"
    return StepResult.model_validate(json.loads(path.read_bytes())["result"]) if path.exists() else None


def told_by(folder: Path, step: TrainingStep) -> dict[str, Any]:
    """All that a finished step said."""
    return json.loads((folder / f"{step}.json").read_bytes())["told"]


def part(work: TrainingWork, part: int) -> Examples:
    return work.examples.take(np.load(work.folder / "parts.npy", allow_pickle=False) == part)


def taken(work: TrainingWork) -> tuple[str, dict[str, Any]]:
    """The candidate to make, as a family and its settings."""
    told = told_by(work.folder, TrainingStep.CANDIDATES)
    if told["chosen"] != ENSEMBLE:
        return told["chosen"], told["settings"][told["chosen"]]
    weights = {name: weight for name, weight in told["ensemble_weights"].items() if weight > 0}
    whole = sum(weights.values())
    return f"ensemble:{'+'.join(weights)}", {
        "weights": {name: weight / whole for name, weight in weights.items()},
        "parts": {name: told["settings"][name] for name in weights},
    }


def model_read(work: TrainingWork) -> tuple[Any, Calibration, dict[str, Any]]:
    said = told_by(work.folder, TrainingStep.CALIBRATE)
    model, _ = family_named(said["family"]).load(work.folder / MODEL_FOLDER, said["member_sizes"])
    return model, Calibration.model_validate(said["calibration"]), said


def plainly(told: Any) -> Any:
    return json.loads(json.dumps(told, default=plain))
