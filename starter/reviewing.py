"""What a reviewer may work out before they say anything: the terms of another offer."""

from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from activities.policy import facts_to_decide
from activities.scoring import asked_for
from plimsoll.domain.access import Actor
from plimsoll.domain.errors import Conflict, FieldsInvalid
from plimsoll.domain.models.scoring import Score
from plimsoll.domain.underwriting.case import PersonsAnswer
from plimsoll.domain.underwriting.facts import Ask, Stage
from plimsoll.domain.underwriting.settling import settled
from plimsoll.domain.values import Outcome
from plimsoll.wiring import Ports


async def offer_of(ports: Ports, application: str, offered: Ask, actor: Actor, now: datetime) -> dict[str, Any]:
    """Price, cost and risk of a counter-offer, exactly as the verdict would grant it; nothing is stored.

    The risk is that of the smallest scored offer that is not below it, so it is never told too low.
    Raises NotFound, Conflict for a case without a score, FieldsInvalid for more than was asked for.
    """
    case = await ports.casework.load(application)
    if case.score is None or case.verdict is None:
        raise Conflict("This case has no score yet, so an offer has no price: wait for its evidence.")
    asked = asked_for(case)
    if offered.amount > asked.amount:
        problem = f"is above the {asked.amount} asked for"
        fields = [{"field": "amount", "problem": problem}]
        raise FieldsInvalid("This offer cannot be made: see `fields`.", fields=fields)
    product = ports.products.get(case.product)
    answer = PersonsAnswer(
        actor=actor.id, outcome=Outcome.COUNTER_OFFER, reason="offered", amount=str(offered.amount),
        term_months=offered.term_months,
    )  # fmt: skip
    evaluate = partial(ports.policies.evaluate, product, ports.policies.pin(product), Stage.DECIDE)
    facts = facts_to_decide(case, product, now)
    verdict = settled(product, case.verdict, case.score, answer, asked, now, facts, evaluate)
    return {
        "terms": verdict.terms,
        "expected_loss": verdict.expected_loss,
        "probability_of_default": risk_of(case.score, offered),
    }


def risk_of(score: Score, offered: Ask) -> float:
    """Risk never falls when amount or term rises (see `domain/underwriting/offers.py`)."""
    not_below = [
        other
        for other in score.alternatives
        if other.amount >= Decimal(offered.amount) and other.term_months >= offered.term_months
    ]
    nearest = min(not_below, key=lambda other: (other.amount, other.term_months), default=None)
    return nearest.probability_of_default if nearest else score.probability_of_default
