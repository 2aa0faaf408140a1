"""How rules, score and price become one verdict.

Precedence: the most severe effect of any hit wins, so adding a hit never softens an outcome.
Doubt about who or what is in front of us must not end in a decline; that is not an exception
here but stands in the policy itself, whose declining rows fire only when no doubt is open.
Without a hit an application is approved if the policy prices it, its grade's limits hold it,
and the price covers its risk; else on a smaller or shorter offer that passes; else declined
with the reasons of the part it failed. A policy that says nothing refers: silence is no yes.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from plimsoll.domain.affordability import offer_facts
from plimsoll.domain.decision import PolicyVerdict, RuleHit, Verdict
from plimsoll.domain.facts import Ask, Facts
from plimsoll.domain.offers import Considered, Evaluate, best_offer, consider, facts_for, score_facts
from plimsoll.domain.pricing import cents, expected_loss
from plimsoll.domain.product import Product
from plimsoll.domain.reasons import coded_reason, first_ranked, rule_reasons
from plimsoll.domain.scoring import OfferRisk, Reason, Score
from plimsoll.domain.values import Outcome, OutcomeSource

LIMITS = {"amount_limit": "amount_above_limit", "term_limit": "term_above_limit"}  # what failed -> reason code


def screened(product: Product, answer: PolicyVerdict) -> Verdict | None:
    """What the hard rules on the declared facts say; None when the application may go on.

    A knock-out here costs no inquiry. A hit that refers sends the case to a person likewise.
    """
    outcome = strictest(answer.hits)
    if outcome.severity < Outcome.REFER.severity:
        return None
    return _by_rules(product, outcome, answer, score=None, tried=())


def decide(product: Product, facts: Facts, score: Score, evaluate: Evaluate, as_of: datetime) -> Verdict:
    """The verdict on one scored application.

    `evaluate` is the pinned policy at stage `decide`; it is asked once for what the applicant
    wants and again for each smaller offer worth trying. `as_of` dates the offer.
    """
    facts = with_score(product, facts, score)
    asked = consider(product, facts, _as_asked(facts, score), evaluate, as_of)
    outcome = strictest(asked.verdict.hits)
    if outcome is Outcome.REFER or (outcome is Outcome.DECLINE and not _only_the_score(asked.verdict.hits)):
        return _by_rules(product, outcome, asked.verdict, score, ())
    if asked.passes:
        return _approved(product, asked, score)
    if outcome is not Outcome.DECLINE and asked.verdict.annual_rate is None:
        return _unpriced(product, asked.verdict, score)
    offer, tried = best_offer(product, facts, score, evaluate, as_of)
    if offer is None:
        return _declined(product, asked, score, tried)
    return _counter_offered(product, asked, offer, score, tried)


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


def _only_the_score(hits: Sequence[RuleHit]) -> bool:
    """Whether every declining hit stands for the score: such a row carries no reason of its own."""
    return all(hit.reason is None for hit in hits if hit.effect is Outcome.DECLINE)


def _by_rules(
    product: Product, outcome: Outcome, answer: PolicyVerdict, score: Score | None, tried: tuple[dict[str, Any], ...]
) -> Verdict:
    """Declined or referred by rules: the reasons are those of the hits that decided."""
    deciding = [hit for hit in answer.hits if hit.effect is outcome]
    return Verdict(
        outcome=outcome,
        source=OutcomeSource.RULE,
        reasons=first_ranked(rule_reasons(product, deciding)),
        hits=answer.hits,
        terms=None,
        expected_loss=_loss(product, score, None),
        policy=answer.policy,
        grade=answer.grade,
        needs_a_person=outcome is Outcome.REFER,
        why_a_person=tuple(hit.name for hit in deciding) if outcome is Outcome.REFER else (),
        counter_offers_tried=tried,
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


def _unpriced(product: Product, answer: PolicyVerdict, score: Score) -> Verdict:
    """Neither a hit nor a grade: a hole in the policy, or a score it could not read."""
    return Verdict(
        outcome=Outcome.REFER,
        source=OutcomeSource.RULE,
        reasons=(),
        hits=answer.hits,
        terms=None,
        expected_loss=_loss(product, score, None),
        policy=answer.policy,
        needs_a_person=True,
        why_a_person=("The policy neither prices nor refuses this application",),
    )


def _declined(product: Product, asked: Considered, score: Score, tried: tuple[dict[str, Any], ...]) -> Verdict:
    return Verdict(
        outcome=Outcome.DECLINE,
        source=OutcomeSource.MODEL,
        reasons=_reasons_of_failure(product, asked, score),
        hits=asked.verdict.hits,
        terms=None,
        expected_loss=_loss(product, score, asked.ask.amount),
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


def _loss(product: Product, score: Score | None, amount: Decimal | None) -> Any:
    if score is None or amount is None:
        return None
    return expected_loss(score.probability_of_default, amount, product.risk)


__all__ = ["ask_of", "decide", "facts_for", "screened", "strictest", "with_score"]
