"""How rules, score and price become one verdict.

Precedence: the most severe effect of any hit wins, so adding a hit never softens an outcome.
Doubt about who or what is in front of us must not end in a decline; that is not an exception
here but stands in the policy itself, whose declining rows fire only when no doubt is open.
Without a hit an application is approved if the policy prices it, its grade's limits hold it,
and the price covers its risk; else it gets the largest smaller or shorter offer that passes;
else a person looks for one. An application that only the score declines may get such an offer,
too, and is declined when there is none. A policy that says nothing refers: silence is no yes.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from plimsoll.domain.models.scoring import OfferRisk, Reason, Score
from plimsoll.domain.underwriting.affordability import offer_facts
from plimsoll.domain.underwriting.decision import PolicyVerdict, RuleHit, Verdict
from plimsoll.domain.underwriting.facts import Ask, Facts
from plimsoll.domain.underwriting.offers import Considered, Evaluate, best_offer, consider, score_facts
from plimsoll.domain.underwriting.pricing import cents, expected_loss
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.underwriting.reasons import coded_reason, first_ranked, rule_reasons
from plimsoll.domain.values import Outcome, OutcomeSource

LIMITS = {"amount_limit": "amount_above_limit", "term_limit": "term_above_limit"}  # what failed -> reason code
NO_OFFER_FITS = "The request is above its limits or its price, and no smaller offer passes"
NO_PRICE = "The policy neither prices nor refuses this application"


def screened(product: Product, answer: PolicyVerdict) -> Verdict | None:
    """What the hard rules on the declared facts say; None when the application may go on.

    A knock-out here costs no inquiry. A hit that refers sends the case to a person likewise.
    """
    outcome = strictest(answer.hits)
    if outcome.severity < Outcome.REFER.severity:
        return None
    return _by_rules(product, outcome, answer)


def decide(product: Product, facts: Facts, score: Score, evaluate: Evaluate, as_of: datetime) -> Verdict:
    """The verdict on one scored application.

    `evaluate` is the pinned policy at stage `decide`; it is asked once for what the applicant
    wants and again for each smaller offer worth trying. `as_of` dates the offer.
    """
    facts = with_score(product, facts, score)
    asked = consider(product, facts, _as_asked(facts, score), evaluate, as_of)
    outcome = strictest(asked.verdict.hits)
    if asked.passes:
        return _approved(product, asked, score)
    if outcome is Outcome.REFER or _knocked_out(asked.verdict.hits):
        return _by_rules(product, outcome, asked.verdict)
    searched = _may_get_less(asked.verdict.hits)
    offer, tried = best_offer(product, facts, score, evaluate, as_of) if searched else (None, ())
    if offer is not None:
        return _counter_offered(product, asked, offer, score, tried)
    if outcome is Outcome.DECLINE:
        return _declined(product, asked, score, tried)
    return _without_an_offer(asked, tried)


def strictest(hits: Sequence[RuleHit]) -> Outcome:
    """The most severe effect; approve when nothing fired or only remarks did."""
    effects = [hit.effect for hit in hits if hit.effect is not None]
    return max(effects, key=lambda outcome: outcome.severity, default=Outcome.APPROVE)


def with_score(product: Product, facts: Facts, score: Score) -> Facts:
    """The facts a policy reads at stage `decide`: the score, and as offer what was asked for."""
    return facts.with_values(
        score=score_facts(score, score.probability_of_default, score.near_cut),
        offer=offer_facts(ask_of(facts), facts, product.risk),
    )


def ask_of(facts: Facts) -> Ask:
    return Ask(amount=cents(Decimal(str(facts.read("request.amount")))), term_months=facts.read("request.term_months"))


def _as_asked(facts: Facts, score: Score) -> OfferRisk:
    ask = ask_of(facts)
    return OfferRisk(
        amount=ask.amount,
        term_months=ask.term_months,
        probability_of_default=score.probability_of_default,
        near_cut=score.near_cut,
    )


def _knocked_out(hits: Sequence[RuleHit]) -> bool:
    """Declined for a rule's own reason. A row that stands for the score carries none."""
    return any(hit.effect is Outcome.DECLINE and hit.reason is not None for hit in hits)


def _may_get_less(hits: Sequence[RuleHit]) -> bool:
    """A caution beside the score's decline rules an offer out: with it alone a person would look,
    and a further hit must not turn that into an offer."""
    return all(hit.effect is not Outcome.REFER for hit in hits)


def _by_rules(product: Product, outcome: Outcome, answer: PolicyVerdict) -> Verdict:
    """Declined or referred by rules: the reasons are those of the hits that decided."""
    deciding = [hit for hit in answer.hits if hit.effect is outcome]
    return Verdict(
        outcome=outcome,
        source=OutcomeSource.RULE,
        reasons=first_ranked(rule_reasons(product, deciding)),
        hits=answer.hits,
        terms=None,
        expected_loss=None,
        policy=answer.policy,
        grade=answer.grade,
        needs_a_person=outcome is Outcome.REFER,
        why_a_person=tuple(hit.name for hit in deciding) if outcome is Outcome.REFER else (),
    )


def _approved(product: Product, asked: Considered, score: Score) -> Verdict:
    return Verdict(
        outcome=Outcome.APPROVE,
        source=OutcomeSource.MODEL,
        reasons=(),
        hits=asked.verdict.hits,
        terms=asked.terms,
        expected_loss=expected_loss(score.probability_of_default, asked.ask.amount, product.risk),
        policy=asked.verdict.policy,
        grade=asked.verdict.grade,
    )


def _without_an_offer(asked: Considered, tried: tuple[dict[str, Any], ...]) -> Verdict:
    """Nothing speaks against the applicant, yet neither the ask nor a smaller offer has a price that
    passes: a hole in the policy, a score it could not read, or a limit no offer fits under."""
    priced = asked.verdict.annual_rate is not None
    return Verdict(
        outcome=Outcome.REFER,
        source=OutcomeSource.RULE,
        reasons=(),
        hits=asked.verdict.hits,
        terms=None,
        expected_loss=None,
        policy=asked.verdict.policy,
        grade=asked.verdict.grade,
        needs_a_person=True,
        why_a_person=(NO_OFFER_FITS if priced else NO_PRICE,),
        counter_offers_tried=tried,
    )


def _declined(product: Product, asked: Considered, score: Score, tried: tuple[dict[str, Any], ...]) -> Verdict:
    return Verdict(
        outcome=Outcome.DECLINE,
        source=OutcomeSource.MODEL,
        reasons=_reasons_of_failure(product, asked, score),
        hits=asked.verdict.hits,
        terms=None,
        expected_loss=expected_loss(score.probability_of_default, asked.ask.amount, product.risk),
        policy=asked.verdict.policy,
        grade=asked.verdict.grade,
        counter_offers_tried=tried,
    )


def _counter_offered(
    product: Product, asked: Considered, offer: Considered, score: Score, tried: tuple[dict[str, Any], ...]
) -> Verdict:
    return Verdict(
        outcome=Outcome.COUNTER_OFFER,
        source=OutcomeSource.MODEL,
        reasons=_reasons_of_failure(product, asked, score),
        hits=asked.verdict.hits,
        terms=offer.terms,
        expected_loss=expected_loss(tried[-1]["probability_of_default"], offer.ask.amount, product.risk),
        policy=asked.verdict.policy,
        grade=offer.verdict.grade,
        counter_offers_tried=tried,
    )


def _reasons_of_failure(product: Product, asked: Considered, score: Score) -> tuple[Reason, ...]:
    """A limit that was exceeded first, then what the score held against the applicant.

    Limits and price follow from the grade, so the score's reasons are true of them as well;
    a price that does not cover the risk is never itself the reason.
    """
    limits = [
        coded_reason(product, code, rank, product.language)
        for rank, (failure, code) in enumerate(LIMITS.items(), start=1)
        if failure in asked.failed
    ]
    return first_ranked(limits, score.reasons)
