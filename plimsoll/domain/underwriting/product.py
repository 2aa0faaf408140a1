"""A product pack as the program sees it: data a risk team edits, never code.

`products/<id>/product.toml` holds all of this but the reasons' sentences (`reasons.toml`)
and the rules (`policy.json`). `plimsoll.adapters.products` reads the folder.
"""

from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from math import isclose
from typing import Any

from pydantic import Field

from plimsoll.domain.models.retraining_terms import RetrainingTerms
from plimsoll.domain.monitoring.terms import MonitoringTerms
from plimsoll.domain.underwriting.evidence import Recovery, WhenPatienceIsOver
from plimsoll.domain.values import Line, Value


class Lane(StrEnum):
    EXPRESS = "express"  # all steps in one local activity when nothing is in the way
    STEPWISE = "stepwise"  # every step a visible, retryable activity from the start


class FieldKind(StrEnum):
    CHOICE = "choice"
    INTEGER = "integer"
    DECIMAL = "decimal"  # money: two places, written as text
    NUMBER = "number"  # any other finite number
    BOOLEAN = "boolean"
    DATE = "date"
    TEXT = "text"


class FieldSpec(Value):
    """One declared field of the application, at a dotted path such as `financial.housing`."""

    path: str
    kind: FieldKind
    description: str
    values: tuple[str, ...] = ()  # choices, in order
    required: bool = False
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    max_length: int | None = None
    example: Any = None


class SourceTerms(Value):
    """On what terms one source is asked."""

    name: str  # its adapter's name
    purpose: str  # permissible purpose, goes on record with each inquiry
    consent_required: bool = True
    patience: timedelta = Field(description="how long a case waits for it, from acceptance")
    timeout: float = Field(default=1.5, description="seconds one call may take, all in")
    recovery: Recovery
    when_over: WhenPatienceIsOver
    hard_inquiry: bool = False  # leaves a mark at the bureau: at most one per application and round
    rate_per_second: float | None = None  # our own limit towards it, shared by all workers
    price: Decimal | None = Field(
        default=None, ge=0, description="what one inquiry costs, in the product's currency; for reports alone"
    )
    evidence: tuple[str, ...] = Field(description="fields of its summary this product uses")


class FeatureKind(StrEnum):
    NUMBER = "number"
    ORDINAL = "ordinal"  # a choice whose order means something
    CATEGORY = "category"


class Direction(StrEnum):
    """How the probability of default moves as the value rises (its code, for an ordinal)."""

    UP = "up"
    DOWN = "down"
    FREE = "free"


class FeatureSpec(Value):
    name: str
    path: str  # where in the facts: `request.amount`, `evidence.bank.checking_state`
    kind: FeatureKind
    values: tuple[str, ...] = ()  # of an ordinal or category, in order
    direction: Direction = Direction.FREE
    concept: str  # features of one concept give one reason


class ReasonSpec(Value):
    """A reason code with its sentence per language, and what it covers."""

    code: str
    text: dict[str, str]  # language -> sentence; `{value}` stands for the person's own value
    concepts: tuple[str, ...] = ()  # feature concepts it speaks for
    adverse_when_missing: dict[str, str] | None = None  # sentence when the driver was a missing value
    words: dict[str, dict[str, str]] = Field(default_factory=dict)  # language -> value -> how to say it


class RiskTerms(Value):
    """The numbers risk and price rest on; assumptions are named as such in product.toml."""

    sample_bad_rate: float  # share of bads in the training sample
    portfolio_bad_rate: float  # assumed share in the portfolio decided about
    loss_given_default: float
    decline_above: float  # corrected probability of default: the cut the uncertainty is measured to
    funding_rate: float
    operating_cost_rate: float
    margin_rate: float
    fee_rate: float = 0.0  # of the amount, taken from what is paid out
    stress_rate: float = 0.20  # nominal yearly rate at which a payment is tested against income
    apr_cap: float | None = None  # no offer above this yearly effective rate
    cost_of_bad: float  # 5:1 matrix of the data set, for reports on the sample only
    cost_of_good_declined: float


class Scale(StrEnum):
    """What share of bads the reported labels have."""

    PORTFOLIO = "portfolio"
    SAMPLE = "sample"  # those of a set with oversampled bads


class OutcomeTerms(Value):
    """When it can be said how loans went."""

    maturity_months: int = Field(default=12, ge=0, description="after the month of decision; bads are reported first")
    complete_at: float = Field(
        default=0.95, gt=0, le=1, description="share of loans with a final outcome from which a month is ripe earlier"
    )
    scale: Scale = Scale.PORTFOLIO


class OfferTerms(Value):
    """Where a counter-offer is looked for: fractions of the amount asked, and shorter terms."""

    amount_steps: tuple[float, ...] = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
    term_steps: tuple[float, ...] = (1.0, 0.75, 0.5)
    amounts: tuple[Decimal, ...] = ()  # round amounts tried besides, such as the limits of the grades
    highest_pd_asked: float = 1.0  # beyond it nothing is offered: what the model says of size is no cure
    minimum_amount: Decimal
    valid_days: int = 30


class ReviewTerms(Value):
    queue: str
    first_answer_hours: float  # SLA: escalates when over
    lease_minutes: float = 30
    patience_days: float  # then `when_over` happens
    when_over: str = "expire"
    four_eyes_above: Decimal | None = None  # an approval above this amount needs two people
    reasons: dict[str, str]  # listed codes a reviewer chooses from -> sentence
    authority: dict[str, Decimal] = Field(default_factory=dict)  # role -> largest amount it may approve
    documents: dict[str, str] = Field(default_factory=dict)  # code of a paper one may ask for -> its name
    document_days: float = 7  # the applicant's time for them
    score_after_verdict: bool = False  # reviewers say their word before they see the score

    def sentence(self, code: str) -> str:
        """As the reviewer read it who chose it; a code that is no longer listed still says more than nothing."""
        return self.reasons.get(code, code.replace("_", " "))


class Loader(StrEnum):
    """Who turns the labelled applications of a product into `Examples`."""

    SOUTH_GERMAN = "south_german"  # the shipped set, with what its sources would have said
    FILE = "file"  # a lender's own table
    TAIWAN_EVENTS = "taiwan_events"  # the shipped card accounts as dated events, read by way of their signals


class KnownAt(StrEnum):
    """When a column's value was first known, against the decision it is to inform."""

    APPLICATION = "application"
    DECISION = "decision"
    AFTER = "after_decision"


class FileColumn(Value):
    """How one column of a lender's own file is read."""

    name: str  # in product words: of a feature, or of a group for the fairness report
    column: str  # its heading in the file
    kind: FeatureKind | None = None  # of a group; a feature has its own
    missing: tuple[str, ...] = ()  # values that mean nobody knows, beyond those every file uses
    divide_by: float = 1.0  # 12 makes a yearly income a monthly one
    known_at: KnownAt | None = None  # vouches for a column that looks like a leak


class TrainingTerms(Value):
    """Where the product's labelled applications are, and how they are read."""

    loader: Loader = Loader.SOUTH_GERMAN
    file: str = ""  # from the pack's folder, or a full path
    encoding: str = "utf-8"
    separator: str = ","
    decimal: str = "."
    quote: str = '"'
    target: str = ""  # heading of the column that says how it ended
    bad_values: tuple[str, ...] = ()
    good_values: tuple[str, ...] = ()  # all the others when there are none; with some, the rest has not ended yet
    reference: str = ""  # heading of the lender's own number
    applied_on: str = ""  # heading of the day it was applied for
    label_known_on: str = ""  # heading of the day from which the ending was known
    columns: tuple[FileColumn, ...] = ()  # one for each feature
    groups: tuple[FileColumn, ...] = ()  # sensitive: for the fairness report, never a feature

    @property
    def known_at(self) -> dict[str, KnownAt]:
        """Feature -> when it was known, where somebody said so."""
        return {column.name: column.known_at for column in self.columns if column.known_at is not None}


class Product(Value):
    id: str
    version: str
    title: str
    line: Line
    jurisdiction: str
    currency: str
    lane: Lane
    contract_age: dict[str, int]  # jurisdiction -> age of contract capacity; `default` for the rest
    fields: tuple[FieldSpec, ...]
    sources: tuple[SourceTerms, ...]
    features: tuple[FeatureSpec, ...]
    reasons: tuple[ReasonSpec, ...]
    risk: RiskTerms
    offers: OfferTerms
    review: ReviewTerms
    model: str  # name of the model that scores it
    rules_not_in_model: tuple[str, ...] = ()
    evidence: tuple[FieldSpec, ...] = ()  # what sources may say, at paths such as `bureau.fraud_alert`
    protected: tuple[str, ...] = ()  # paths and columns that no feature and no rule may read
    training: TrainingTerms = TrainingTerms()
    outcomes: OutcomeTerms = OutcomeTerms()
    monitoring: MonitoringTerms = MonitoringTerms()
    retraining: RetrainingTerms = RetrainingTerms()
    language: str = "en"  # of the sentences in a score; notices choose their own
    watches: bool = False  # customers of other products are watched with it, and nobody applies for it
    example: dict[str, Any]  # one valid application
    digest: str  # of the pack's files

    @property
    def outcomes_stay_apart(self) -> str | None:
        """Why outcomes on record are not learnt from together with the training file."""
        risk = self.risk
        if self.outcomes.scale is Scale.SAMPLE or isclose(risk.sample_bad_rate, risk.portfolio_bad_rate):
            return None
        return (
            f"Outcomes on record are left out: of the file {risk.sample_bad_rate:.1%} ended badly and of the portfolio "
            f"{risk.portfolio_bad_rate:.1%}, so that together they are on no scale."
        )

    def source(self, name: str) -> SourceTerms:
        return next(source for source in self.sources if source.name == name)

    def age_of_contract(self, jurisdiction: str) -> int:
        return self.contract_age.get(jurisdiction, self.contract_age["default"])
