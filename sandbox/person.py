"""One inhabitant: who they are, and what each source holds about them."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal


@dataclass(frozen=True)
class StandingFault:
    """How a source always behaves when asked about this persona."""

    source: str
    kind: str
    times: int | None = None  # for the first N calls under one key; None: always
    delay_seconds: float = 10.0


@dataclass(frozen=True)
class Telephone:
    """What a telephone company knows of a customer."""

    on_time_rate: float
    tenure_months: int


@dataclass(frozen=True)
class Person:
    kind: Literal["real", "persona", "generated"]
    reference: str
    name: str
    date_of_birth: date
    country: str = "DE"

    # bank
    checking_state: str = "none"
    savings_band: str = "unknown_or_none"
    # bureau
    has_bureau_file: bool = True
    repayment_history: str = "no_credits_or_all_repaid"
    other_plans: str = "none"
    credits_here: str = "1"
    score: int | None = None  # never for a real person: the set has none
    fraud_alert: str | None = None
    # registry
    identity_confirmed: bool = True
    sanctions_hit: bool = False
    insolvent: bool = False
    deceased: bool = False
    # telecom
    telephone: Telephone | None = None

    situation: str = ""  # what a persona shows, in one sentence
    standing_fault: StandingFault | None = None
    declared: dict[str, Any] = field(default_factory=dict)  # what they would write in an application

    @property
    def is_real(self) -> bool:
        return self.kind == "real"

    def introduction(self) -> dict[str, Any]:
        """What `GET /_people` tells: never what the sources hold."""
        introduction: dict[str, Any] = {
            "kind": self.kind,
            "reference": self.reference,
            "name": self.name,
            "date_of_birth": self.date_of_birth.isoformat(),
            "country": self.country,
        }
        if self.situation:
            introduction["situation"] = self.situation
        if self.declared:
            introduction["declared"] = self.declared
        return introduction
