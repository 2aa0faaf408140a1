"""A person's word becomes a verdict: the outcome is theirs, price and reasons follow the product.

Reasons (12 CFR 1002.9, comment 9(b)(2)-7 and -8): a case that passed the score and failed the
review is refused for the reviewer's reason alone; one that was referred because of its score
and then refused is refused for both.
"""

from datetime import datetime
from decimal import Decimal

from plimsoll.domain.models.scoring import OfferRisk, Reason, ReasonSource, Score
from plimsoll.domain.underwriting.case import PersonsAnswer
from plimsoll.domain.underwriting.decision import ExpectedLoss, Terms, Verdict
from plimsoll.domain.underwriting.facts import Ask, Facts
from plimsoll.domain.underwriting.offers import Evaluate, facts_for, priced
from plimsoll.domain.underwriting.pricing import expected_loss
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.underwriting.reasons import first_ranked, say
from plimsoll.domain.values import Outcome, OutcomeSource


def settled(
    product: Product,
    proposal: Verdict,
    score: Score | None,
    answer: PersonsAnswer,
    asked: Ask,
    as_of: datetime,
    facts: Facts | None = None,
    evaluate: Evaluate | None = None,
) -> Verdict:
    """The proposal as a person settled it. `facts` and `evaluate` price what they granted."""
    granted = _granted(answer, asked)
    terms = None
    if granted is not None and score is not None:
        rate = _policy_rate(product, granted, score, facts, evaluate) or _cost_rate(product, score)
        terms = priced(product, granted, rate, as_of)
    return proposal.model_copy(
        update={
            "outcome": answer.outcome,
            "source": OutcomeSource.PERSON,
            "reasons": _reasons(product, proposal, score, answer),
            "terms": terms,
            "expected_loss": _loss(product, score, terms),
            "needs_a_person": False,
        }
    )


def _granted(answer: PersonsAnswer, asked: Ask) -> Ask | None:
    if answer.outcome is Outcome.APPROVE:
        return asked
    if answer.outcome is Outcome.COUNTER_OFFER and answer.amount is not None:
        return Ask(amount=Decimal(answer.amount), term_months=answer.term_months or asked.term_months)
    return None


def _policy_rate(
    product: Product, granted: Ask, score: Score, facts: Facts | None, evaluate: Evaluate | None
) -> Decimal | None:
    """The rate of the grade, at the risk of what was asked for: a smaller grant is no worse."""
    if facts is None or evaluate is None:
        return None
    risk = OfferRisk(
        amount=granted.amount,
        term_months=granted.term_months,
        probability_of_default=score.probability_of_default,
        near_cut=score.near_cut,
    )
    return evaluate(facts_for(product, facts, score, risk)).annual_rate


def _cost_rate(product: Product, score: Score) -> Decimal:
    """Where no grade prices the case: funding, operation, margin and a year's expected loss."""
    risk = product.risk
    loss = score.probability_of_default * risk.loss_given_default
    rate = risk.funding_rate + risk.operating_cost_rate + risk.margin_rate + loss
    return Decimal(str(round(rate, 4)))


def _reasons(product: Product, proposal: Verdict, score: Score | None, answer: PersonsAnswer) -> tuple[Reason, ...]:
    if not answer.outcome.adverse:
        return ()
    said = Reason(code=answer.reason, text=_to_the_applicant(product, answer), rank=1, source=ReasonSource.PERSON)
    in_the_grey = score is not None and any(
        path.startswith("score.") for hit in proposal.hits for path in hit.values_read
    )
    return first_ranked([said], score.reasons if score is not None and in_the_grey else ())


def _to_the_applicant(product: Product, answer: PersonsAnswer) -> str:
    """What is listed is written for reviewers; a code that `reasons.toml` has speaks to the applicant."""
    spec = next((spec for spec in product.reasons if spec.code == answer.reason), None)
    return say(spec, None, product.language) if spec else product.review.sentence(answer.reason)


def _loss(product: Product, score: Score | None, terms: Terms | None) -> ExpectedLoss | None:
    if score is None or terms is None:
        return None
    return expected_loss(score.probability_of_default, terms.amount, product.risk)
