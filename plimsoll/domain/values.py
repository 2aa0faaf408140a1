"""The base of every value object, and the closed sets the whole product shares."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen value object; it changes by returning a new one."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Line(StrEnum):
    CREDIT = "credit"
    INSURANCE = "insurance"
    TAKAFUL = "takaful"


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"

    @property
    def key(self) -> int:
        """Temporal's priority key: 1 is served first."""
        return {"urgent": 1, "high": 2, "normal": 3, "low": 4}[self.value]


class Status(StrEnum):
    """Where an application stands."""

    RECEIVED = "received"
    SCREENING = "screening"
    WAITING = "waiting"  # on a source; `waiting_on` says which, since when, until when
    REVIEW = "review"
    AWAITING_APPLICANT = "awaiting_applicant"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    FAILED = "failed"

    @property
    def closed(self) -> bool:
        return self in (Status.DECIDED, Status.WITHDRAWN, Status.EXPIRED, Status.FAILED)


class Outcome(StrEnum):
    """What a decision says. When rules disagree the more severe one wins."""

    APPROVE = "approve"
    COUNTER_OFFER = "counter_offer"
    REFER = "refer"  # never final: a person settles it
    DECLINE = "decline"

    @property
    def severity(self) -> int:
        return list(Outcome).index(self)

    @property
    def adverse(self) -> bool:
        """Adverse action in the sense of 12 CFR 1002.2(c): refused, or not on the terms asked."""
        return self in (Outcome.DECLINE, Outcome.COUNTER_OFFER)


class OutcomeSource(StrEnum):
    """Which part decided; reasons come from the part that was failed (12 CFR 1002.9, comment 9(b)(2)-7, -8)."""

    RULE = "rule"
    MODEL = "model"
    PERSON = "person"


class RiskLevel(StrEnum):
    """How likely a customer is to miss a payment; each level calls for more than the one before."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def severity(self) -> int:
        return BY_SEVERITY.index(self)


BY_SEVERITY = tuple(RiskLevel)  # made once: a sweep asks of everybody
