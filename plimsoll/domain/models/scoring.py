"""What a model says about one application, kept with the decision."""

from decimal import Decimal
from enum import StrEnum
from typing import Any

from plimsoll.domain.errors import Unavailable
from plimsoll.domain.values import Value


class ModelUnavailable(Unavailable):
    """No version is live, or its files are not there."""

    code = "model_unavailable"


class ModelRefused(Unavailable):
    """The files are there and must not be used: a digest differs, or something in them could run code."""

    code = "model_refused"


class ModelPin(Value):
    """Which model scored: pinned by digest, so that a retry or a replay uses the same one."""

    name: str
    version: str
    digest: str
    calibration: str = ""  # digest of the calibration inside the model's folder
    role: str = "champion"
    arm: str = "champion"


class ReasonSource(StrEnum):
    RULE = "rule"
    SCORE = "score"
    PERSON = "person"


class Reason(Value):
    """One principal reason, in words a person understands."""

    code: str
    text: str
    rank: int
    source: ReasonSource
    feature: str | None = None
    value: Any = None  # the person's own value


class OfferRisk(Value):
    """The probability of default had the applicant asked for this instead."""

    amount: Decimal
    term_months: int
    probability_of_default: float
    near_cut: float = 0.0  # as in Score: share of bootstrap members on the other side of the cut


class Score(Value):
    """Probabilities are shares in 0..1; contributions are log-odds against the reference group."""

    model: ModelPin
    sample_probability: float  # calibrated, on the scale of the training sample
    probability_of_default: float  # corrected to the product's portfolio base rate
    interval: tuple[float, float]  # 5 % and 95 % of the bootstrap, corrected likewise
    near_cut: float  # share of bootstrap members on the other side of the cut, 0..0.5
    novelty: float  # 0 ordinary .. 1 unlike anything in training
    missing: tuple[str, ...]  # sources that did not answer
    features: dict[str, Any]  # the snapshot, in product words
    contributions: dict[str, float]  # feature -> log-odds against the reference; they add up to the difference
    reference: str = ""  # which group the contributions compare with
    reasons: tuple[Reason, ...]
    alternatives: tuple[OfferRisk, ...]
    flags: tuple[str, ...] = ()  # such as `pinned_model_unusable`: the champion answered in its place
