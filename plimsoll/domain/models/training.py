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


class PlanRefused(InvalidRequest):
    """Nothing can be trained by this plan; the message names the word, its value and what it may be."""

    code = "plan_refused"


FAMILIES = ("catboost", "forest", "boosting", "logistic", "scorecard")
ENSEMBLE = "ensemble"


class TrainingPlan(Value):
    """How to train and compare. The defaults fit an hour on two cores for 150,000 rows of 60 columns."""

    seed: int = 0
    families: tuple[str, ...] = FAMILIES
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


# What a plan may ask for. Not on its fields: a plan on record is read whatever it asked for.
WITHIN: dict[str, tuple[float, float]] = {
    "held_out": (0.05, 0.9),
    "trials": (0, 1_000),
    "tuning_seconds": (0, 86_400),
    "tuning_rows": (100, 10_000_000),
    "folds": (2, 20),
    "repeats": (1, 100),
    "comparison_rows": (100, 10_000_000),
    "comparison_seconds": (0, 86_400),
    "members": (1, 200),
}


def can_be_trained_by(plan: TrainingPlan) -> TrainingPlan:
    """Before anything is begun by it. Raises PlanRefused."""
    unknown = [name for name in plan.families if name not in FAMILIES]
    if unknown or not plan.families:
        named = ", ".join(map(repr, unknown)) or "none"
        raise PlanRefused(f"`families` of the plan names {named}; there are {', '.join(FAMILIES)}.")
    takes = (*plan.families, ENSEMBLE) if plan.ensemble and len(plan.families) > 1 else plan.families
    if plan.choose is not None and plan.choose not in takes:
        raise PlanRefused(f"`choose` of the plan is {plan.choose!r}, which it does not compare: {', '.join(takes)}.")
    for name, (least, most) in WITHIN.items():
        if not least <= getattr(plan, name) <= most:
            raise PlanRefused(f"`{name}` of the plan is {getattr(plan, name):g}: from {least:g} to {most:g} will do.")
    return plan


class StepResult(Value):
    """What a step tells whoever ordered it; all of it is in `<step>.json` in the run's folder."""

    step: TrainingStep
    sentence: str
    stopped: bool = False  # the run ends here, and `sentence` says why
    figures: dict[str, Any]
    seconds: float
    resumed: bool = False  # it was finished before and is only read again
