"""A comparison of two models, said beforehand: how many it takes, and what may be concluded when.

Two designs. In `arms` the challenger decides for its share of applicants, and the arms are compared.
In `shadow` it scores everybody beside the champion, and both scores of the same application are
compared, which takes far fewer; but it decides nothing, so only the order of applicants can be compared.

A reading before the planned sample is no verdict: whoever looks after every hundred applicants and
stops at p < 0.05 finds a difference where there is none more often than one time in five (Armitage,
McPherson and Rowe 1969). Interim looks are planned or do not count; an early end takes p < 0.001
(Haybittle 1971, Peto 1976), and that chance is taken off the last look's level (Bonferroni), so that
all looks together err no more often than alpha says.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.models.metrics import Shares
from plimsoll.domain.underwriting.application import Text
from plimsoll.domain.values import Value

Flags = npt.NDArray[np.bool_]
INTERIM_LEVEL = 0.001
FEWEST_OF_A_KIND = 5  # of either outcome in an arm, below which nothing is computed


class Metric(StrEnum):
    BAD_RATE = "bad_rate"  # bads among those granted a loan
    COST = "cost"  # per applicant: a bad loan costs, a good one earns, a decline is nothing
    AUC = "auc"  # order of applicants

    @property
    def words(self) -> str:
        return {Metric.BAD_RATE: "bad rate", Metric.COST: "cost per applicant", Metric.AUC: "AUC"}[self]

    @property
    def lower_is_better(self) -> bool:
        return self is not Metric.AUC


class Design(StrEnum):
    ARMS = "arms"
    SHADOW = "shadow"


class Question(Value):
    """What a comparison shall find out."""

    product: Text
    challenger: Text = Field(description="Id or name@version of the version that is tried.")
    metric: Metric = Metric.BAD_RATE
    effect: float = Field(gt=0, description="Smallest difference worth finding: 0.01 is one per cent point.")
    design: Design = Design.ARMS
    share: float = Field(
        default=0.2, gt=0, le=0.5, description="Of applicants, the challenger's; of no meaning in shadow."
    )
    alpha: float = Field(default=0.05, ge=0.001, le=0.2, description="How often it may see a difference that is none.")
    power: float = Field(default=0.8, ge=0.5, le=0.99, description="How often it shall see a difference that is there.")
    looks: int = Field(default=1, ge=1, le=5, description="Planned readings that count, the last one included.")
    baseline: float | None = Field(default=None, description="The champion's value, when you know better than we do.")
    correlation: float = Field(default=0.8, ge=0, lt=1, description="Of both models' AUC in shadow: assumed.")

    @model_validator(mode="after")
    def _can_be_asked(self) -> "Question":
        if self.design is Design.SHADOW and self.metric is not Metric.AUC:
            raise ValueError("a shadow decides nothing, so only `auc` can be compared in shadow")
        return self


class Baseline(Value):
    """What is known of the champion, and from where."""

    value: float  # of the metric
    bad_rate: float  # among those whose outcome will be known
    spread: float = 0.0  # standard deviation of the cost of one applicant
    source: str  # in words
    monthly: float  # applicants a month who count for the metric


class Plan(Value):
    """Fixed when the experiment is planned; a reading is held against it."""

    question: Question
    baseline: Baseline
    expected: float  # the challenger's value if the effect is there
    n_champion: int
    n_challenger: int
    months_to_fill: float | None
    months_to_read: float | None  # and until the last labels are ripe
    salt: str
    formula: str
    words: tuple[str, ...]


class Verdict(StrEnum):
    NONE_YET = "none_yet"
    CHALLENGER_BETTER = "challenger_better"
    CHAMPION_BETTER = "champion_better"
    NO_DIFFERENCE_SEEN = "no_difference_seen"


class Comparison(Value):
    champion: float
    challenger: float
    difference: float  # challenger less champion
    interval: tuple[float, float]  # 95 %
    p: float
    method: str


class Look(Value):
    """A planned reading: what it found and what followed."""

    number: int
    on: date
    share_of_sample: float
    comparison: Comparison
    level: float  # p below this ends it
    verdict: Verdict


class ArmCount(Value):
    assigned: int
    decided: int
    granted: int
    ripe: int  # decided long enough ago, or nearly all of their month known
    counted: int  # in the comparison


class Reading(Value):
    on: date
    champion: ArmCount
    challenger: ArmCount
    share_of_sample: float  # of the planned, in the arm that lags
    comparison: Comparison | None
    verdict: Verdict
    looks: tuple[Look, ...] = ()  # those that counted
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Compared:
    """Applications of an experiment as columns, one a person, by the arm they were dealt to. NaN is "not known"."""

    challenger: Flags  # dealt to the challenger; in shadow nobody
    vintage: npt.NDArray[np.object_]
    decided: Flags
    granted: Flags
    bad: Shares
    score: Shares  # of the model that decided
    shadow_score: Shares  # of the challenger beside it, in shadow

    def __len__(self) -> int:
        return len(self.bad)


def final_level(question: Question) -> float:
    """What is left of alpha for the last look."""
    level = question.alpha - INTERIM_LEVEL * (question.looks - 1)
    if level <= 0:
        raise InvalidRequest(f"{question.looks} looks use up an alpha of {question.alpha:g}: plan fewer.")
    return level
