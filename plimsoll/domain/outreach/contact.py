"""A contact: one message or call to one person, and what one may know of it."""

from datetime import date, datetime
from enum import StrEnum

from plimsoll.domain.errors import NeedsAPerson, NotSignedIn, Unavailable
from plimsoll.domain.values import Value


class Channel(StrEnum):
    """A way to reach a person. Each has consent, hours and caps of its own."""

    SMS = "sms"
    EMAIL = "email"
    VOICE = "voice"  # a call: by a collector, or one that reads its text out
    PUSH = "push"  # the lender's own app

    @property
    def written(self) -> bool:
        return self is not Channel.VOICE


class ContactState(StrEnum):
    """Where a contact stands. A gateway's word only moves it forward, in whatever order it is heard."""

    PERMITTED = "permitted"  # the governor let it pass; nothing left this house
    REFUSED = "refused"  # a named rule stands against it, for now or for good
    SENDING = "sending"  # a call to the gateway may be under way
    UNKNOWN = "unknown"  # sent or not, nobody can tell: a person finds out
    SENT = "sent"  # the gateway took it
    DELIVERED = "delivered"  # it arrived; of a call: somebody answered
    BOUNCED = "bounced"  # it came back; of a call: nobody answered
    FAILED = "failed"  # the gateway will not have it (no such number)

    @property
    def rank(self) -> int:
        """A later word counts only when it ranks higher."""
        return RANKS[self]


RANKS = {
    ContactState.PERMITTED: 0,
    ContactState.REFUSED: 0,
    ContactState.SENDING: 1,
    ContactState.UNKNOWN: 1,
    ContactState.SENT: 2,
    ContactState.DELIVERED: 3,
    ContactState.BOUNCED: 4,
    ContactState.FAILED: 4,
}
# What may have reached the person, so that caps count it.
LEFT_THE_HOUSE = tuple(state for state, rank in RANKS.items() if rank >= 1 and state is not ContactState.FAILED)


class Contact(Value):
    """One contact as those see it who decide what comes next; nothing personal."""

    id: str
    person: str
    intervention: str | None
    step: int | None
    channel: Channel
    template: str | None
    template_version: int | None
    state: ContactState
    rule: str | None = None  # of the governor, or the gateway's code
    again_at: datetime | None = None
    instead: Channel | None = None
    attempts: int = 0
    sending_at: datetime | None = None
    due_on: date | None = None


class Outgoing(Value):
    """A message as a gateway gets it. Personal: it lives in the memory of one activity and nowhere else."""

    contact: str  # the idempotency key
    channel: Channel
    to: str
    subject: str | None  # of an e-mail; the title of a push
    text: str
    language: str
    began_at: datetime


class Receipt(Value):
    """What a gateway says of a message."""

    state: ContactState
    reference: str = ""  # the gateway's own id of it
    code: str = ""  # why, when it bounced or failed


class GatewayEvent(Value):
    """What a gateway tells by itself: how a message fared, or what somebody answered."""

    id: str  # the gateway's own: the same event again is the same id
    contact: str | None = None  # our key, where the gateway gives it back
    reference: str | None = None  # its own id of the message
    receipt: ContactState | None = None
    code: str = ""
    sender: str | None = None  # of an answer
    text: str | None = None


class Heard(StrEnum):
    """What an event came to."""

    NEW = "new"
    REPEATED = "repeated"
    NOBODY = "nobody"  # it speaks of no contact or person of ours


class Begun(Value):
    """After the governor's last look: the contact, and the message if this very call may hand it over."""

    contact: Contact
    gateway: str | None = None
    outgoing: Outgoing | None = None


class CallbackForged(NotSignedIn):
    """It carries no signature of this gateway, or an old one."""

    code = "callback_forged"


class GatewayUnavailable(Unavailable):
    """`details["kind"]`: timeout, refused, server_error, busy, garbage; `details["sent"]`: it may have arrived."""

    code = "gateway_unavailable"


class GatewayRefused(NeedsAPerson):
    """The gateway will not carry this message, today or tomorrow. `details["reason"]` is its code."""

    code = "gateway_refused"
