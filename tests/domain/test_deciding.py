"""How rules, score and price become one verdict."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.domain.underwriting.deciding import decide, screened, strictest
from plimsoll.domain.values import Outcome, OutcomeSource
from tests.applicants import (
    NOON,
    a_body,
    a_hit,
    a_policy_answer,
    a_score,
    evaluate_policy,
    risks,
    some_facts,
    the_product,
)

HITS = st.lists(st.builds(a_hit, st.sampled_from([None, *Outcome])), max_size=5)


def verdict(score=None, evaluate=None, **given):
    return decide(the_product(), some_facts(**given), score or a_score(), evaluate or evaluate_policy(), NOON)


@given(HITS, st.builds(a_hit, st.sampled_from([None, *Outcome])))
def test_adding_a_rule_hit_never_softens_an_outcome(hits, another):
    assert strictest([*hits, another]).severity >= strictest(hits).severity


@given(HITS, st.builds(a_hit, st.sampled_from([None, *Outcome])))
def test_adding_a_rule_hit_never_softens_a_verdict(hits, another):
    def under(*fired):
        return verdict(evaluate=lambda facts: a_policy_answer(*fired)).outcome

    assert under(*hits, another).severity >= under(*hits).severity


def test_a_sound_applicant_is_approved_with_a_price():
    approved = verdict()
    assert approved.outcome is Outcome.APPROVE
    assert approved.grade == "B"
    assert approved.terms.amount == Decimal("2500.00")
    assert approved.terms.apr > approved.terms.annual_rate
    assert approved.expected_loss.amount == Decimal("10.12")
    assert approved.reasons == ()


def test_a_risk_above_the_cut_is_declined_for_the_reasons_of_the_score():
    declined = verdict(a_score(0.2))
    assert declined.outcome is Outcome.DECLINE
    assert declined.source is OutcomeSource.MODEL
    assert [reason.code for reason in declined.reasons] == ["amount_high"]
    assert declined.terms is None


def test_a_knock_out_is_declined_for_its_own_reason_alone():
    declined = verdict(evidence={"registry": {"insolvent": True}})
    assert declined.outcome is Outcome.DECLINE
    assert declined.source is OutcomeSource.RULE
    assert [reason.code for reason in declined.reasons] == ["insolvency"]


def test_a_knock_out_gets_no_counter_offer():
    score = a_score(0.05, alternatives=risks(("1500", 12, 0.005)))
    assert verdict(score, evidence={"registry": {"insolvent": True}}).outcome is Outcome.DECLINE


def test_a_smaller_loan_below_the_cut_is_a_counter_offer_with_reasons():
    offered = verdict(a_score(0.05, alternatives=risks(("2000", 18, 0.04), ("1500", 18, 0.02))))
    assert offered.outcome is Outcome.COUNTER_OFFER
    assert offered.terms.amount == 1500
    assert offered.expected_loss.pd == 0.02
    assert offered.reasons


def test_an_amount_above_the_grades_limit_is_said_first():
    score = a_score(0.02, alternatives=risks(("6000", 18, 0.018)))
    offered = verdict(score, body=a_body(amount="9000.00", financial={"monthly_income": "9000.00"}))
    assert offered.outcome is Outcome.COUNTER_OFFER
    assert offered.reasons[0].code == "amount_above_limit"
    assert offered.terms.amount == 6000


def test_too_close_to_the_cut_goes_to_a_person_who_is_told_why():
    referred = verdict(a_score(0.03, near_cut=0.4))
    assert referred.outcome is Outcome.REFER
    assert referred.needs_a_person
    assert referred.why_a_person == ("Too close to the cut",)


@pytest.mark.parametrize("source", ["bureau", "registry"])
@pytest.mark.parametrize("risk", [0.001, 0.02, 0.2])
def test_a_required_source_that_stayed_away_neither_approves_nor_declines(source, risk):
    assert verdict(a_score(risk), missing=[source]).outcome is Outcome.REFER


@pytest.mark.parametrize("source", ["bureau", "bank", "registry"])
@pytest.mark.parametrize("risk", [0.001, 0.2])
def test_an_answer_about_somebody_else_neither_approves_nor_declines(source, risk):
    assert verdict(a_score(risk), mismatched=[source]).outcome is Outcome.REFER


@given(st.floats(0.0001, 0.9), st.floats(0, 0.5), st.floats(0, 1), st.sampled_from(["initial", "extended"]))
def test_a_fraud_alert_never_declines(risk, near_cut, novelty, alert):
    score = a_score(risk, near_cut=near_cut, novelty=novelty)
    assert verdict(score, evidence={"bureau": {"fraud_alert": alert}}).outcome is Outcome.REFER


@given(st.floats(0.0001, 0.9))
def test_a_missing_bank_never_declines(risk):
    assert verdict(a_score(risk), missing=["bank"]).outcome is not Outcome.DECLINE


@given(st.floats(0.0001, 0.9), st.floats(0.0001, 0.9))
def test_more_risk_is_never_answered_more_softly(one, other):
    low, high = sorted((one, other))
    assert verdict(a_score(low)).outcome.severity <= verdict(a_score(high)).outcome.severity


def test_a_policy_that_says_nothing_refers():
    silent = verdict(evaluate=lambda facts: a_policy_answer(grade=None, annual_rate=None))
    assert silent.outcome is Outcome.REFER
    assert silent.needs_a_person


def test_a_price_that_does_not_cover_the_risk_is_nobodys_fault_and_goes_to_a_person():
    referred = verdict(evaluate=lambda facts: a_policy_answer(annual_rate=Decimal("0.001")))
    assert referred.outcome is Outcome.REFER
    assert referred.reasons == ()


def test_a_caution_beside_the_scores_decline_rules_an_offer_out():
    score = a_score(0.05, alternatives=risks(("1500", 18, 0.005)))
    body = a_body(financial={"monthly_income": "200.00"})
    assert verdict(score).outcome is Outcome.COUNTER_OFFER
    assert verdict(score, body=body).outcome is Outcome.DECLINE


def test_the_screen_lets_an_ordinary_application_go_on():
    assert screened(the_product(), a_policy_answer()) is None
    assert screened(the_product(), a_policy_answer(a_hit(None))) is None


def test_the_screen_settles_a_knock_out():
    settled = screened(the_product(), a_policy_answer(a_hit(Outcome.DECLINE, "under_contract_age")))
    assert settled.outcome is Outcome.DECLINE
    assert settled.reasons[0].code == "under_contract_age"


def test_every_adverse_verdict_has_a_reason():
    for risk in (0.034, 0.05, 0.2):
        assert verdict(a_score(risk)).reasons
