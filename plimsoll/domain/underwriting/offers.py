"""Counter-offers: the largest amount that passes policy, price cap and the cost of its own risk.

Risk never rises when amount or term falls (the model is monotone in both, and so are its
bootstrap members), so of two offers with the same term the smaller one is never worse.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from plimsoll.domain.models.scoring import OfferRisk, Score
from plimsoll.domain.underwriting.affordability import offer_facts
from plimsoll.domain.underwriting.decision import PolicyVerdict, Terms
from plimsoll.domain.underwriting.facts import Ask, Facts
from plimsoll.domain.underwriting.pricing import covers_its_risk, price, rounded
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.values import Outcome, Value

Evaluate = Callable[[Facts], PolicyVerdict]
AMOUNT_STEP = Decimal(50)
SHORTEST_TERM = 6


class Considered(Value):
    """One ask held against policy and price: on what terms it passes, or what it fails."""

    ask: Ask
    verdict: PolicyVerdict
    terms: Terms | None = None
    failed: tuple[str, ...] = ()  # policy, amount_limit, term_limit, price_cap, cost_of_risk; empty when it passes

    @property
    def passes(self) -> bool:
        return not self.failed


def asks_around(product: Product, ask: Ask) -> list[Ask]:
    """The smaller amounts and shorter terms a counter-offer may take, largest first. Scored with the ask."""
    offers = product.offers
    scaled = [rounded(ask.amount * Decimal(str(step)), AMOUNT_STEP) for step in offers.amount_steps]
    least = max(offers.minimum_amount, ask.amount * Decimal(str(min(offers.amount_steps))))
    amounts = {amount for amount in (ask.amount, *scaled, *offers.amounts) if least <= amount <= ask.amount}
    terms = {max(SHORTEST_TERM, int(ask.term_months * step)) for step in offers.term_steps}
    terms = {term for term in terms if term <= ask.term_months} or {ask.term_months}
    asks = [Ask(amount=amount, term_months=term) for amount in amounts for term in terms]
    return sorted((a for a in asks if a != ask), key=_largest_first)


def best_offer(
    product: Product, facts: Facts, score: Score, evaluate: Evaluate, as_of: datetime
) -> tuple[Considered | None, tuple[dict[str, Any], ...]]:
    """The largest alternative that passes (of equal amounts the longest term), and all that was tried.

    An alternative above the cut is not put to the policy: it would only be refused again.
    """
    if score.probability_of_default > product.offers.highest_pd_asked:
        return None, ()
    tried: list[dict[str, Any]] = []
    for risk in sorted(score.alternatives, key=_largest_first):
        if risk.probability_of_default > product.risk.decline_above:
            continue
        considered = consider(product, facts_for(product, facts, score, risk), risk, evaluate, as_of)
        tried.append(_remembered(considered, risk))
        if considered.passes:
            return considered, tuple(tried)
    return None, tuple(tried)


def consider(product: Product, facts: Facts, risk: OfferRisk, evaluate: Evaluate, as_of: datetime) -> Considered:
    """One ask against policy, the grade's limits, the cap on the yearly rate and the cost of its risk."""
    ask, verdict = Ask(amount=risk.amount, term_months=risk.term_months), evaluate(facts)
    if any(hit.effect not in (None, Outcome.APPROVE) for hit in verdict.hits) or verdict.annual_rate is None:
        return Considered(ask=ask, verdict=verdict, failed=("policy",))
    terms = priced(product, ask, verdict.annual_rate, as_of)
    return Considered(ask=ask, verdict=verdict, terms=terms, failed=_failed(product, ask, verdict, terms, risk))


def priced(product: Product, ask: Ask, annual_rate: Decimal, as_of: datetime) -> Terms:
    terms = price(ask.amount, ask.term_months, annual_rate, product.currency, product.risk.fee_rate)
    expires = as_of + timedelta(days=product.offers.valid_days)
    return terms.model_copy(update={"offer_expires_at": expires})


def facts_for(product: Product, facts: Facts, score: Score, risk: OfferRisk) -> Facts:
    """The facts had the applicant asked for this. The applicant's own request stays what it was."""
    ask = Ask(amount=risk.amount, term_months=risk.term_months)
    return facts.with_values(
        offer=offer_facts(ask, facts, product.risk),
        score=score_facts(score, risk.probability_of_default, risk.near_cut),
    )


def score_facts(score: Score, probability_of_default: float, near_cut: float) -> dict[str, Any]:
    """The section `score` as the policy sees it."""
    return {
        "pd": probability_of_default,
        "sample_probability": score.sample_probability,
        "interval_low": score.interval[0],
        "interval_high": score.interval[1],
        "near_cut": near_cut,
        "novelty": score.novelty,
    }


def _failed(product: Product, ask: Ask, verdict: PolicyVerdict, terms: Terms, risk: OfferRisk) -> tuple[str, ...]:
    cap = product.risk.apr_cap
    checks = {
        "amount_limit": verdict.max_amount is not None and ask.amount > verdict.max_amount,
        "term_limit": verdict.max_term_months is not None and ask.term_months > verdict.max_term_months,
        "price_cap": cap is not None and terms.apr > Decimal(str(cap)),
        "cost_of_risk": not covers_its_risk(terms, risk.probability_of_default, product.risk),
    }
    return tuple(name for name, failed in checks.items() if failed)


def _remembered(considered: Considered, risk: OfferRisk) -> dict[str, Any]:
    return {
        "amount": str(risk.amount),
        "term_months": risk.term_months,
        "probability_of_default": risk.probability_of_default,
        "grade": considered.verdict.grade,
        "failed": list(considered.failed),
        "rules": [hit.id for hit in considered.verdict.hits],
    }


def _largest_first(offer: Ask | OfferRisk) -> tuple[Decimal, int]:
    return -offer.amount, -offer.term_months
