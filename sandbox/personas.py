"""The personas: each shows one situation, so that it can be tried by typing a name."""

from datetime import date
from typing import Any

from sandbox.person import Person, StandingFault, Telephone


def declared(amount: str, term_months: int, purpose: str, tenure_band: str = "1_to_4_years") -> dict[str, Any]:
    return {
        "amount": amount,
        "currency": "DEM",
        "term_months": term_months,
        "purpose": purpose,
        "employment_status": "unemployed" if tenure_band == "unemployed" else "employed",
        "tenure_band": tenure_band,
        "party_role": "alone",
    }


def persona(reference: str, name: str, born: date, situation: str, **known: Any) -> Person:
    """A sound customer asking for a modest loan, unless told otherwise."""
    sound: dict[str, Any] = {
        "checking_state": "over_200",
        "savings_band": "500_to_1000",
        "repayment_history": "repaid_duly_so_far",
        "score": 690,
        "telephone": Telephone(on_time_rate=0.97, tenure_months=62),
        "declared": declared("2500", 18, "furniture"),
    }
    return Person(
        kind="persona",
        reference=reference,
        name=name,
        date_of_birth=born,
        situation=situation,
        **{**sound, **known},
    )


PERSONAS = (
    persona(
        "PERSONA-GOOD",
        "Gudrun Guthaben",
        date(1984, 4, 12),
        "Sound in every respect.",
        savings_band="over_1000",
        repayment_history="all_here_repaid",
        score=780,
        declared=declared("1800", 12, "car_used", "over_7_years"),
    ),
    persona(
        "PERSONA-BAD",
        "Bodo Überzogen",
        date(1997, 9, 3),
        "Overdrawn, no savings, late before, a large sum over a long term.",
        checking_state="overdrawn",
        savings_band="unknown_or_none",
        repayment_history="delayed_before",
        other_plans="bank",
        credits_here="2_to_3",
        score=410,
        telephone=Telephone(on_time_rate=0.61, tenure_months=5),
        declared=declared("12000", 60, "other", "under_1_year"),
    ),
    persona(
        "PERSONA-THIN-FILE",
        "Nele Neuling",
        date(2003, 11, 21),
        "The bureau has no file about her.",
        has_bureau_file=False,
        score=None,
    ),
    persona(
        "PERSONA-BUREAU-DOWN",
        "Dirk Dauerstörung",
        date(1979, 2, 17),
        "The bureau answers 500 whenever it is asked about him.",
        standing_fault=StandingFault("bureau", "500"),
    ),
    persona(
        "PERSONA-LATE-VENDOR",
        "Lara Langsam",
        date(1990, 7, 30),
        "The bank takes ten seconds for the first two calls under one key, then is fine.",
        standing_fault=StandingFault("bank", "slow", times=2, delay_seconds=10.0),
    ),
    persona(
        "PERSONA-FRAUD-HIT",
        "Frauke Fremdzugriff",
        date(1988, 1, 9),
        "An extended fraud alert stands on her file.",
        fraud_alert="extended",
    ),
    persona(
        "PERSONA-SANCTIONED",
        "Sándor Sperrliste",
        date(1969, 5, 25),
        "The registry finds him on a sanctions list.",
        sanctions_hit=True,
    ),
    persona(
        "PERSONA-WRONG-FILE",
        "Vera Verwechslung",
        date(1993, 12, 6),
        "The bureau sends somebody else's file.",
        standing_fault=StandingFault("bureau", "wrong_person"),
    ),
)
