"""Policy: the hard rules before anything is pulled, and the verdict once there is a score."""

import contextlib
from datetime import datetime
from functools import partial

from temporalio import activity

from activities.failures import reported_to_temporal
from activities.messages import Progress, SourcePlan, Step
from plimsoll.domain.models.scoring import ModelUnavailable
from plimsoll.domain.underwriting.case import Case
from plimsoll.domain.underwriting.deciding import decide, screened
from plimsoll.domain.underwriting.evidence import EvidenceState
from plimsoll.domain.underwriting.facts import Facts, Stage, facts_of
from plimsoll.domain.underwriting.product import Product
from plimsoll.ports import CaseworkStore, LiveModels, PolicyEngine, Products, StepRun


class Policy:
    def __init__(self, casework: CaseworkStore, products: Products, engine: PolicyEngine, live: LiveModels) -> None:
        self._casework = casework
        self._products = products
        self._engine = engine
        self._live = live

    @activity.defn(name="screen")
    async def screen(self, step: Step) -> Progress:
        """Rules that need only the application: a knock-out here costs no inquiry."""
        with reported_to_temporal():
            case = await self._casework.load(step.case.application)
            if case.status.closed:
                return Progress(outcome=case.decided, closed=case.decided is None)
            product = self._products.get(case.product)
            case = await self.screen_case(case, product, step)
            if case.verdict is not None:
                return Progress(knocked_out=True, referred=case.verdict.needs_a_person)
            return Progress(to_pull=tuple(_plans(case, product)))

    @activity.defn(name="decide")
    async def decide(self, step: Step) -> Progress:
        with reported_to_temporal():
            case = await self._casework.load(step.case.application)
            if case.status.closed:
                return Progress(outcome=case.decided, closed=case.decided is None)
            case = await self.decide_case(case, self._products.get(case.product), step)
            assert case.verdict is not None
            return Progress(referred=case.verdict.needs_a_person)

    # In the event loop on purpose: a verdict takes a fraction of a millisecond, a counter-offer a few.

    async def screen_case(self, case: Case, product: Product, step: Step) -> Case:
        if case.verdict is not None:
            return case
        run = StepRun(step="screen", lane=step.lane)
        facts = facts_of(product, case.body, as_of=step.now.date(), stage=Stage.SCREEN)
        answer = self._engine.evaluate(product, self._engine.pin(product), Stage.SCREEN, facts)
        verdict = screened(product, answer)
        if verdict is None:
            return await self._let_through(case, product, run)
        await self._casework.proposed(case, verdict, step.now, run)
        return case.model_copy(update={"verdict": verdict})

    async def _let_through(self, case: Case, product: Product, run: StepRun) -> Case:
        """Its model is chosen here, so that a release while it waits for a source changes nothing for it."""
        if case.model_pin is None:
            # Without a model there is nothing to choose yet: the score will wait for one.
            with contextlib.suppress(ModelUnavailable):
                pin = (await self._live.lineup(product.model)).assigned(case.person)
                return await self._casework.pinned(case, pin, run)
        await self._casework.attempted(case, run)
        return case

    async def decide_case(self, case: Case, product: Product, step: Step) -> Case:
        if case.verdict is not None:
            return case
        assert case.score is not None
        run = StepRun(step="decide", lane=step.lane)
        evaluate = partial(self._engine.evaluate, product, self._engine.pin(product), Stage.DECIDE)
        verdict = decide(product, facts_to_decide(case, product, step.now), case.score, evaluate, step.now)
        await self._casework.proposed(case, verdict, step.now, run)
        return case.model_copy(update={"verdict": verdict})


def facts_to_decide(case: Case, product: Product, now: datetime) -> Facts:
    """What model and policy may know of a case whose evidence is in."""
    return facts_of(
        product,
        case.body,
        case.summaries,
        missing=case.sources_in(EvidenceState.GIVEN_UP, EvidenceState.UNKNOWN),
        mismatched=case.sources_in(EvidenceState.MISMATCH),
        as_of=now.date(),
        stage=Stage.DECIDE,
    )


def _plans(case: Case, product: Product) -> list[SourcePlan]:
    return [
        SourcePlan(name=terms.name, timeout=terms.timeout, deadline=case.accepted_at + terms.patience)
        for terms in product.sources
    ]
