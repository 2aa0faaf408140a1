"""How decisions turned out: discrimination, cost, groups, and whether the right cases were referred.

Everything here is on the sample, with its oversampled bads and the data set's own 5:1 matrix;
none of it is a forecast for a portfolio.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from plimsoll.domain.models import metrics
from plimsoll.domain.models.calibration import on_sample_scale
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.values import Outcome, Value

YOUNG = 25
OLD = 62  # Reg B 1002.2(o): elderly
FOUR_FIFTHS = 0.8
TOO_FEW = 50
LABEL = "on the sample, {bad:g}:{good:g} matrix of the data set"


class Ended(Value):
    """One decision and how it ended. `age` for the report on groups only."""

    reference: str
    outcome: Outcome  # the engine's own, before a person settled a referral
    sample_probability: float
    bad: bool
    age: int | None = None


class Costs(Value):
    """Per applicant, in units of one good applicant declined."""

    label: str
    decided: float  # referrals left out
    with_referrals_at_the_cut: float  # referrals settled by the score alone: no help from people counted
    declining_all: float
    approving_all: float


class GroupRate(Value):
    group: str
    rows: int
    approved: float | None
    ratio: float | None = None  # to the comparison group's rate
    p_value: float | None = None  # Fisher's exact test, two-sided
    note: str = ""


class ReferralQuality(Value):
    """How often the score's own answer would have been wrong. Referring pays when it is wronger there."""

    referred: int
    wrong_among_referred: float | None
    wrong_among_rest: float | None


class PortfolioReport(Value):
    rows: int
    bad_rate: float
    auc: float | None
    auc_interval: tuple[float, float] | None  # 95 %, DeLong
    outcomes: dict[str, float]  # shares
    approval_rate: float
    bad_rate_among_approved: float | None
    bad_rate_among_declined: float | None
    bad_rate_among_counter_offers: float | None  # had they got what they asked for
    costs: Costs
    groups: tuple[GroupRate, ...]
    referral: ReferralQuality


def portfolio_report(product: Product, ended: Sequence[Ended]) -> PortfolioReport:
    """The report on decisions whose outcome is known. Raises ValueError when there is none."""
    if not ended:
        raise ValueError("No decision has a known outcome yet.")
    both = len({row.bad for row in ended}) == 2
    bad = np.array([row.bad for row in ended], dtype=np.int64)
    scores = np.array([row.sample_probability for row in ended])
    shares = Counter(row.outcome for row in ended)
    return PortfolioReport(
        rows=len(ended),
        bad_rate=float(bad.mean()),
        auc=metrics.auc(bad, scores) if both else None,
        auc_interval=metrics.auc_interval(bad, scores) if both else None,
        outcomes={outcome.value: shares[outcome] / len(ended) for outcome in Outcome},
        approval_rate=shares[Outcome.APPROVE] / len(ended),
        bad_rate_among_approved=_bad_rate(ended, Outcome.APPROVE),
        bad_rate_among_declined=_bad_rate(ended, Outcome.DECLINE),
        bad_rate_among_counter_offers=_bad_rate(ended, Outcome.COUNTER_OFFER),
        costs=_costs(product, ended),
        groups=_groups(ended),
        referral=_referral(product, ended),
    )


def fisher_exact(yes: int, no: int, other_yes: int, other_no: int) -> float:
    """Two-sided: the chance of a table no likelier than this one, margins given."""
    total, yeses, size = yes + no + other_yes + other_no, yes + other_yes, yes + no
    tables = range(max(0, size - (total - yeses)), min(size, yeses) + 1)
    chance = [math.comb(yeses, k) * math.comb(total - yeses, size - k) / math.comb(total, size) for k in tables]
    seen = chance[yes - tables.start]
    return min(1.0, sum(each for each in chance if each <= seen * (1 + 1e-9)))


def _bad_rate(ended: Sequence[Ended], outcome: Outcome) -> float | None:
    return _share([row.bad for row in ended if row.outcome is outcome])


def _share(claims: Sequence[bool]) -> float | None:
    return sum(claims) / len(claims) if claims else None


def _costs(product: Product, ended: Sequence[Ended]) -> Costs:
    risk = product.risk
    decided = [row for row in ended if row.outcome is not Outcome.REFER]
    below_cut = _below_cut(product)

    def cost(rows: Sequence[Ended], given: Callable[[Ended], bool]) -> float:
        losses = sum(risk.cost_of_bad for row in rows if given(row) and row.bad)
        losses += sum(risk.cost_of_good_declined for row in rows if not given(row) and not row.bad)
        return losses / max(len(rows), 1)

    def granted(row: Ended) -> bool:
        return below_cut(row) if row.outcome is Outcome.REFER else row.outcome is not Outcome.DECLINE

    return Costs(
        label=LABEL.format(bad=risk.cost_of_bad, good=risk.cost_of_good_declined),
        decided=cost(decided, granted),
        with_referrals_at_the_cut=cost(ended, granted),
        declining_all=cost(ended, lambda row: False),
        approving_all=cost(ended, lambda row: True),
    )


def _groups(ended: Sequence[Ended]) -> tuple[GroupRate, ...]:
    """Approval by age. Four fifths is an employment screen (29 CFR 1607.4(D)); here it is an alarm."""
    aged = [row for row in ended if row.age is not None]
    young = [row for row in aged if row.age is not None and row.age <= YOUNG]
    older = [row for row in aged if row.age is not None and row.age > YOUNG]
    old = [row for row in aged if row.age is not None and row.age >= OLD]
    younger = [row for row in aged if row.age is not None and row.age < OLD]
    return (
        _rate(f"older than {YOUNG}", older),
        _compared(f"up to {YOUNG}", young, older),
        _rate(f"younger than {OLD}", younger),
        _compared(f"{OLD} and older", old, younger),
    )


def _rate(group: str, rows: Sequence[Ended]) -> GroupRate:
    return GroupRate(group=group, rows=len(rows), approved=_share([_approved(row) for row in rows]))


def _compared(group: str, rows: Sequence[Ended], others: Sequence[Ended]) -> GroupRate:
    rate, other = _rate(group, rows), _rate("", others)
    if not rows or not others or not other.approved:
        return rate
    ratio = (rate.approved or 0.0) / other.approved
    yes, other_yes = sum(map(_approved, rows)), sum(map(_approved, others))
    p_value = fisher_exact(yes, len(rows) - yes, other_yes, len(others) - other_yes)
    return rate.model_copy(update={"ratio": ratio, "p_value": p_value, "note": _note(len(rows), ratio)})


def _note(rows: int, ratio: float) -> str:
    if rows < TOO_FEW:
        return "too few to say"
    return "below four fifths: look into it" if ratio < FOUR_FIFTHS else ""


def _approved(row: Ended) -> bool:
    return row.outcome is Outcome.APPROVE


def _referral(product: Product, ended: Sequence[Ended]) -> ReferralQuality:
    below_cut = _below_cut(product)
    wrong = [(row.outcome is Outcome.REFER, below_cut(row) == row.bad) for row in ended]
    return ReferralQuality(
        referred=sum(referred for referred, _ in wrong),
        wrong_among_referred=_share([missed for referred, missed in wrong if referred]),
        wrong_among_rest=_share([missed for referred, missed in wrong if not referred]),
    )


def _below_cut(product: Product) -> Callable[[Ended], bool]:
    risk = product.risk
    cut = on_sample_scale(risk.decline_above, risk.sample_bad_rate, risk.portfolio_bad_rate)
    return lambda row: row.sample_probability <= cut
