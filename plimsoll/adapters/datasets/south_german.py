"""The South German credit set as applications, evidence and outcomes in this product's words.

Grömping 2019 (CC BY 4.0), 1,000 credits of 1973-75, 30 % bad by oversampling. Every row was
granted, so there is no reject inference. Column by column: docs/models.md.
"""

import csv
import hashlib
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

HELD_OUT = 300
# The split was fixed before any model was trained, and is never chosen again: one split of
# this set says little (AUC 0.75-0.83 over forty of them), a split one may choose says nothing.
SPLIT_SALT = "plimsoll-south-german-1"
AGES_HOLD_ON = date(2026, 1, 1)  # the made-up birth dates give the set's ages on this day

# Words in the order of the published code table; the first code is in the comment.
CHECKING_STATES = ("none", "overdrawn", "under_200", "over_200")  # status, 1
SAVINGS_BANDS = ("unknown_or_none", "under_100", "100_to_500", "500_to_1000", "over_1000")  # savings, 1
REPAYMENT_HISTORIES = (  # credit_history, 0
    "delayed_before",
    "critical_elsewhere",
    "no_credits_or_all_repaid",
    "repaid_duly_so_far",
    "all_here_repaid",
)
OTHER_PLANS = ("bank", "stores", "none")  # other_installment_plans, 1
PURPOSES = (  # purpose, 0
    "other",
    "car_new",
    "car_used",
    "furniture",
    "radio_tv",
    "appliances",
    "repairs",
    "education",
    "vacation",
    "retraining",
    "business",
)
TENURE_BANDS = ("unemployed", "under_1_year", "1_to_4_years", "4_to_7_years", "over_7_years")  # 1
PARTY_ROLES = ("alone", "co_applicant", "guarantor")  # other_debtors, 1
BURDEN_BANDS = ("over_35", "25_to_35", "20_to_25", "under_20")  # installment_rate, 1
PROPERTIES = ("none_or_unknown", "car_or_other", "savings_or_life_insurance", "real_estate")  # 1
HOUSINGS = ("free", "rent", "own")  # 1
ADDRESS_TENURES = ("under_1_year", "1_to_4_years", "4_to_7_years", "over_7_years")  # present_residence, 1
DEPENDANTS = ("3_or_more", "0_to_2")  # people_liable, 1
SKILL_BANDS = ("unskilled", "unskilled", "skilled", "highly_skilled")  # job, 1: "non-resident" is not kept

# The largest share of disposable income the instalment can be; the lowest class has no floor.
BURDEN_BOUNDS = {"over_35": "0.35", "25_to_35": "0.30", "20_to_25": "0.225", "under_20": "0.20"}


@dataclass(frozen=True)
class LabelledApplication:
    """One row: what was declared, what sources say, and how it ended."""

    reference: str  # SGC-0001 ...
    body: dict[str, Any]  # an application as `POST /v1/applications` takes it
    evidence: dict[str, dict[str, Any]]  # source -> summary
    bad: bool


@dataclass(frozen=True)
class FairnessGroup:
    """Kept apart: for reports on groups, never an input."""

    reference: str
    age: int
    foreign_worker: bool

    @property
    def age_band(self) -> str:
        return "up to 25" if self.age <= 25 else "26 to 61" if self.age < 62 else "62 and older"


class SouthGerman:
    """`folder` holds `south_german_credit.csv` and, when there are names, `people.csv`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def training(self) -> list[LabelledApplication]:
        return [row for row in self.all() if row.reference not in self.held_out_references]

    def held_out(self) -> list[LabelledApplication]:
        return [row for row in self.all() if row.reference in self.held_out_references]

    def all(self) -> list[LabelledApplication]:
        """The 1,000 applications in the order of the file."""
        return [_labelled(reference, row, self._people.get(reference)) for reference, row in self._rows]

    def fairness(self) -> dict[str, FairnessGroup]:
        """Age and foreign worker by reference. Sex cannot be read from this set."""
        return {
            reference: FairnessGroup(reference, int(row["age"]), row["foreign_worker"] == "1")
            for reference, row in self._rows
        }

    @cached_property
    def held_out_references(self) -> frozenset[str]:
        """The 300 references whose salted digest is smallest."""
        ordered = sorted((reference for reference, _ in self._rows), key=_split_key)
        return frozenset(ordered[:HELD_OUT])

    @cached_property
    def _rows(self) -> list[tuple[str, dict[str, str]]]:
        with (self._folder / "south_german_credit.csv").open(newline="") as table:
            return [(f"SGC-{number:04d}", row) for number, row in enumerate(csv.DictReader(table), start=1)]

    @cached_property
    def _people(self) -> dict[str, dict[str, str]]:
        path = self._folder / "people.csv"
        if not path.exists():
            return {}
        with path.open(newline="", encoding="utf-8") as table:
            return {person["reference"]: person for person in csv.DictReader(table)}


def _split_key(reference: str) -> str:
    return hashlib.sha256(f"{SPLIT_SALT}:{reference}".encode()).hexdigest()


def _labelled(reference: str, row: dict[str, str], person: dict[str, str] | None) -> LabelledApplication:
    return LabelledApplication(reference, _body(reference, row, person), _evidence(row), row["credit_risk"] == "0")


def _body(reference: str, row: dict[str, str], person: dict[str, str] | None) -> dict[str, Any]:
    tenure = TENURE_BANDS[int(row["employment_duration"]) - 1]
    return {
        "product": "consumer-credit",
        "type": "credit",
        "external_id": reference,
        "amount": f"{row['amount']}.00",
        "currency": "DEM",
        "term_months": int(row["duration"]),
        "purpose": PURPOSES[int(row["purpose"])],
        "party_role": PARTY_ROLES[int(row["other_debtors"]) - 1],
        "priority": "normal",
        "jurisdiction": "DE",
        "applicant": _applicant(reference, row, person, tenure),
        "financial": _financial(row),
        "consents": [
            {"source": source, "purpose": "credit_application", "reference": f"{reference}-{source}"}
            for source in ("bureau", "bank")
        ],
    }


def _applicant(reference: str, row: dict[str, str], person: dict[str, str] | None, tenure: str) -> dict[str, Any]:
    born = person["date_of_birth"] if person else f"{AGES_HOLD_ON.year - 1 - int(row['age'])}-07-01"
    return {
        "id": reference,
        "name": person["name"] if person else f"Applicant {reference}",
        "date_of_birth": born,
        "employment_status": "unemployed" if tenure == "unemployed" else "employed",
        "tenure_band": tenure,
        "skill_band": SKILL_BANDS[int(row["job"]) - 1],
    }


def _financial(row: dict[str, str]) -> dict[str, Any]:
    burden = BURDEN_BANDS[int(row["installment_rate"]) - 1]
    return {
        "monthly_income": str(income_bound(Decimal(row["amount"]), int(row["duration"]), burden)),
        "burden_band": burden,
        "property": PROPERTIES[int(row["property"]) - 1],
        "housing": HOUSINGS[int(row["housing"]) - 1],
        "address_tenure": ADDRESS_TENURES[int(row["present_residence"]) - 1],
        "dependants": DEPENDANTS[int(row["people_liable"]) - 1],
    }


def income_bound(amount: Decimal, term_months: int, burden: str) -> Decimal:
    """Disposable income rebuilt from the instalment class: a bound, not an income.

    The instalment without interest over the class's share. For the open class `over_35`
    it is an upper bound, for `under_20` (six rows in ten) a lower one. Good enough to refer
    on, never to decline on.
    """
    instalment = amount / term_months
    return (instalment / Decimal(BURDEN_BOUNDS[burden])).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _evidence(row: dict[str, str]) -> dict[str, dict[str, Any]]:
    return {
        "bank": {
            "checking_state": CHECKING_STATES[int(row["status"]) - 1],
            "savings_band": SAVINGS_BANDS[int(row["savings"]) - 1],
        },
        "bureau": {
            "repayment_history": REPAYMENT_HISTORIES[int(row["credit_history"])],
            "other_plans": OTHER_PLANS[int(row["other_installment_plans"]) - 1],
            "fraud_alert": "none",  # the set has neither alerts nor files that are missing
            "no_file": False,
        },
        "registry": {
            "identity_confirmed": True,
            "sanctions_hit": False,
            "insolvent": False,
            "deceased": False,
        },
    }
