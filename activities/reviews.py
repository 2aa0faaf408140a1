"""The run's side of a review: open the task, look at it, let its deadlines act."""

from temporalio import activity

from activities.failures import reported_to_temporal
from activities.messages import ReviewState, Step
from plimsoll.domain.underwriting.case import Case
from plimsoll.domain.underwriting.review import TaskState, TaskView
from plimsoll.ports import CaseworkStore, DecisionBell, Products, ReviewStore


class Reviews:
    def __init__(self, casework: CaseworkStore, reviews: ReviewStore, products: Products, bell: DecisionBell) -> None:
        self._casework = casework
        self._reviews = reviews
        self._products = products
        self._bell = bell

    @activity.defn(name="open_review")
    async def open(self, step: Step) -> ReviewState:
        """A task in the product's queue, with its frozen reasons and deadlines."""
        with reported_to_temporal():
            case = await self._casework.load(step.case.application)
            if case.status.closed or case.verdict is None:
                return self._over(case, step)
            terms = self._products.get(case.product).review
            why = case.verdict.why_a_person
            priority = case.body.get("priority", "normal")
            view = await self._reviews.open(case, terms, why, priority, step.now)
            self._bell.ring(case.application)
            return _state(view)

    @activity.defn(name="look_at_review")
    async def look(self, step: Step) -> ReviewState:
        """What became of it; a deadline that has passed acts first (escalate, expire)."""
        with reported_to_temporal():
            case = await self._casework.load(step.case.application)
            if case.status.closed:
                return self._over(case, step)
            return _state(await self._reviews.deadline_passed(case, step.now))

    def _over(self, case: Case, step: Step) -> ReviewState:
        return ReviewState(answered=False, over=True, next_deadline=step.now)


def _state(view: TaskView) -> ReviewState:
    answered = view.state is TaskState.ANSWERED
    return ReviewState(
        answered=answered, over=not answered and not view.state.waiting, next_deadline=view.next_deadline()
    )
