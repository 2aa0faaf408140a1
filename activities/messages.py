"""What crosses between workflows and activities: ids, codes, deadlines. No personal data, ever."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from plimsoll.domain.outreach.contact import Channel, ContactState
from plimsoll.domain.underwriting.product import Lane
from plimsoll.domain.values import Outcome


class Message(BaseModel):
    model_config = ConfigDict(frozen=True)  # fields may be added later; old histories still read


class CaseRef(Message):
    """Which case, and how it may be run."""

    application: str
    round: int
    product: str
    lane: Lane


class Step(Message):
    """One step of one case. `now` is the workflow's clock: steps never look at the machine's for a rule."""

    case: CaseRef
    now: datetime
    lane: Lane = Lane.STEPWISE


class SourcePlan(Message):
    """A source to pull: how long one call may take, and the moment patience with it is over."""

    name: str
    timeout: float
    deadline: datetime


class Pull(Step):
    source: SourcePlan


class Progress(Message):
    """How far a case has come. Exactly one thing is next: it is settled, referred, or goes on."""

    outcome: Outcome | None = None  # decided
    closed: bool = False  # ended without a decision: withdrawn, expired
    knocked_out: bool = False  # a rule of the screen settled the verdict: nothing is pulled
    referred: bool = False  # a person is asked
    blocked_by: str | None = None  # code of what stood in the way of the express lane
    to_pull: tuple[SourcePlan, ...] = ()

    @property
    def settled(self) -> bool:
        return self.outcome is not None or self.closed


class ReviewState(Message):
    """What a run waits for while a person decides."""

    answered: bool
    over: bool  # expired, or the case ended otherwise
    next_deadline: datetime

    def model_post_init(self, context: Any) -> None:
        assert not (self.answered and self.over)


class Ending(Message):
    """The result of a run: what became of the case."""

    application: str
    outcome: Outcome | None
    closed: bool


# Reaching a customer ----------------------------------------------------------------------------


class SendStep(Message):
    """One step of an intervention wants to reach its person. `now` is the workflow's clock."""

    intervention: str
    person: str
    step: int  # its place in the plan; at most one contact each
    channel: Channel
    template: str  # a name; the newest approved version is pinned when the step is permitted
    now: datetime
    due_on: date | None = None  # the day a message may name


class Permitted(Message):
    """What the governor said. Refused, exactly one follows: another time (`again_at`), another channel (`instead`),
    or neither, and the step is over for the run: the next step, or a person."""

    contact: str | None = None
    rule: str | None = None
    again_at: datetime | None = None
    instead: Channel | None = None

    @property
    def granted(self) -> bool:
        return self.rule is None


class ContactRef(Message):
    contact: str
    now: datetime


class Sent(Message):
    """Where a contact stands after a step. `refused` carries rule and moment, like Permitted: after `again_at` the same
    contact is sent again with the same id. `unknown` waits for a person."""

    state: ContactState
    rule: str | None = None
    again_at: datetime | None = None
    instead: Channel | None = None
