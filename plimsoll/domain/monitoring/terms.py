"""What a product wants watched, and what is to happen when it moves: `[monitoring]` of its pack."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from plimsoll.domain.values import Value

FEATURES, SCORE, REASON, APPROVAL = "features", "score", "reason", "approval"
OF_THE_MODEL = (SCORE, REASON, APPROVAL)


class Measure(StrEnum):
    PSI = "psi"
    KS = "ks"
    EFFECT_SIZE = "effect_size"
    MISSING = "missing"  # rise of the share that is missing
    UNSEEN = "unseen"  # share with a value training never saw


class Action(StrEnum):
    NOTIFY = "notify"
    RETRAIN = "retrain"
    ROLL_BACK = "roll_back"


class Rule(Value):
    """One limit. It speaks only of windows with enough rows, and of moves that chance does not explain."""

    name: str = Field(min_length=1, max_length=60)
    watches: str = FEATURES  # any of them, one by its name, or: score, reason, approval
    measure: Measure
    above: float = Field(gt=0)
    minimum_rows: int = Field(default=200, ge=50)
    windows: int = Field(default=1, ge=1, le=50)  # scheduled checks in a row
    action: Action

    @model_validator(mode="after")
    def inputs_never_roll_back(self) -> "Rule":
        if self.action is Action.ROLL_BACK and self.watches not in OF_THE_MODEL:
            raise ValueError(
                f"rule {self.name!r} would roll back because of {self.watches}: the old model sees the same input, "
                "so let it retrain; only score, reason and approval may roll back"
            )
        return self


DEFAULT_RULES = (
    Rule(name="input moved", measure=Measure.PSI, above=0.1, action=Action.NOTIFY),
    Rule(name="more is missing", measure=Measure.MISSING, above=0.05, action=Action.NOTIFY),
    Rule(name="score moved", watches=SCORE, measure=Measure.PSI, above=0.1, action=Action.NOTIFY),
    Rule(name="reasons moved", watches=REASON, measure=Measure.PSI, above=0.1, action=Action.NOTIFY),
    Rule(name="approvals moved", watches=APPROVAL, measure=Measure.PSI, above=0.1, action=Action.NOTIFY),
    Rule(name="input is another", measure=Measure.KS, above=0.1, minimum_rows=500, windows=2, action=Action.RETRAIN),
    Rule(name="input far off", measure=Measure.PSI, above=0.25, minimum_rows=500, windows=2, action=Action.RETRAIN),
    Rule(
        name="score alone is off", watches=SCORE, measure=Measure.PSI, above=0.25, minimum_rows=500, windows=2,
        action=Action.ROLL_BACK,
    ),
)  # fmt: skip


class MonitoringTerms(Value):
    """How often the live applications are held against training, and how far back a check looks."""

    every_hours: Annotated[float, Field(ge=0.25, le=24 * 31)] = 6.0
    window_days: Annotated[float, Field(gt=0, le=366)] = 30.0
    remind_after_days: Annotated[float, Field(gt=0, le=366)] = 7.0  # what goes on is not told at every check
    rules: tuple[Rule, ...] = DEFAULT_RULES

    @model_validator(mode="after")
    def names_are_distinct(self) -> "MonitoringTerms":
        names = [rule.name for rule in self.rules]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two rules are called {twice!r}: the record tells them apart by name")
        return self
