"""Counter-offers: the largest that passes, and never less money with more risk."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.domain.underwriting.facts import Ask
from plimsoll.domain.underwriting.offers import asks_around, best_offer
from tests.applicants import NOON, a_policy_answer, a_score, evaluate_policy, risks, some_facts, the_product

ASKS = st.builds(Ask, amount=st.decimals(250, 20_000, places=2), term_months=st.integers(3, 72))


def best(score, evaluate=None):
    evaluate = evaluate or (lambda facts: a_policy_answer())
    return best_offer(the_product(), some_facts(), score, evaluate, NOON)


@given(ASKS)
def test_what_is_tried_is_smaller_or_shorter_and_never_the_same(ask):
    for other in asks_around(the_product(), ask):
        assert other.amount <= ask.amount
        assert other.term_months <= ask.term_months
        assert other != ask
        assert other.amount >= the_product().offers.minimum_amount


@given(ASKS)
def test_no_offer_is_less_than_half_of_what_was_asked(ask):
    least = ask.amount / 2 - 25  # rounded to fifties
    assert all(other.amount >= least for other in asks_around(the_product(), ask))


def test_the_largest_amount_wins_and_among_equals_the_longest_term():
    offers = risks(("1500", 12, 0.004), ("2000", 12, 0.008), ("2000", 18, 0.009), ("2250", 18, 0.2))
    offer, _ = best(a_score(0.05, alternatives=offers))
    assert offer.ask == Ask(amount=Decimal(2000), term_months=18)


def test_nothing_above_the_cut_is_offered():
    offer, tried = best(a_score(0.05, alternatives=risks(("2000", 18, 0.04), ("1500", 18, 0.034))))
    assert offer is None
    assert tried == ()


def test_nothing_is_offered_to_someone_far_above_the_cut():
    offer, _ = best(a_score(0.2, alternatives=risks(("1500", 18, 0.01))))
    assert offer is None


def test_an_offer_above_the_limit_of_its_grade_is_passed_over():
    limited = lambda facts: a_policy_answer(max_amount=Decimal(1800))  # noqa: E731
    offer, tried = best(a_score(0.05, alternatives=risks(("2000", 18, 0.01), ("1750", 18, 0.009))), limited)
    assert offer.ask.amount == 1750
    assert tried[0]["failed"] == ["amount_limit"]


def test_an_offer_that_does_not_cover_its_risk_is_passed_over():
    cheap = lambda facts: a_policy_answer(annual_rate=Decimal("0.01"))  # noqa: E731
    offer, tried = best(a_score(0.05, alternatives=risks(("2000", 18, 0.03))), cheap)
    assert offer is None
    assert tried[0]["failed"] == ["cost_of_risk"]


def test_an_offer_above_the_rate_cap_is_passed_over():
    dear = lambda facts: a_policy_answer(annual_rate=Decimal("0.40"))  # noqa: E731
    offer, tried = best(a_score(0.05, alternatives=risks(("2000", 18, 0.03))), dear)
    assert offer is None
    assert "price_cap" in tried[0]["failed"]


@given(st.floats(0.001, 0.032), st.floats(0.0, 1.0))
def test_of_two_offers_with_one_term_the_smaller_is_never_worse(risk, share):
    """Risk falls with the amount, so whatever lets the larger one pass lets the smaller one pass."""
    policy = evaluate_policy()
    larger, _ = best(a_score(0.05, alternatives=risks(("2000", 18, risk))), policy)
    smaller, _ = best(a_score(0.05, alternatives=risks(("1200", 18, risk * share))), policy)
    if larger is not None:
        assert smaller is not None
        assert smaller.terms.annual_rate <= larger.terms.annual_rate


def test_an_offer_says_when_it_expires():
    offer, _ = best(a_score(0.05, alternatives=risks(("2000", 18, 0.01))))
    assert (offer.terms.offer_expires_at - NOON).days == the_product().offers.valid_days


@pytest.mark.parametrize("amount", ["250.00", "260.00"])
def test_a_minimal_ask_has_no_smaller_amount(amount):
    assert {ask.amount for ask in asks_around(the_product(), Ask(amount=Decimal(amount), term_months=6))} <= {
        Decimal(amount),
        Decimal(250),
    }
