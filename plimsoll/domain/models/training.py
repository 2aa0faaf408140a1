"""A training run as everybody sees it: its plan, its steps, and what each step said.

The science behind the steps is in `plimsoll/adapters/models/steps/`.
"""

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Any

from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.values import Value

# What is being done, how much of it is done, of how much. Called every few seconds; whatever it raises
# ends the step between two pieces, and the pieces that were finished stay finished.
Progress = Callable[[str, int, int], None]


def in_silence(text: str, done: int, of: int) -> None:
    """For callers who do not watch."""


class TrainingStopped(InvalidRequest):
    """An earlier step found a reason not to go on."""

    code = "training_stopped"


class TrainingStep(StrEnum):
    """In this order; each reads what the ones before it left in the run's folder."""

    VALIDATE = "validate"
    SPLIT = "split"
    CANDIDATES = "candidates"
    CALIBRATE = "calibrate"
    EVALUATE = "evaluate"
    FAIRNESS = "fairness"
    PUBLISH = "publish"


class SplitKind(StrEnum):
    STRATIFIED = "stratified"  # by a keyed digest of each reference, goods and bads apart
    OUT_OF_TIME = "out_of_time"  # applications from a day on are held out, those before are learnt from


class LabelSource(StrEnum):
    """Where a training finds labelled applications."""

    BOTH = "both"
    FILE = "file"  # what the pack's `[training]` names
    OUTCOMES = "outcomes"  # applications decided here, once what became of them is known


class TrainingPlan(Value):
    """How to train and compare. The defaults fit an hour on two cores for 150,000 rows of 60 columns."""

    seed: int = 0
    families: tuple[str, ...] = ("catboost", "forest", "boosting", "logistic", "scorecard")
    ensemble: bool = True
    labels: LabelSource = LabelSource.BOTH
    choose: str | None = None  # a candidate by name; None takes the best that may be released
    split: SplitKind = SplitKind.STRATIFIED
    held_out: float = 0.3  # share of the rows, when the split is stratified
    held_out_from: date | None = None  # day of the first application held out, when it is by time
    known_by: date | None = None  # then: no label is read that was known later; None is that very day, for learning
    split_key: str = "plimsoll-split-1"
    trials: int = 8  # of tuning, per family
    tuning_seconds: float = 120.0  # for all families together
    tuning_rows: int = 10_000
    folds: int = 5
    repeats: int = 5  # of the comparison, each with folds of its own
    comparison_rows: int = 30_000
    comparison_seconds: float = 900.0  # after the first repeat, none is begun later than this
    floor: bool = True  # compare with CatBoost's own defaults on the same columns
    members: int = 20  # bootstrap members for the interval of a score


class StepResult(Value):
    """What a step tells whoever ordered it; all of it is in `<step>.json` in the run's folder."""

    step: TrainingStep
    sentence: str
    stopped: bool = False  # the run ends here, and `sentence` says why
    figures: dict[str, Any]
    seconds: float
    resumed: bool = False  # it was finished before and is only read again
