"""Scoring: features, the pinned model, probability, uncertainty, reasons; stored with the case."""

import asyncio
from decimal import Decimal

from temporalio import activity

from activities.failures import reported_to_temporal
from activities.messages import Step
from activities.policy import facts_to_decide
from plimsoll.domain.case import Case
from plimsoll.domain.facts import Ask
from plimsoll.domain.offers import asks_around
from plimsoll.domain.product import Product
from plimsoll.ports import CaseworkStore, Products, Scorer, StepRun


class Scoring:
    def __init__(self, casework: CaseworkStore, products: Products, scorer: Scorer) -> None:
        self._casework = casework
        self._products = products
        self._scorer = scorer

    @activity.defn(name="score")
    async def score(self, step: Step) -> None:
        with reported_to_temporal():
            case = await self._casework.load(step.case.application)
            if not case.status.closed:
                await self.score_case(case, self._products.get(case.product), step)

    async def score_case(self, case: Case, product: Product, step: Step) -> Case:
        """A score that is there counts: a model released meanwhile changes nothing for this case."""
        if case.score is not None:
            return case
        run = StepRun(step="score", lane=step.lane)
        facts = facts_to_decide(case, product, step)
        alternatives = asks_around(product, asked_for(case))
        # Off the loop: several milliseconds of CPU, part of it without the GIL.
        score = await asyncio.to_thread(
            self._scorer.score, self._scorer.live(product.model), product, facts, alternatives
        )
        await self._casework.scored(case, score, step.now, run)
        return case.model_copy(update={"score": score})


def asked_for(case: Case) -> Ask:
    return Ask(amount=Decimal(case.body["amount"]), term_months=case.body["term_months"])
