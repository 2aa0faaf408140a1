"""Decisions: what was proposed, or what a person said, becomes the record."""

from functools import partial

from temporalio import activity

from activities.failures import reported_to_temporal
from activities.messages import Progress, Step
from activities.policy import facts_to_decide
from activities.scoring import asked_for
from plimsoll.domain.underwriting.case import Case, PersonsAnswer
from plimsoll.domain.underwriting.decision import Verdict
from plimsoll.domain.underwriting.facts import Stage
from plimsoll.domain.underwriting.settling import settled
from plimsoll.ports import CaseworkStore, DecisionBell, PolicyEngine, Products, ReviewStore, StepRun


class Decisions:
    def __init__(
        self,
        casework: CaseworkStore,
        reviews: ReviewStore,
        products: Products,
        engine: PolicyEngine,
        bell: DecisionBell,
    ) -> None:
        self._casework = casework
        self._reviews = reviews
        self._products = products
        self._engine = engine
        self._bell = bell

    @activity.defn(name="record")
    async def record(self, step: Step) -> Progress:
        """Makes the decision, or ends a case nobody answered in time."""
        with reported_to_temporal():
            case = await self._casework.load(step.case.application)
            if case.status.closed:
                return Progress(outcome=case.decided, closed=case.decided is None)
            return await self.record_case(case, step)

    async def record_case(self, case: Case, step: Step) -> Progress:
        assert case.verdict is not None
        run = StepRun(step="record", lane=step.lane)
        if not case.verdict.needs_a_person:
            return await self._record(case, case.verdict, None, step, run)
        answer = await self._reviews.answer_of(case)
        if answer is None:
            await self._casework.expire(case, "no reviewer answered in time", step.now, run)
            self._bell.ring(case.application)
            return Progress(closed=True)
        return await self._record(case, self._settled(case, case.verdict, answer, step), answer, step, run)

    async def _record(
        self, case: Case, verdict: Verdict, answer: PersonsAnswer | None, step: Step, run: StepRun
    ) -> Progress:
        outcome = await self._casework.record(case, verdict, answer, step.now, run)
        self._bell.ring(case.application)
        return Progress(outcome=outcome, closed=outcome is None)

    def _settled(self, case: Case, proposal: Verdict, answer: PersonsAnswer, step: Step) -> Verdict:
        product = self._products.get(case.product)
        facts = evaluate = None
        if case.score is not None:
            facts = facts_to_decide(case, product, step.now)
            evaluate = partial(self._engine.evaluate, product, self._engine.pin(product), Stage.DECIDE)
        return settled(product, proposal, case.score, answer, asked_for(case), step.now, facts, evaluate)
