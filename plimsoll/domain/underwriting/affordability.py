"""Whether the payment can be borne: a bound to refer on, never a reason to decline.

The payment is tested at the product's stress rate, not at the price: the price depends on the
grade, and a loan that is bearable only at today's rate is not bearable.
"""

from decimal import Decimal
from typing import Any

from plimsoll.domain.underwriting.facts import Ask, Facts
from plimsoll.domain.underwriting.pricing import Installments
from plimsoll.domain.underwriting.product import RiskTerms


def stressed_payment(ask: Ask, risk: RiskTerms) -> Decimal:
    """The monthly payment at the stress rate."""
    return Installments(ask.amount, Decimal(str(risk.stress_rate)), ask.term_months).payment


def offer_facts(ask: Ask, facts: Facts, risk: RiskTerms) -> dict[str, Any]:
    """The section `offer`: what is being considered. `payment_share` is None without an income."""
    payment = float(stressed_payment(ask, risk))
    income = facts.read("financial.monthly_income")
    return {
        "amount": float(ask.amount),
        "term_months": ask.term_months,
        "payment": payment,
        "payment_share": payment / income if income else None,
    }
