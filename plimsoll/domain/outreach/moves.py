"""What comes next in an episode: a pure function of where it stands, what is known by now, and the moment.

Whoever holds the row applies the move and asks again, until the answer is to reach out or to wait.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from plimsoll.domain.outreach.contact import ContactState
from plimsoll.domain.outreach.episode import Ending, EpisodeState
from plimsoll.domain.outreach.strategy import By, Step, StrategyTable, Tool
from plimsoll.domain.values import RiskLevel, Value

SOON = timedelta(minutes=1)  # a rule that lifts now is asked about again no sooner
# Stands at a message's step when the customer's level rose during it: what is still to be done is done at once.
LEVEL_ROSE = "level_rose"
UNTAKEN = "nobody_took_the_task"
AT_THE_GATEWAY = (ContactState.SENDING, ContactState.UNKNOWN)


class StepState(StrEnum):
    DUE = "due"  # to be taken, at `not_before` at the earliest
    OUT = "out"  # sent, or in the collectors' queue: somebody else's turn
    OVER = "over"


class Reply(StrEnum):
    """What a customer's message says, as far as a machine may read it."""

    STOP = "stop"
    HELP = "help"
    FINE = "fine"  # paid, or will be
    OTHER = "other"  # a person reads it


class Answer(StrEnum):
    """What a collector reports of a call."""

    PROMISE = "promise"  # with amount and date
    TOOL = "tool"  # a hardship tool was agreed
    PAID = "paid_already"
    FINE = "no_help_needed"
    REFUSED = "refused"  # wants no help
    NO_ANSWER = "no_answer"
    WRONG_NUMBER = "wrong_number"
    CALL_BACK = "call_back"  # at a moment the customer named
    STOP = "no_more_contact"
    DISPUTED = "disputed"
    BEREAVED = "bereaved"
    VULNERABLE = "vulnerable"
    ON_WITH_THE_PLAN = "on_with_the_plan"  # a person looked, and the plan goes on


ENDS = {
    Answer.PAID: Ending.PAID,
    Answer.FINE: Ending.ANSWERED,
    Answer.REFUSED: Ending.REFUSED,
    Answer.STOP: Ending.OPTED_OUT,
    Answer.DISPUTED: Ending.DISPUTED,
    Answer.BEREAVED: Ending.BEREAVED,
    Answer.VULNERABLE: Ending.VULNERABLE,
}
# Of a customer's profile: automatic contact stops, whatever step is due.
STOPPED_BY = {
    "bereaved": Ending.BEREAVED,
    "disputed": Ending.DISPUTED,
    "vulnerable": Ending.VULNERABLE,
    "lawyer": Ending.DISPUTED,
    "bankrupt": Ending.DISPUTED,
    "complaint": Ending.DISPUTED,
}


class Taken(Value):
    """The step an episode is at."""

    number: int
    step: Step
    state: StepState = StepState.DUE
    tries: int = 0
    rule: str | None = None
    not_before: datetime | None = None
    began_at: datetime | None = None
    until: datetime | None = None  # an answer is waited for so long


class Commitment(Value):
    """What a customer agreed to. A tool without payments has nothing to be kept."""

    tool: Tool | None = None  # None: a plain promise to pay
    amount: Decimal | None = None
    currency: str | None = None
    due_on: date
    payments: int = 1

    @property
    def is_kept_by_paying(self) -> bool:
        return self.tool in (None, Tool.PAYMENT_PLAN)


class Episode(Value):
    """As its row says."""

    id: str
    person: str
    product: str
    state: EpisodeState
    ending: Ending | None
    level: RiskLevel
    strategy: str
    plan: tuple[Step, ...]
    at: Taken | None
    treats: bool  # False: held out, and nobody asked for help
    asked_for_help: bool
    opened_at: datetime
    commitment: Commitment | None = None
    kept_until: datetime | None = None  # a promise is judged then
    measured: tuple[int, ...] = ()

    def once_out(self, move: "IsOut") -> "Episode":
        """The same, when the message of its step has left."""
        assert self.at is not None
        at = self.at.model_copy(update={"state": StepState.OUT, "until": move.until, "rule": None})
        return self.model_copy(update={"at": at})


class ContactFact(Value):
    """The message of the present step."""

    state: ContactState
    rule: str | None = None
    again_at: datetime | None = None


class TaskFact(Value):
    """The collectors' task of the present step."""

    answered: Answer | None = None
    call_back_at: datetime | None = None
    commitment: Commitment | None = None
    escalated: bool = False
    due_at: datetime
    deadline: datetime


class Known(Value):
    """Everything outside the episode that may change its course."""

    flags: tuple[str, ...] = ()
    opted_out: bool = False  # of every way there is to reach them
    paid: bool = False  # what was due
    kept: bool = False  # what was promised
    broken: int = 0  # promises of this episode that were not kept
    reply: Reply | None = None  # the oldest one that nobody has acted on
    contact: ContactFact | None = None
    task: TaskFact | None = None
    asked: bool = False  # the governor was asked a moment ago: what it says holds now


# Moves ------------------------------------------------------------------------------------------


class Move(Value):
    """One of the classes below."""


class Reach(Move):
    """Ask the governor for the message of this step, and send it."""


class Call(Move):
    """Put the step into the collectors' queue."""


class IsOut(Move):
    """The message left: an answer is waited for until then."""

    until: datetime


class Reschedule(Move):
    """A rule stands against it now and not for long."""

    rule: str
    at: datetime
    tried: bool = False


class NextStep(Move):
    """This step is over; `result` says how it went, `rule` what barred it."""

    result: str
    rule: str | None = None


class ToAPerson(Move):
    """A step beside the plan: for a person of the collectors' queue."""

    step: Step
    why: str


class Escalate(Move):
    """Nobody took the task in time."""


class Heard(Move):
    """The customer wrote while a person is about to call: the task says so from now on."""

    reply: Reply


class GoOnWaiting(Move):
    """The plan is through, and a promise still stands."""


class Promise(Move):
    commitment: Commitment
    until: datetime


class Broken(Move):
    """The promise was not kept."""


class Close(Move):
    """Nothing more is done."""

    ending: Ending
    result: str


class Measure(Move):
    """How it went so many days after opening."""

    day: int


class End(Move):
    """All outcomes are known."""


class Wait(Move):
    until: datetime
    on: str


def next_move(episode: Episode, known: Known, table: StrategyTable, now: datetime) -> Move | None:
    """None when the episode has ended."""
    if episode.state is EpisodeState.ENDED:
        return None
    ripe = _next_outcome(episode, table)
    if ripe is not None and now >= ripe.until:
        return Measure(day=ripe.day)
    move = _what_is_done(episode, known, table, now)
    if isinstance(move, Wait) and ripe is not None:
        return move.model_copy(update={"until": min(move.until, ripe.until)})
    return move


class Ripe(Value):
    day: int
    until: datetime


def _next_outcome(episode: Episode, table: StrategyTable) -> Ripe | None:
    """Looked at on its day, whether or not anything is still being done."""
    days = [day for day in table.outcome_days if day not in episode.measured]
    return Ripe(day=days[0], until=episode.opened_at + timedelta(days=days[0])) if days else None


def _what_is_done(episode: Episode, known: Known, table: StrategyTable, now: datetime) -> Move:
    if episode.state.open:
        stopped = _stopped(episode, known)
        if stopped:
            return stopped
        if known.reply is not None:
            return _replied(episode, known.reply, table)
    if episode.state is EpisodeState.TREATING:
        return _treat(episode, known, table, now)
    if episode.state is EpisodeState.PROMISED:
        return _hold_to_promise(episode, known, table, now)
    ripe = _next_outcome(episode, table)
    return Wait(until=ripe.until, on="outcome") if ripe else End()


def _stopped(episode: Episode, known: Known) -> Close | None:
    """The customer paid, opted out, disputes, is bereaved or vulnerable: whatever step is under way."""
    for flag, ending in STOPPED_BY.items():
        if flag in known.flags:
            return Close(ending=ending, result=f"flag:{flag}")
    if known.opted_out:
        return Close(ending=Ending.OPTED_OUT, result="opted_out")
    if episode.commitment is None and known.paid:
        return Close(ending=Ending.PAID, result="paid")
    return None


def _replied(episode: Episode, reply: Reply, table: StrategyTable) -> Move:
    """Whatever step the customer answers to, and however late."""
    if reply is Reply.STOP:
        return Close(ending=Ending.OPTED_OUT, result="reply:stop")
    if reply is Reply.FINE and episode.commitment is None:
        return Close(ending=Ending.ANSWERED, result="reply:fine")
    at = episode.at
    if reply is Reply.FINE or (at is not None and at.step.by is By.CALL and at.state is StepState.OUT):
        return Heard(reply=reply)
    return ToAPerson(step=table.cannot_be_reached.model_copy(update=TO_READ), why=f"reply:{reply}")


TO_READ = {"template": "call-answer-a-reply", "priority": 2, "answer_within_hours": 8}


# Treating -----------------------------------------------------------------------------------------


def _treat(episode: Episode, known: Known, table: StrategyTable, now: datetime) -> Move:
    at = episode.at
    if at is None and episode.commitment is not None:
        return GoOnWaiting()
    if at is None:
        return Close(ending=Ending.NOBODY_REACHED, result="plan_over")
    if at.state is StepState.OVER:
        return NextStep(result="over")
    if at.step.by is By.CALL:
        return _called(episode, at, known, table, now)
    return _messaged(episode, at, known, table, now)


def _messaged(episode: Episode, at: Taken, known: Known, table: StrategyTable, now: datetime) -> Move:
    contact = known.contact
    if at.rule == LEVEL_ROSE and (contact is None or contact.state not in AT_THE_GATEWAY):
        return NextStep(result=LEVEL_ROSE)
    if at.state is StepState.OUT:
        return _waits_for_an_answer(at, contact, now)
    if contact is None or contact.state in (ContactState.PERMITTED, ContactState.SENDING):
        return _not_yet(at, now) or Reach()
    if contact.state is ContactState.REFUSED:
        return _refused(episode, at, contact, known, table, now)
    if contact.state in (ContactState.BOUNCED, ContactState.FAILED):
        return NextStep(result=contact.state, rule=contact.rule)
    if contact.state is ContactState.UNKNOWN:
        return ToAPerson(step=table.cannot_be_reached, why="sent_or_not_is_unknown")
    return IsOut(until=now + at.step.wait)


def _not_yet(at: Taken, now: datetime) -> Wait | None:
    if at.not_before is not None and now < at.not_before:
        return Wait(until=at.not_before, on="hours_and_caps")
    return None


def _refused(
    episode: Episode, at: Taken, contact: ContactFact, known: Known, table: StrategyTable, now: datetime
) -> Move:
    """Later, if the rule lifts before this step's patience ends; otherwise the next step, and at the end a person."""
    if not known.asked:
        return _not_yet(at, now) or Reach()  # what was refused then is asked anew
    rule = contact.rule or "refused"
    if contact.again_at is not None and contact.again_at <= (at.began_at or now) + at.step.wait:
        return Reschedule(rule=rule, at=max(contact.again_at, now + SOON))
    if _is_last(episode):
        return ToAPerson(step=table.cannot_be_reached, why=rule)
    return NextStep(result="barred", rule=rule)


def _is_last(episode: Episode) -> bool:
    return episode.at is not None and episode.at.number + 1 >= len(episode.plan)


def _waits_for_an_answer(at: Taken, contact: ContactFact | None, now: datetime) -> Move:
    if contact is not None and contact.state in (ContactState.BOUNCED, ContactState.FAILED):
        return NextStep(result=contact.state, rule=contact.rule)
    assert at.until is not None
    if now >= at.until:
        return NextStep(result="silence")
    delivered = contact is not None and contact.state is ContactState.DELIVERED
    return Wait(until=at.until, on="reply" if delivered else "delivery")


def _called(episode: Episode, at: Taken, known: Known, table: StrategyTable, now: datetime) -> Move:
    task = known.task
    if task is None:
        return _not_yet(at, now) or Call()
    if task.answered is not None:
        return _answered(at, task, table, now)
    if now >= task.deadline:
        if _is_last(episode) and episode.commitment is None and not at.tries:
            return Close(ending=Ending.NOBODY_CALLED, result=UNTAKEN)  # not the customer's silence: ours
        return NextStep(result=UNTAKEN)
    if now >= task.due_at and not task.escalated:
        return Escalate()
    return Wait(until=task.deadline if task.escalated else min(task.due_at, task.deadline), on="collector")


def _answered(at: Taken, task: TaskFact, table: StrategyTable, now: datetime) -> Move:
    answer = task.answered
    assert answer is not None
    if answer in ENDS:
        return Close(ending=ENDS[answer], result=answer)
    if answer in (Answer.PROMISE, Answer.TOOL):
        assert task.commitment is not None
        return _agreed(task.commitment, table)
    if answer is Answer.CALL_BACK and task.call_back_at is not None:
        return Reschedule(rule="call_back", at=max(task.call_back_at, now + SOON), tried=True)
    if answer is Answer.NO_ANSWER and at.tries + 1 < at.step.tries:
        return Reschedule(rule="no_answer", at=now + timedelta(hours=at.step.try_again_hours), tried=True)
    return NextStep(result=answer)


def _agreed(commitment: Commitment, table: StrategyTable) -> Move:
    if not commitment.is_kept_by_paying:
        return Close(ending=Ending.HELPED, result=commitment.tool or "tool")
    return Promise(commitment=commitment, until=judged_at(commitment, table))


def judged_at(commitment: Commitment, table: StrategyTable) -> datetime:
    """The end of the last day of grace, by the clock of the world."""

    last = commitment.due_on + timedelta(days=table.promise_grace_days + 1)
    return datetime(last.year, last.month, last.day, tzinfo=UTC)


# Promised -----------------------------------------------------------------------------------------


def _hold_to_promise(episode: Episode, known: Known, table: StrategyTable, now: datetime) -> Move:
    assert episode.kept_until is not None
    if known.kept:
        return Close(ending=Ending.KEPT, result="kept")
    if now >= episode.kept_until:
        if known.broken + 1 >= table.promises_at_most:
            return Close(ending=Ending.BROKEN, result="promise_broken")
        return Broken()
    return Wait(until=episode.kept_until, on="promise")
