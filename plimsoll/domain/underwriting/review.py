"""Human review: who may say what on a referred case."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from plimsoll.domain.access import Actor, Role
from plimsoll.domain.errors import FieldsInvalid, NotAllowed
from plimsoll.domain.underwriting.product import ReviewTerms
from plimsoll.domain.values import Outcome, Value


class TaskState(StrEnum):
    OPEN = "open"
    CLAIMED = "claimed"
    SECOND = "second"  # one person approved, a second pair of eyes is owed
    ANSWERED = "answered"
    EXPIRED = "expired"
    CLOSED = "closed"  # the application ended otherwise

    @property
    def waiting(self) -> bool:
        return self in (TaskState.OPEN, TaskState.CLAIMED, TaskState.SECOND)


class Answer(Value):
    """What a reviewer says. `version` is the task's, as the reviewer saw it."""

    version: int = Field(ge=1)
    outcome: Outcome
    reason: str = Field(min_length=1, max_length=60)
    note: str = Field(default="", max_length=4000)
    amount: Decimal | None = Field(default=None, gt=0, max_digits=14, decimal_places=2)
    term_months: int | None = Field(default=None, gt=0, le=480)


class TaskView(Value):
    """A task as the run sees it: what it waits for, until when."""

    id: str
    state: TaskState
    due_at: datetime
    deadline: datetime
    escalated: bool

    def next_deadline(self) -> datetime:
        return self.deadline if self.escalated else min(self.due_at, self.deadline)


def check_answer(terms: ReviewTerms, answer: Answer, actor: Actor, amount: Decimal) -> None:
    """Raises FieldsInvalid for what no reviewer may say, NotAllowed for what this one may not."""
    problems = []
    if answer.outcome is Outcome.REFER:
        problems.append({"field": "outcome", "problem": "a person settles the case: approve, decline or counter_offer"})
    if answer.reason not in terms.reasons:
        problems.append({"field": "reason", "problem": f"is not a listed code: choose {', '.join(terms.reasons)}"})
    if answer.outcome is Outcome.COUNTER_OFFER and answer.amount is None:
        problems.append({"field": "amount", "problem": "a counter-offer names the amount offered"})
    if answer.outcome is Outcome.COUNTER_OFFER and answer.amount and answer.amount > amount:
        problems.append({"field": "amount", "problem": f"is above the {amount} asked for"})
    if problems:
        raise FieldsInvalid("This verdict cannot be taken: see `fields`.", fields=problems)
    granted = answer.amount if answer.outcome is Outcome.COUNTER_OFFER else amount
    if answer.outcome is not Outcome.DECLINE and granted is not None:
        _check_authority(terms, actor, granted)


def _check_authority(terms: ReviewTerms, actor: Actor, amount: Decimal) -> None:
    limits = [terms.authority[role] for role in actor.roles if role in terms.authority]
    if terms.authority and (not limits or max(limits) < amount):
        limit = f"up to {max(limits):,}" if limits else "nothing"
        whom = Role.SENIOR_REVIEWER.replace("_", " ")
        raise NotAllowed(f"{actor.name} may approve {limit}; this is {amount:,}: ask a {whom}.")


def needs_second_pair(terms: ReviewTerms, outcome: Outcome, amount: Decimal) -> bool:
    """Four eyes are owed for saying yes above the product's limit."""
    limit = terms.four_eyes_above
    return limit is not None and amount > limit and outcome is not Outcome.DECLINE


def settled_outcome(first: Outcome, second: Outcome | None) -> Outcome:
    """Two people who disagree: the more severe word stands, so a yes always had two."""
    return first if second is None else max(first, second, key=lambda outcome: outcome.severity)
