"""The first draft of a product made from a lender's own file: what is typical, what it costs, where its limits are.

Everything that the file does not say is an assumption, and is written down as one.
"""

from decimal import Decimal
from math import ceil, floor, log10
from typing import Any

from plimsoll.domain.lenders_file.labels import Target
from plimsoll.domain.lenders_file.own_data import AMOUNT, INCOME, TERM, OwnData, OwnFeature
from plimsoll.domain.underwriting.cut_offs import CutOffs
from plimsoll.domain.underwriting.pricing import Installments
from plimsoll.domain.underwriting.product import FeatureKind, FeatureSpec
from plimsoll.domain.values import Value

# Assumed where the file has no such column; every application needs one.
AN_AMOUNT, A_TERM, AN_INCOME = Decimal(5000), 24, Decimal(2500)
LARGEST_AMOUNT, LONGEST_TERM = Decimal(50000), 84
SHORTEST_PRICED = 6  # months; a shorter loan would need a rate nobody asks
LOSS_GIVEN_DEFAULT = 0.45
FUNDING, OPERATING, MARGIN = 0.03, 0.02, 0.01
STRESS_RATE = 0.20
HALF_PER_CENT = 0.005
BEARABLE = 0.5  # of the income, for the payment at the stress rate
GRADES = "ABCDE"


class Grade(Value):
    """A class of risk with its price, high enough to pay for the worst of it."""

    name: str
    highest_pd: float
    annual_rate: float


class Draft(Value):
    """All that a new pack is written from."""

    id: str
    title: str
    jurisdiction: str
    currency: str
    contract_age: int
    own: OwnData
    target: Target
    cut: CutOffs
    looked_at: int  # rows behind the cut-offs
    auc: float
    auc_interval: tuple[float, float]
    portfolio_bad_rate: float
    portfolio_is_given: bool
    came_from: str  # the file's name, for people
    file: str  # where training finds it
    encoding: str
    separator: str
    quote: str
    decimal: str
    assumed: tuple[str, ...] = ()  # of currency and jurisdiction, those nobody gave
    taken_as_good: tuple[tuple[str, int], ...] = ()  # endings that nobody called good or bad, the most frequent first
    not_ended: int = 0  # rows without an ending
    left_out_rows: int = 0  # rows with too many or too few cells

    @property
    def sample_bad_rate(self) -> float:
        return self.own.bads / self.own.rows

    @property
    def largest_amount(self) -> Decimal:
        found = self.own.at(AMOUNT)
        return rounded_up(found.reading.largest or 0) if found else LARGEST_AMOUNT

    @property
    def smallest_amount(self) -> Decimal:
        found = self.own.at(AMOUNT)
        return Decimal(floor(found.reading.smallest or 1) or 1) if found else Decimal(1)

    @property
    def longest_term(self) -> int:
        found = self.own.at(TERM)
        return int(found.reading.largest or LONGEST_TERM) if found else LONGEST_TERM

    @property
    def typical_amount(self) -> Decimal:
        found = self.own.at(AMOUNT)
        return Decimal(str(round(found.reading.median or 1, 2))) if found else AN_AMOUNT

    @property
    def typical_term(self) -> int:
        found = self.own.at(TERM)
        return max(1, round(found.reading.median or A_TERM)) if found else A_TERM

    @property
    def typical_income(self) -> Decimal:
        found = self.own.at(INCOME)
        if found is None:
            return AN_INCOME
        return Decimal(str(round((found.reading.median or 0) / found.divide_by, 2)))

    @property
    def tests_payment(self) -> bool:
        """Whether the payment is held against the income: the file must have all three, and a typical row pass."""
        if not all(self.own.at(path) for path in (AMOUNT, TERM, INCOME)):
            return False
        loan = Installments(self.typical_amount, Decimal(str(STRESS_RATE)), self.typical_term)
        return loan.payment < Decimal(str(BEARABLE)) * self.typical_income

    @property
    def grades(self) -> tuple[Grade, ...]:
        return tuple(
            Grade(name=name, highest_pd=bound, annual_rate=self._rate(bound))
            for name, bound in zip(GRADES, self.cut.grades, strict=False)
        )

    def _rate(self, pd: float) -> float:
        """Pays for funding, work, margin and the expected loss of the shortest loan that is common."""
        found = self.own.at(TERM)
        months = max(SHORTEST_PRICED, int(found.reading.smallest or 0)) if found else self.typical_term // 2
        owed = (months + 1) / (2 * months) * months / 12  # average balance as a share of the amount, times years
        rate = FUNDING + OPERATING + MARGIN + pd * LOSS_GIVEN_DEFAULT / owed
        return round(ceil(rate / HALF_PER_CENT - 1e-9) * HALF_PER_CENT, 4)


def feature_specs(own: OwnData) -> tuple[FeatureSpec, ...]:
    """What the model reads; no direction is in force until a person says so."""
    return tuple(
        FeatureSpec(
            name=feature.name, path=feature.path, kind=feature.kind, values=feature.values, concept=feature.concept
        )
        for feature in own.features
    )


def typical(feature: OwnFeature) -> Any:
    """The middle of the numbers, the most frequent of the words: nobody's own value."""
    if feature.kind is not FeatureKind.NUMBER:
        wanted = feature.reading.typical
        return wanted if wanted in feature.values else feature.values[0]
    median = feature.reading.median or 0.0
    return round(median) if feature.reading.whole else round(median, 4)


def rounded_up(number: float) -> Decimal:
    """To two digits: 34,700 becomes 35,000."""
    if number <= 0:
        return LARGEST_AMOUNT
    step = 10 ** max(0, floor(log10(number)) - 1)
    return Decimal(ceil(number / step) * step)
