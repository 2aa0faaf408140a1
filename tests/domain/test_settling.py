"""A person's word becomes a verdict: the outcome is theirs, price and reasons follow the product."""

from decimal import Decimal

import pytest

from plimsoll.domain.models.scoring import ReasonSource
from plimsoll.domain.underwriting.case import PersonsAnswer
from plimsoll.domain.underwriting.decision import Verdict
from plimsoll.domain.underwriting.facts import Ask
from plimsoll.domain.underwriting.settling import settled
from plimsoll.domain.values import Outcome, OutcomeSource
from tests.applicants import A_PIN, NOON, a_hit, a_policy_answer, a_score, some_facts, the_product

ASKED = Ask(amount=Decimal(2500), term_months=18)


def a_referral(**changes) -> Verdict:
    referred = Verdict(
        outcome=Outcome.REFER,
        source=OutcomeSource.RULE,
        reasons=(),
        hits=(a_hit(Outcome.REFER),),
        terms=None,
        expected_loss=None,
        policy=A_PIN,
        needs_a_person=True,
        why_a_person=("insolvency",),
    )
    return referred.model_copy(update=changes)


def word(outcome: Outcome, reason: str = "evidence_checked", **given) -> PersonsAnswer:
    return PersonsAnswer(actor="act_ada", outcome=outcome, reason=reason, **given)


def settle(answer: PersonsAnswer, proposal: Verdict | None = None, score=None, **given) -> Verdict:
    return settled(the_product(), proposal or a_referral(), score, answer, ASKED, NOON, **given)


def test_the_outcome_is_the_persons_and_nobody_else_is_asked():
    verdict = settle(word(Outcome.DECLINE), score=a_score())
    assert (verdict.outcome, verdict.source, verdict.needs_a_person) == (Outcome.DECLINE, OutcomeSource.PERSON, False)


def test_an_approval_is_priced_for_what_was_asked():
    terms = settle(word(Outcome.APPROVE), score=a_score()).terms
    assert terms is not None
    assert (terms.amount, terms.term_months) == (ASKED.amount, ASKED.term_months)


def test_the_rate_is_the_policys_where_it_prices_the_case():
    verdict = settle(
        word(Outcome.APPROVE), score=a_score(), facts=some_facts(), evaluate=lambda facts: a_policy_answer()
    )
    assert verdict.terms is not None
    assert verdict.terms.annual_rate == Decimal("0.09")


def test_without_a_grade_the_rate_covers_cost_margin_and_a_years_expected_loss():
    risk = the_product().risk
    terms = settle(word(Outcome.APPROVE), score=a_score(0.02)).terms
    assert terms is not None
    expected = risk.funding_rate + risk.operating_cost_rate + risk.margin_rate + 0.02 * risk.loss_given_default
    assert float(terms.annual_rate) == pytest.approx(expected, abs=1e-4)


def test_a_persons_counter_offer_carries_the_persons_terms():
    verdict = settle(word(Outcome.COUNTER_OFFER, "smaller_amount", amount="1500", term_months=12), score=a_score())
    assert verdict.terms is not None
    assert (verdict.terms.amount, verdict.terms.term_months) == (Decimal(1500), 12)
    assert verdict.expected_loss is not None


def test_a_counter_offer_without_a_term_keeps_the_term_asked():
    verdict = settle(word(Outcome.COUNTER_OFFER, "smaller_amount", amount="1500"), score=a_score())
    assert verdict.terms is not None
    assert verdict.terms.term_months == ASKED.term_months


def test_a_refusal_has_no_terms_and_names_the_reviewers_reason_first():
    verdict = settle(word(Outcome.DECLINE, "obligations_too_high"), score=a_score())
    assert verdict.terms is None
    assert [reason.code for reason in verdict.reasons] == ["obligations_too_high"]
    assert verdict.reasons[0].source is ReasonSource.PERSON
    assert verdict.reasons[0].text == "What you owe each month is high against your income"


def test_where_nothing_is_written_for_the_applicant_the_listed_sentence_is_given():
    unwritten = the_product().model_copy(update={"reasons": ()})
    verdict = settled(unwritten, a_referral(), None, word(Outcome.DECLINE, "unable_to_verify"), ASKED, NOON)
    assert verdict.reasons[0].text == "Could not verify what was declared"


def test_a_case_referred_for_its_score_and_refused_is_refused_for_both():
    """12 CFR 1002.9, comment 9(b)(2)-8."""
    for_its_score = a_hit(Outcome.REFER).model_copy(update={"values_read": {"score.pd": 0.03}})
    verdict = settle(word(Outcome.DECLINE, "risk_too_high"), a_referral(hits=(for_its_score,)), a_score())
    assert [reason.source for reason in verdict.reasons] == [ReasonSource.PERSON, ReasonSource.SCORE]
    assert [reason.rank for reason in verdict.reasons] == [1, 2]


def test_an_approval_owes_nobody_a_reason():
    assert settle(word(Outcome.APPROVE), score=a_score()).reasons == ()


def test_a_case_refused_before_it_was_scored_has_neither_price_nor_loss():
    verdict = settle(word(Outcome.DECLINE, "unable_to_verify"))
    assert verdict.terms is None
    assert verdict.expected_loss is None
