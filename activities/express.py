"""The express lane: all steps of a case back to back, in one local activity.

It never raises for a business reason: whatever stands in the way is returned as progress, and
the run takes the long way, where the steps done here answer from their rows.
"""

import asyncio

from temporalio import activity

from activities.decisions import Decisions
from activities.evidence import Evidence
from activities.failures import reported_to_temporal
from activities.messages import Progress, Step
from activities.policy import Policy
from activities.scoring import Scoring
from plimsoll.domain.errors import PlimsollError
from plimsoll.ports import CaseworkStore, Products

# Less than the workflow's patience with this activity, so that the answer is ours to give.
SECONDS = 3.0


class Express:
    def __init__(
        self,
        casework: CaseworkStore,
        products: Products,
        policy: Policy,
        evidence: Evidence,
        scoring: Scoring,
        decisions: Decisions,
    ) -> None:
        self._casework = casework
        self._products = products
        self._policy = policy
        self._evidence = evidence
        self._scoring = scoring
        self._decisions = decisions

    @activity.defn(name="decide_at_once")
    async def decide_at_once(self, step: Step) -> Progress:
        with reported_to_temporal():
            try:
                async with asyncio.timeout(SECONDS):
                    return await self._decide(step)
            except PlimsollError as error:
                return Progress(blocked_by=error.code)
            except TimeoutError:
                return Progress(blocked_by="too_slow")

    async def _decide(self, step: Step) -> Progress:
        case = await self._casework.load(step.case.application)
        if case.status.closed:
            return Progress(outcome=case.decided, closed=case.decided is None)
        product = self._products.get(case.product)
        case = await self._policy.screen_case(case, product, step)
        if case.verdict is None:
            case = await self._evidence.pull_all(case, product, step)
            case = await self._scoring.score_case(case, product, step)
            case = await self._policy.decide_case(case, product, step)
        assert case.verdict is not None
        if case.verdict.needs_a_person:
            return Progress(referred=True)
        return await self._decisions.record_case(case, step)
