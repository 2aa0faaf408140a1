"""What a loan costs the applicant and what its risk costs the lender. Money in Decimal, to the cent."""

from decimal import ROUND_HALF_UP, Decimal

from plimsoll.domain.underwriting.decision import ExpectedLoss, Terms
from plimsoll.domain.underwriting.product import RiskTerms

CENT = Decimal("0.01")
MONTHS = 12


class Installments:
    """A loan repaid in equal monthly payments; the last one carries the rounding."""

    def __init__(self, amount: Decimal, annual_rate: Decimal, term_months: int) -> None:
        self.amount, self.term_months = amount, term_months
        self.monthly_rate = annual_rate / MONTHS
        self.payment = cents(_annuity(amount, self.monthly_rate, term_months))

    @property
    def schedule(self) -> tuple[Decimal, ...]:
        """Every payment in order. Each month's interest is rounded to the cent, as a lender books it."""
        owed, payments = self.amount, []
        for _ in range(self.term_months - 1):
            owed = owed + cents(owed * self.monthly_rate) - self.payment
            payments.append(self.payment)
        return (*payments, owed + cents(owed * self.monthly_rate))

    @property
    def average_balance(self) -> Decimal:
        """What is owed on average over the term."""
        owed, total = self.amount, Decimal(0)
        for _ in range(self.term_months):
            total += owed
            owed = owed * (1 + self.monthly_rate) - self.payment
        return total / self.term_months


def price(amount: Decimal, term_months: int, annual_rate: Decimal, currency: str, fee_rate: float) -> Terms:
    """The terms of a loan whose fee is taken from what is paid out."""
    loan = Installments(amount, annual_rate, term_months)
    fees = cents(amount * Decimal(str(fee_rate)))
    paid = loan.schedule
    return Terms(
        amount=amount,
        currency=currency,
        term_months=term_months,
        annual_rate=annual_rate,
        apr=apr(amount - fees, paid),
        payment=loan.payment,
        fees=fees,
        total_cost=sum(paid, Decimal(0)) - (amount - fees),
    )


def apr(received: Decimal, payments: tuple[Decimal, ...]) -> Decimal:
    """The annual percentage rate, as a share, to a hundredth of a per cent.

    Reg Z, Appendix J (12 CFR 1026): the unit-period rate that makes the payments' present value
    equal the money received, times unit-periods a year. Fees count because they are not received.
    """
    monthly = _rate_that_discounts(float(received), [float(payment) for payment in payments])
    return Decimal(str(monthly * MONTHS)).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def expected_loss(probability_of_default: float, amount: Decimal, risk: RiskTerms) -> ExpectedLoss:
    """Expected loss = PD × LGD × EAD; exposure is taken as the full amount, on the safe side."""
    return ExpectedLoss(pd=probability_of_default, lgd=risk.loss_given_default, ead=amount)


def covers_its_risk(terms: Terms, probability_of_default: float, risk: RiskTerms) -> bool:
    """Whether interest and fees pay for funding, work, expected loss and the margin asked for."""
    balance = Installments(terms.amount, terms.annual_rate, terms.term_months).average_balance
    years = Decimal(terms.term_months) / MONTHS
    yearly_cost = Decimal(str(risk.funding_rate + risk.operating_cost_rate + risk.margin_rate))
    loss = expected_loss(probability_of_default, terms.amount, risk).amount
    return terms.total_cost >= balance * years * yearly_cost + loss


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def rounded(amount: Decimal, step: Decimal) -> Decimal:
    """The nearest multiple of the step."""
    return (amount / step).to_integral_value(ROUND_HALF_UP) * step


def _annuity(amount: Decimal, monthly_rate: Decimal, term_months: int) -> Decimal:
    if monthly_rate == 0:
        return amount / term_months
    return amount * monthly_rate / (1 - (1 + monthly_rate) ** -term_months)


def _rate_that_discounts(received: float, payments: list[float]) -> float:
    """By bisection: present value falls as the rate rises, so there is one answer and it is found."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        value = sum(payment / (1 + middle) ** month for month, payment in enumerate(payments, start=1))
        low, high = (middle, high) if value > received else (low, middle)
    return (low + high) / 2
