"""Scoring: features, the pinned model, probability, uncertainty, reasons; stored with the case."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import structlog
from temporalio import activity

from activities.failures import reported_to_temporal
from activities.messages import Step
from activities.policy import facts_to_decide
from plimsoll.domain.models.scoring import ModelPin, ModelRefused, ModelUnavailable, Score
from plimsoll.domain.underwriting.case import Case
from plimsoll.domain.underwriting.facts import Ask, Facts
from plimsoll.domain.underwriting.offers import asks_around
from plimsoll.domain.underwriting.product import Product
from plimsoll.ports import CaseworkStore, LiveModels, Products, Scorer, StepRun

log = structlog.get_logger()

# On a score the champion gave because the version it was pinned to could not be used.
PINNED_MODEL_UNUSABLE = "pinned_model_unusable"


class Scoring:
    def __init__(self, casework: CaseworkStore, products: Products, scorer: Scorer, live: LiveModels) -> None:
        self._casework = casework
        self._products = products
        self._scorer = scorer
        self._live = live

    @activity.defn(name="score")
    async def score(self, step: Step) -> None:
        with reported_to_temporal():
            case = await self._casework.load(step.case.application)
            if not case.status.closed:
                await self.score_case(case, self._products.get(case.product), step)

    async def score_case(self, case: Case, product: Product, step: Step) -> Case:
        """A score that is there counts, and so does the pin: a release meanwhile changes nothing for this case."""
        if case.score is not None:
            return case
        run = StepRun(step="score", lane=step.lane)
        if case.model_pin is None:
            lineup = await self._live.lineup(product.model)
            case = await self._casework.pinned(case, lineup.assigned(case.person))
        assert case.model_pin is not None
        score = await self._scored_with(
            case.model_pin, product, facts_to_decide(case, product, step.now), asks_around(product, asked_for(case))
        )
        await self._casework.scored(case, score, step.now, run)
        return case.model_copy(update={"score": score})

    async def _scored_with(self, pin: ModelPin, product: Product, facts: Facts, asks: Sequence[Ask]) -> Score:
        """By the pinned version; by the champion, and flagged, when its files are gone or were tampered with."""
        # Off the loop: several milliseconds of CPU, part of it without the GIL.
        try:
            return await asyncio.to_thread(self._scorer.score, pin, product, facts, asks)
        except (ModelRefused, ModelUnavailable) as error:
            champion = (await self._live.lineup(product.model)).must_have_champion()
            if champion.digest == pin.digest:
                raise
            log.error("model.unusable", model=pin.name, version=pin.version, error=error.code)
        score = await asyncio.to_thread(self._scorer.score, champion, product, facts, asks)
        # Still of the arm it was dealt to: an experiment counts who was meant to get what.
        stood_in = champion.model_copy(update={"arm": pin.arm})
        return score.model_copy(update={"model": stood_in, "flags": (*score.flags, PINNED_MODEL_UNUSABLE)})


def asked_for(case: Case) -> Ask:
    return Ask(amount=Decimal(case.body["amount"]), term_months=case.body["term_months"])
