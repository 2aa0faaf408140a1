"""One customer's episode: what opens it, where it stands, how it ends."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from plimsoll.domain.values import RiskLevel, Value


class TriggerSource(StrEnum):
    LIVE = "live"  # an event of the stream
    SWEEP = "sweep"  # the scheduled look at the whole portfolio
    PERSON = "person"  # somebody of the staff, or the customer asked


class Factor(Value):
    """One reason of a level, with the value it was read from, in words staff may say."""

    feature: str
    value: str
    words: str = ""


class Trigger(Value):
    """A customer's risk calls for a look. The same `key` again is the same trigger."""

    person: str
    product: str
    level: RiskLevel
    probability: float | None = Field(default=None, ge=0, le=1)  # None: a person asked, no model did
    factors: tuple[Factor, ...] = ()
    at: datetime  # what is known, was known then
    source: TriggerSource
    model: str = ""  # name@version
    key: str = ""  # of the event or sweep it came from; empty: each is its own
    asked_for_help: bool = False  # the customer did: never held back


class Refusal(StrEnum):
    """Why a trigger opens nothing. Each is the name of a rule, and on record."""

    NOTHING_TO_DO = "level_calls_for_nothing"
    HELD_OUT = "held_out"  # followed like the others, and left alone
    HELPED_LATELY = "helped_lately"
    FLAGGED = "flagged"  # bereaved, in dispute, vulnerable…: a person's business
    ERASED = "person_erased"
    UNKNOWN = "person_unknown"


class Triggered(Value):
    """What became of a trigger: an episode opened, an open one updated, or nothing, by a named rule."""

    intervention: str | None
    opened: bool = False
    refused_by: Refusal | None = None


class EpisodeState(StrEnum):
    TREATING = "treating"  # the steps of its plan are taken one by one
    PROMISED = "promised"  # the customer agreed to something; will it be kept?
    WATCHING = "watching"  # nothing more is done; how it goes after 30, 60, 90 days
    ENDED = "ended"

    @property
    def open(self) -> bool:
        """Whether something may still be done; a new trigger then updates this episode."""
        return self in (EpisodeState.TREATING, EpisodeState.PROMISED)


class Ending(StrEnum):
    """Why nothing more is done."""

    PAID = "paid"
    ANSWERED = "answered"  # the customer said all is well
    KEPT = "kept"  # a promise or plan
    BROKEN = "promise_broken"  # more than once
    HELPED = "helped"  # a hardship tool was agreed and needs no payment to be waited for
    REFUSED = "refused"  # the customer wants no help
    OPTED_OUT = "opted_out"
    DISPUTED = "disputed"
    BEREAVED = "bereaved"
    VULNERABLE = "vulnerable"
    NOBODY_REACHED = "nobody_reached"  # every step was taken or barred
    NOBODY_CALLED = "nobody_called"  # the last step was a call, and none of us made it
    CANCELLED = "cancelled"  # by a person
    ERASED = "erased"  # nobody is there any more
    HELD_OUT = "held_out"  # nothing was done at all
