"""A release, one look at a time: read both arms, hold them against the gates, do what follows."""

from datetime import datetime

from temporalio import activity

from activities.failures import reported_to_temporal
from activities.messages import Message
from plimsoll.domain.models.gates import Arm, Measure, read_gate
from plimsoll.domain.models.rollout import RolloutState, RolloutView, judge
from plimsoll.ports import ArmReader, RolloutStore

# What a shadow can be held to: it decides nobody, so it has neither reasons on record nor outcomes.
SHADOW_MEASURES = (Measure.LATENCY, Measure.ERRORS, Measure.PREDICTION_SHIFT)


class RolloutRef(Message):
    rollout: str
    product: str


class Look(Message):
    """One look at one roll-out, by the workflow's clock."""

    rollout: str
    now: datetime


class Seen(Message):
    """Where it stands after a look. Exactly one thing is next: it is over, or it is looked at again."""

    state: RolloutState
    phase: str
    over: bool
    next_look: datetime


class Releases:
    def __init__(self, rollouts: RolloutStore, arms: ArmReader) -> None:
        self._rollouts = rollouts
        self._arms = arms

    @activity.defn(name="look_at_rollout")
    async def look(self, look: Look) -> Seen:
        """Evaluates the gates of the present phase; a phase that is over advances, a breach goes back."""
        with reported_to_temporal():
            view = await self._rollouts.view(look.rollout)
            if not view.ended and view.state is not RolloutState.PROMOTED:
                view = await self._evaluate(view, look.now)
            if view.state is RolloutState.PROMOTED and look.now >= view.look_again(look.now):
                view = await self._rollouts.let_go(look.rollout, look.now)
            return _seen(view, look.now)

    async def _evaluate(self, view: RolloutView, now: datetime) -> RolloutView:
        new, old = await self._arms_of(view, now)
        measures = SHADOW_MEASURES if view.in_shadow else tuple(Measure)
        readings = [read_gate(gate, new, old) for gate in view.plan.gates if gate.measure in measures]
        judgement = judge(view.plan, view.now_in, readings, view.since, now)
        return await self._rollouts.apply(view.rollout, view.phase, judgement, readings, now)

    async def _arms_of(self, view: RolloutView, now: datetime) -> tuple[Arm, Arm]:
        product, since = view.product, view.since
        old = await self._arms.live(product, view.old_digest, since, now)
        if view.in_shadow:
            return await self._arms.shadow(product, view.new_digest, since, now), old
        return await self._arms.live(product, view.new_digest, since, now), old


def _seen(view: RolloutView, now: datetime) -> Seen:
    return Seen(
        state=view.state,
        phase=view.now_in.name,
        over=view.ended,
        next_look=view.look_again(now),
    )
