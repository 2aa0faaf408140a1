"""Payments, the yearly rate, total cost, expected loss."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.domain.underwriting.pricing import Installments, apr, covers_its_risk, expected_loss, price
from tests.applicants import the_product

AMOUNTS = st.decimals(250, 20_000, places=2)
RATES = st.decimals(0, Decimal("0.25"), places=4)
TERMS = st.integers(3, 72)


def test_a_thousand_over_a_year_at_twelve_per_cent_is_the_textbook_payment():
    assert Installments(Decimal(1000), Decimal("0.12"), 12).payment == Decimal("88.85")


def test_without_interest_the_payments_are_the_amount():
    assert sum(Installments(Decimal(1000), Decimal(0), 3).schedule) == 1000


def test_reg_z_example_of_a_single_advance_with_monthly_payments():
    """12 CFR 1026, Appendix J (c)(1): 5,000 in 24 payments of 230 is 9.69 %."""
    assert apr(Decimal(5000), (Decimal(230),) * 24) == pytest.approx(Decimal("0.0969"), abs=Decimal("0.0001"))


def test_a_fee_makes_the_yearly_rate_higher_than_the_nominal_one():
    with_fee = price(Decimal(2500), 18, Decimal("0.10"), "DEM", fee_rate=0.02)
    assert with_fee.fees == Decimal("50.00")
    assert with_fee.apr > Decimal("0.12")


@given(AMOUNTS, RATES, TERMS)
@settings(max_examples=60, deadline=None)
def test_the_payments_repay_the_loan_to_the_cent(amount, rate, term):
    loan = Installments(amount, rate, term)
    assert len(loan.schedule) == term
    assert sum(loan.schedule) >= amount
    # Rounding each month moves the last payment by less than a cent a month, compounded.
    assert abs(loan.schedule[-1] - loan.payment) <= Decimal("0.02") * term + Decimal("0.02")


@given(AMOUNTS, RATES, TERMS, st.floats(0, 0.05))
@settings(max_examples=60, deadline=None)
def test_the_yearly_rate_is_never_below_the_nominal_one(amount, rate, term, fee):
    terms = price(amount, term, rate, "DEM", fee)
    # Cents on a small loan can move a rate by a few hundredths of a per cent.
    assert terms.apr >= rate - Decimal("0.0008")


@given(AMOUNTS, RATES, TERMS, st.floats(0, 0.05))
@settings(max_examples=60, deadline=None)
def test_total_cost_is_everything_paid_less_everything_received(amount, rate, term, fee):
    terms = price(amount, term, rate, "DEM", fee)
    paid = sum(Installments(amount, rate, term).schedule)
    assert terms.total_cost == paid - (amount - terms.fees)
    assert terms.total_cost >= terms.fees


def test_expected_loss_is_probability_times_severity_times_exposure():
    loss = expected_loss(0.02, Decimal(5000), the_product().risk)
    assert loss.amount == Decimal("45.00")


def test_a_price_that_covers_a_small_risk_does_not_cover_a_large_one():
    product = the_product()
    terms = price(Decimal(2500), 18, Decimal("0.09"), "DEM", product.risk.fee_rate)
    assert covers_its_risk(terms, 0.01, product.risk)
    assert not covers_its_risk(terms, 0.20, product.risk)


@pytest.mark.parametrize("term", [6, 12, 36])
def test_every_grade_of_the_shipped_policy_covers_its_worst_risk(term):
    from tests.applicants import the_policy

    product = the_product()
    for grade in the_policy().policy(product).grades:
        terms = price(Decimal(2500), term, grade.annual_rate, "DEM", product.risk.fee_rate)
        assert covers_its_risk(terms, grade.highest_pd, product.risk), grade.grade
