"""Evidence: what the outside world says about an applicant, and how we ask for it."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from plimsoll.domain.values import Value


class Recovery(StrEnum):
    """What may be done when a call was sent and its fate is unknown."""

    IDEMPOTENT = "idempotent"  # call again with the same key: the source answers what it answered
    QUERYABLE = "queryable"  # ask the source what became of the key
    NEITHER = "neither"  # a person finds out


class WhenPatienceIsOver(StrEnum):
    """The product's own rule for a source that stayed away."""

    THIN = "thin"  # decide without it; the policy sees it among the missing sources
    REFER = "refer"  # a person decides


class EvidenceState(StrEnum):
    RESERVED = "reserved"  # we intend to ask; nothing left this house
    SENT = "sent"  # a call may have reached the source
    ANSWERED = "answered"
    UNKNOWN = "unknown"  # sent, fate unknown, parked for a person
    GIVEN_UP = "given_up"  # patience over
    MISMATCH = "mismatch"  # the answer was about somebody else

    @property
    def settled(self) -> bool:
        return self in (EvidenceState.ANSWERED, EvidenceState.GIVEN_UP, EvidenceState.MISMATCH, EvidenceState.UNKNOWN)


class Subject(Value):
    """Who a source is asked about. Personal data: never in workflow payloads or logs."""

    reference: str  # the applicant id the lender and its sources share
    name: str
    date_of_birth: date
    country: str


class Inquiry(Value):
    """One question to one source."""

    key: str  # the evidence request's id, sent as the idempotency key
    source: str
    purpose: str
    subject: Subject
    consent: str | None = None  # reference of the consent this inquiry rests on


class Answer(Value):
    """What a source said: the raw body as received and a small typed summary in our words."""

    source: str
    raw: bytes
    summary: dict[str, Any]  # field of the product's evidence vocabulary -> value (codes and numbers only)
    as_of: datetime
    repeated: bool = False  # the source says this is a stored answer to the same key
