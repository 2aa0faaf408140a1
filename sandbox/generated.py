"""Generated people: made up from their reference, for load, and never taken for evidence.

Shares are those of the South German set, so that load resembles it. One hidden trait moves
everything a person shows in the same direction, so that their evidence hangs together.
"""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import accumulate
from statistics import NormalDist
from typing import Any

from sandbox import vocabulary as words
from sandbox.person import Person, Telephone

AGES_HOLD_ON = date(2026, 1, 1)
TRAIT_WEIGHT, CHANCE_WEIGHT = 0.6, 0.8  # squares add up to one: a drawn rank stays uniform
BELOW = NormalDist().cdf

# Rows with each code, in the order of the vocabulary; from worse to better where that has a meaning.
STATUS = (274, 269, 63, 394)
SAVINGS = (603, 103, 63, 48, 183)
CREDIT_HISTORY = (40, 49, 530, 88, 293)
INSTALLMENT_PLANS = (139, 47, 814)
NUMBER_OF_CREDITS = (633, 333, 28, 6)
PURPOSE = (234, 103, 181, 280, 12, 22, 50, 0, 9, 97, 12)
EMPLOYMENT = (62, 172, 339, 174, 253)
DEBTORS = (907, 41, 52)

TERMS = (6, 9, 12, 15, 18, 24, 30, 36, 48, 60)
GIVEN_NAMES = ("Ada", "Börge", "Céline", "Dilek", "Emil", "Frøya", "Gösta", "Hülya", "Igor", "Jana", "Łukasz")
FAMILY_NAMES = ("Muster", "Beispiel", "Erdacht", "Probst", "Fiktivsson", "Öhlmann", "Nirgends")


def generate(reference: str) -> Person:
    draw = Draw(reference)
    return Person(
        kind="generated",
        reference=reference,
        name=f"{draw.any_of(GIVEN_NAMES)} {draw.any_of(FAMILY_NAMES)}",
        date_of_birth=draw.date_of_birth(),
        checking_state=draw.leaning(words.CHECKING_STATES, STATUS),
        savings_band=draw.leaning(words.SAVINGS_BANDS, SAVINGS),
        repayment_history=draw.leaning(words.REPAYMENT_HISTORIES, CREDIT_HISTORY),
        other_plans=draw.leaning(words.OTHER_PLANS, INSTALLMENT_PLANS),
        credits_here=draw.share_of(words.CREDITS_HERE, NUMBER_OF_CREDITS),
        score=draw.score(),
        telephone=draw.telephone(),
        declared=draw.declared_facts(),
    )


class Draw:
    """Everything drawn for one person, in a fixed order from one seed."""

    def __init__(self, reference: str) -> None:
        self._random = random.Random(f"person {reference}")
        self._soundness = self._random.gauss(0.0, 1.0)

    def any_of(self, choices: Sequence[Any]) -> Any:
        return self._random.choice(choices)

    def share_of(self, choices: Sequence[str], weights: Sequence[int]) -> str:
        return self._random.choices(choices, weights)[0]

    def leaning(self, choices: Sequence[str], weights: Sequence[int]) -> str:
        """One of `choices` (worse to better) by `weights`, leaning to this person's soundness."""
        rank = self._rank() * sum(weights)
        return next(
            (choice for choice, upto in zip(choices, accumulate(weights), strict=True) if rank < upto),
            choices[-1],
        )

    def date_of_birth(self) -> date:
        years = min(75, max(19, round(self._random.lognormvariate(3.52, 0.31))))
        birthday = date(AGES_HOLD_ON.year - 1 - years, 1, 2)
        return birthday + timedelta(days=self._random.randrange(364))

    def score(self) -> int:
        return 300 + round(550 * self._rank())

    def telephone(self) -> Telephone:
        return Telephone(on_time_rate=round(0.6 + 0.4 * self._rank(), 3), tenure_months=self._random.randrange(1, 180))

    def declared_facts(self) -> dict[str, Any]:
        tenure = self.leaning(words.TENURE_BANDS, EMPLOYMENT)
        amount = min(18_400, max(250, round(self._random.lognormvariate(7.75, 0.75))))
        return {
            "amount": str(amount),
            "currency": "DEM",
            "term_months": self._term_for(amount),
            "purpose": self.share_of(words.PURPOSES, PURPOSE),
            "employment_status": "unemployed" if tenure == "unemployed" else "employed",
            "tenure_band": tenure,
            "party_role": self.share_of(words.PARTY_ROLES, DEBTORS),
        }

    def _term_for(self, amount: int) -> int:
        """Larger sums run longer, as in the set: about 160 a month, give or take."""
        months = amount / self._random.uniform(90, 260)
        return min(TERMS, key=lambda term: abs(term - months))

    def _rank(self) -> float:
        return BELOW(TRAIT_WEIGHT * self._soundness + CHANCE_WEIGHT * self._random.gauss(0.0, 1.0))
