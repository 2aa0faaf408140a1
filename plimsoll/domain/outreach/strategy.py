"""What is done for whom: ladders of steps by level, hardship tools, how strategies are compared. All of it is data."""

import hashlib
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from pydantic import Field, model_validator

from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.outreach.contact import Channel
from plimsoll.domain.values import RiskLevel, Value


class By(StrEnum):
    """How a step reaches the customer, the least intrusive first."""

    EMAIL = "email"
    SMS = "sms"
    CALL = "call"  # a person of the collectors' queue

    @property
    def intrusion(self) -> int:
        return list(By).index(self)

    @property
    def channel(self) -> Channel:
        """As the contact governor calls it."""
        return Channel.VOICE if self is By.CALL else Channel(self.value)


class Tool(StrEnum):
    """What may be agreed with a customer in difficulty."""

    DUE_DATE_CHANGE = "due_date_change"
    PAYMENT_PLAN = "payment_plan"
    PAYMENT_HOLIDAY = "payment_holiday"
    COUNSELLING = "counselling"


class Step(Value):
    by: By
    template: str = Field(min_length=1, description="of the message; of a call, the script")
    priority: int = Field(ge=1, le=5)
    wait_hours: int = Field(gt=0, le=24 * 60, description="for an answer, before the next step")
    answer_within_hours: int = Field(default=24, gt=0, description="a call: after that the task escalates")
    tries: int = Field(default=1, ge=1, le=7, description="a call nobody answers is tried so often")
    try_again_hours: int = Field(default=24, gt=0)

    @property
    def wait(self) -> timedelta:
        return timedelta(hours=self.wait_hours)


class ToolTerms(Value):
    tool: Tool
    says: str = Field(min_length=1, description="in words for customers and staff")
    once_in_days: int = Field(default=365, ge=0)
    at_most_days: int = Field(default=31, gt=0, description="how far a date moves, or how long it lasts")
    at_most_payments: int = Field(default=1, ge=1, le=60)


class Strategy(Value):
    """One way to treat customers. Several are arms of an experiment, by their shares."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{1,39}$")
    says: str = Field(min_length=1)
    share: float = Field(gt=0, le=1)
    begins_with_what_worked: bool = Field(
        default=True, description="a customer whom a gentler step once moved is met with that one first"
    )
    ladders: dict[RiskLevel, tuple[Step, ...]]

    @model_validator(mode="after")
    def _rises(self) -> "Strategy":
        missing = [level.value for level in RiskLevel if level not in self.ladders]
        if missing:
            raise ValueError(f"{self.id}: no ladder for {', '.join(missing)}; an empty one means nothing is done")
        return self

    def ladder(self, level: RiskLevel) -> tuple[Step, ...]:
        return self.ladders[level]


class EffectTerms(Value):
    """What the hold-out is to find out, said beforehand."""

    baseline: float = Field(gt=0, lt=1, description="share that misses a payment when nothing is done, as assumed")
    effect: float = Field(gt=0, lt=1, description="smallest difference worth finding")
    alpha: float = Field(default=0.05, ge=0.001, le=0.2)
    power: float = Field(default=0.8, ge=0.5, le=0.99)


class CollectorTerms(Value):
    queue: str = "collectors"
    lease_minutes: int = Field(default=20, gt=0)
    patience_hours: int = Field(default=96, gt=0, description="a task nobody answers is given up after that")


class StrategyTable(Value):
    """`watch/strategy.toml`, read and checked."""

    version: str
    salt: str = Field(min_length=8, description="of the hold-out and of the arms; changing it deals everybody anew")
    hold_out: float = Field(ge=0, le=0.10)
    rest_days: int = Field(default=30, ge=0, description="after an episode nothing opens for so long, by itself")
    outcome_days: tuple[int, ...] = (30, 60, 90)
    sweep_every_hours: int = Field(default=24, ge=1, le=24 * 31, description="the whole portfolio is looked at")
    promise_grace_days: int = Field(default=2, ge=0)
    promises_at_most: int = Field(default=2, ge=1, description="of one episode; after that nothing more is done")
    longest_promise_days: int = Field(default=45, gt=0)
    paid_share: Decimal = Field(default=Decimal("1"), gt=0, le=1, description="of what is due, to count as paid")
    after_a_broken_promise: Step
    cannot_be_reached: Step  # when every step was barred: a person looks at it
    collectors: CollectorTerms = CollectorTerms()
    effect: EffectTerms
    tools: tuple[ToolTerms, ...]
    strategies: tuple[Strategy, ...] = Field(min_length=1)
    digest: str = ""

    @model_validator(mode="after")
    def _adds_up(self) -> "StrategyTable":
        if 0 < self.hold_out < 0.05:
            raise ValueError("hold_out is 0 (nothing is measured) or between 0.05 and 0.10")
        total = sum(strategy.share for strategy in self.strategies)
        if abs(total - 1) > 1e-9:
            raise ValueError(f"the shares of the strategies add up to {total:g}, not to 1")
        if len({strategy.id for strategy in self.strategies}) < len(self.strategies):
            raise ValueError("two strategies have the same id")
        if list(self.outcome_days) != sorted(set(self.outcome_days)) or not self.outcome_days:
            raise ValueError("outcome_days rise and name each day once")
        people = (self.after_a_broken_promise, self.cannot_be_reached)
        if any(step.by is not By.CALL for step in people):
            raise ValueError("after_a_broken_promise and cannot_be_reached are for people: by = 'call'")
        return self

    def strategy(self, id_: str) -> Strategy:
        """Raises InvalidRequest."""
        for strategy in self.strategies:
            if strategy.id == id_:
                return strategy
        raise InvalidRequest(
            f"There is no strategy {id_!r}; there are {', '.join(each.id for each in self.strategies)}."
        )

    def terms_of(self, tool: Tool) -> ToolTerms | None:
        return next((terms for terms in self.tools if terms.tool is tool), None)

    @property
    def last_outcome(self) -> timedelta:
        return timedelta(days=self.outcome_days[-1])


def digest_of(content: bytes) -> str:
    """What an episode pins beside the version."""
    return hashlib.sha256(content).hexdigest()
