"""A decision and its parts. How rules, score and price become one is in `deciding.py`."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from plimsoll.domain.models.scoring import Reason
from plimsoll.domain.values import Outcome, OutcomeSource, Value


class RuleHit(Value):
    """A rule that fired, with the values it read."""

    id: str
    name: str
    effect: Outcome | None  # None for a remark that changes nothing (a flag)
    reason: str | None  # reason code
    values_read: dict[str, Any]


class PolicyPin(Value):
    id: str
    version: str
    digest: str


class PolicyVerdict(Value):
    """What the policy engine answered for one set of facts."""

    policy: PolicyPin
    hits: tuple[RuleHit, ...]
    grade: str | None = None
    annual_rate: Decimal | None = None  # nominal, per year
    max_amount: Decimal | None = None
    max_term_months: int | None = None


class Terms(Value):
    """An offer. `apr` is the yearly rate that equates payments to money received (Reg Z, App. J)."""

    amount: Decimal
    currency: str
    term_months: int
    annual_rate: Decimal
    apr: Decimal
    payment: Decimal
    fees: Decimal
    total_cost: Decimal
    offer_expires_at: datetime | None = None


class ExpectedLoss(Value):
    pd: float
    lgd: float
    ead: Decimal

    @property
    def amount(self) -> Decimal:
        return (Decimal(str(self.pd * self.lgd)) * self.ead).quantize(Decimal("0.01"))


class Verdict(Value):
    """What rules, score and price add up to, before a person looks and before it is recorded."""

    outcome: Outcome
    source: OutcomeSource
    reasons: tuple[Reason, ...]
    hits: tuple[RuleHit, ...]
    terms: Terms | None
    expected_loss: ExpectedLoss | None
    policy: PolicyPin
    grade: str | None = None
    flags: tuple[str, ...] = ()
    needs_a_person: bool = False
    why_a_person: tuple[str, ...] = ()
    counter_offers_tried: tuple[dict[str, Any], ...] = ()
