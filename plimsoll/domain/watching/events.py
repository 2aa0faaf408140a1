"""What happens on a customer's accounts, one event at a time, as a lender tells it.

An event happened once and was known once; the two may lie weeks apart, and nothing reads it
before it was known. Lines are read strictly: what is wrong with one is said in one sentence.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, Field, ValidationError, model_validator

from plimsoll.domain.errors import FieldsInvalid
from plimsoll.domain.values import Value
from plimsoll.domain.watching.currencies import CURRENCIES

# How far a sender's clock may run before ours; a day without an hour may be tomorrow's further east.
LEEWAY, LEEWAY_OF_A_DAY = timedelta(minutes=5), timedelta(days=1)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
MID_MONTH = 15
LARGEST = Decimal(10) ** 11  # beyond it a binary fraction would lose the last of four decimals
DECIMALS = 4
QUOTED = 40


class Coded(StrEnum):
    """A closed set whose members are kept as small numbers. New members go last, and none ever leaves."""

    @property
    def code(self) -> int:
        """1 and up; 0 is kept for "not said"."""
        return _CODES[type(self)][self]


class Kind(Coded):
    TRANSACTION = "transaction"
    STATEMENT = "statement"  # a bill, with its limit and its due date
    STATUS = "status"  # how late an account was in a month
    PAYMENT_DUE = "payment_due"
    REPAYMENT = "repayment"
    ACCOUNT_OPENED = "account_opened"


class DatePrecision(Coded):
    """How exactly it is known when something happened."""

    INSTANT = "instant"
    DAY = "day"
    MONTH = "month"


class Direction(Coded):
    DEBIT = "debit"  # money leaves the customer
    CREDIT = "credit"


class Category(Coded):
    SALARY = "salary"
    BENEFITS = "benefits"
    RENT = "rent"
    UTILITIES = "utilities"
    TELECOM = "telecom"
    INSURANCE = "insurance"
    GROCERIES = "groceries"
    CASH = "cash"
    TRANSFER = "transfer"
    SAVINGS = "savings"
    LENDING_APP = "lending_app"
    LOAN_PAYMENT = "loan_payment"
    CARD_PAYMENT = "card_payment"
    FEE = "fee"
    PENALTY_INTEREST = "penalty_interest"
    GAMBLING = "gambling"
    HEALTH = "health"
    UNION = "union"
    RELIGION = "religion"
    OTHER = "other"


class Channel(Coded):
    CARD = "card"
    TRANSFER = "transfer"
    DIRECT_DEBIT = "direct_debit"
    STANDING_ORDER = "standing_order"
    CASH = "cash"
    ATM = "atm"
    CHEQUE = "cheque"
    WALLET = "wallet"
    ONLINE = "online"
    BRANCH = "branch"
    OTHER = "other"


_CODES: dict[type[Coded], dict[Any, int]] = {
    words: {word: place for place, word in enumerate(words, start=1)}
    for words in (Kind, DatePrecision, Direction, Category, Channel)
}


def _no_control(text: Any) -> Any:
    if isinstance(text, str) and not text.isprintable():
        raise ValueError("holds a character that cannot be printed")
    return text


def _a_moment(written: Any) -> Any:
    """A number would be read as seconds since 1970."""
    if isinstance(written, str):
        return datetime.fromisoformat(written)
    if isinstance(written, datetime):
        return written
    raise ValueError("no moment")


def _a_day(written: Any) -> Any:
    if isinstance(written, str) and len(written) == len("2026-03-31"):
        return date.fromisoformat(written)
    if isinstance(written, date) and not isinstance(written, datetime):
        return written
    raise ValueError("no day")


def _a_month(written: Any) -> Any:
    """Any day of it stands for the month; its first is kept."""
    if isinstance(written, str):
        day = date.fromisoformat(f"{written}-01" if len(written) == len("2026-03") else written)
        return day.replace(day=1)
    if isinstance(written, date):
        return date(written.year, written.month, 1)
    raise ValueError("no month")


def _no_float(number: Any) -> Any:
    """A binary fraction has lost its digits already; readers of JSON hand on the digits as written."""
    if isinstance(number, float | bool):
        raise ValueError("no money")
    return number


def _a_whole_number(number: Any) -> Any:
    """A table in text writes it in digits; 1.0 and true are none."""
    if isinstance(number, str) and number.removeprefix("-").isdecimal():
        return int(number)
    if isinstance(number, int) and not isinstance(number, bool):
        return number
    raise ValueError("no whole number")


Name = Annotated[str, BeforeValidator(_no_control), Field(min_length=1, max_length=80)]
Moment = Annotated[AwareDatetime, BeforeValidator(_a_moment)]
Signed = Annotated[
    Decimal,
    BeforeValidator(_no_float),
    Field(gt=-LARGEST, lt=LARGEST, decimal_places=DECIMALS, allow_inf_nan=False),
]
Amount = Annotated[Signed, Field(ge=0)]


class Event(Value):
    """One thing that happened on an account. Which fields it may have depends on its kind."""

    transaction_id: Name = Field(description="Yours; what comes under it again is the same event.")
    customer: Name = Field(description="Your own id of the customer.")
    account: Name | None = Field(default=None, description="Your own id of the account, card or loan.")
    kind: Kind = Kind.TRANSACTION
    occurred_at: Moment = Field(description="When it happened: a moment with its offset, a day, or a month.")
    # The default is never seen: `_completed` says what it is when nobody did.
    known_at: Moment = Field(default=EARLIEST, description="When you could know of it first; else `occurred_at`.")
    date_precision: DatePrecision = DatePrecision.INSTANT
    amount: Amount = Field(default=Decimal(0), description="Never negative: `direction` says which way it went.")
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = Field(default=None, description="ISO 4217.")
    direction: Direction | None = None
    category: Category = Category.OTHER
    channel: Channel | None = None
    merchant: Name | None = Field(default=None, description="Kept as a keyed digest alone, to tell two apart.")
    failed: bool = Field(default=False, description="Refused or returned: no money moved.")
    balance_after: Signed | None = None
    bill: Signed | None = Field(default=None, description="What the statement asks for in all.")
    minimum_due: Amount | None = None
    limit: Amount | None = Field(default=None, description="Credit limit of the account.")
    net_new_charges: Signed | None = Field(default=None, description="Bill less last bill plus payments; derived.")
    due_on: Annotated[date, BeforeValidator(_a_day)] | None = None
    period: Annotated[date, BeforeValidator(_a_month)] | None = Field(
        default=None, description="The month spoken of, YYYY-MM."
    )
    months_late: Annotated[int, BeforeValidator(_a_whole_number), Field(ge=-2, le=120)] | None = Field(
        default=None, description="-2 nothing to pay, -1 paid in full, 0 minimum paid, 1 and up months late."
    )
    product: Name | None = Field(default=None, description="Which product the account is, in your words.")
    region: Name | None = Field(default=None, description="Where the customer lives, such as US-CA.")
    zone: Name | None = Field(default=None, description="The customer's time zone, such as Europe/Prague.")

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, given: Any) -> Any:
        return _completed(given) if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "Event":
        problem = _problem_of_kind(self)
        if problem:
            raise ValueError(problem)
        return self


FRAME = frozenset({"transaction_id", "customer", "account", "kind", "occurred_at", "known_at", "date_precision"})
MONEY = frozenset({"amount", "currency", "direction", "category", "channel", "merchant", "failed", "balance_after"})
FIELDS_OF = {
    Kind.TRANSACTION: FRAME | MONEY,
    Kind.STATEMENT: FRAME | {"currency", "bill", "minimum_due", "limit", "net_new_charges", "due_on", "period"},
    Kind.STATUS: FRAME | {"period", "months_late"},
    Kind.PAYMENT_DUE: FRAME | {"amount", "currency", "due_on", "period", "category"},
    Kind.REPAYMENT: FRAME | MONEY | {"due_on", "period"},
    Kind.ACCOUNT_OPENED: FRAME | {"currency", "limit", "product", "region", "zone"},
}
NEEDED_BY = {
    Kind.TRANSACTION: ("amount", "currency", "direction"),
    Kind.STATEMENT: ("bill", "currency"),
    Kind.STATUS: ("period", "months_late"),
    Kind.PAYMENT_DUE: ("amount", "currency", "due_on"),
    Kind.REPAYMENT: ("amount", "currency"),
    Kind.ACCOUNT_OPENED: (),
}


class Feed(StrEnum):
    """What a sender hands in together; both are kept as events."""

    TRANSACTIONS = "transactions"
    REPAYMENTS = "repayments"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Those it may hold; a line that names none is of the first."""
        return tuple(Kind) if self is Feed.TRANSACTIONS else (Kind.REPAYMENT, Kind.PAYMENT_DUE)


def read_event(body: Any, now: datetime, feed: Feed = Feed.TRANSACTIONS) -> Event:
    """The event in this line.

    Raises FieldsInvalid: one sentence that says what, which value, what to do.
    """
    if not isinstance(body, dict):
        raise FieldsInvalid(f"The line is a JSON {type(body).__name__}: an event is an object.")
    try:
        event = Event.model_validate(body if body.get("kind") else {**body, "kind": feed.kinds[0]})
    except ValidationError as error:
        raise FieldsInvalid(f"{_said(error, body)}.") from None
    problem = _problem_of_feed(event, feed) or _problem_of_time(event, now)
    if problem:
        raise FieldsInvalid(f"{problem}.")
    return event


def _problem_of_feed(event: Event, feed: Feed) -> str | None:
    if event.kind in feed.kinds:
        return None
    return f'`kind` is "{event.kind}": {feed} are of kind {" or ".join(feed.kinds)}, all else goes to transactions'


def _problem_of_time(event: Event, now: datetime) -> str | None:
    leeway = LEEWAY if event.date_precision is DatePrecision.INSTANT else LEEWAY_OF_A_DAY
    for name, moment in (("occurred_at", event.occurred_at), ("known_at", event.known_at)):
        if moment > now + leeway:
            return (
                f"`{name}` is {_moment(moment)}, still to come (it is {_moment(now)}): "
                "check the clock or the zone it was written with"
            )
    return None


def _completed(given: dict[str, Any]) -> dict[str, Any]:
    """A day or a month becomes a moment that says how exact it is; what was known when is what happened when."""
    found = {name: value for name, value in given.items() if value is not None}
    written = found.get("occurred_at")
    if isinstance(written, str) and len(written) <= len("2026-03-31"):
        month = len(written) == len("2026-03")
        found["occurred_at"] = _start_of(f"{written}-{MID_MONTH}" if month else written)
        found.setdefault("date_precision", DatePrecision.MONTH if month else DatePrecision.DAY)
    known = found.get("known_at")
    if known is None:
        found["known_at"] = found.get("occurred_at")
    elif isinstance(known, str) and len(known) == len("2026-03-31"):
        the_same_day = isinstance(written, str) and written.startswith(known)
        found["known_at"] = found["occurred_at"] if the_same_day else _start_of(known)
    if found.get("kind") == Kind.REPAYMENT:
        found.setdefault("direction", Direction.DEBIT)
        found.setdefault("category", Category.LOAN_PAYMENT)
    return found


def _start_of(day: str) -> Any:
    try:
        return datetime.combine(date.fromisoformat(day), time(), UTC)
    except ValueError:
        return day


def _problem_of_kind(event: Event) -> str | None:
    said = event.model_fields_set
    missing = next((name for name in NEEDED_BY[event.kind] if name not in said), None)
    if missing:
        return f"`{missing}` is missing: a {_words(event.kind)} has one"
    surplus = said - FIELDS_OF[event.kind]
    if surplus:
        return f"`{min(surplus)}` is no field of a {_words(event.kind)}: leave it out, or say another `kind`"
    if event.currency is not None and event.currency not in CURRENCIES:
        return f"`currency` is {event.currency!r}: it is no currency of ISO 4217"
    if event.occurred_at < EARLIEST:
        return f"`occurred_at` is {_moment(event.occurred_at)}, before 1970: check how the date was written"
    if event.known_at < event.occurred_at:
        return (
            f"`known_at` is {_moment(event.known_at)}, before it happened ({_moment(event.occurred_at)}): "
            "leave it out, or give a later moment"
        )
    return None


# What is wrong, in words ---------------------------------------------------------------------------

WHAT_TO_WRITE: Mapping[str, str] = {
    "transaction_id": "write an id of 1 to 80 printable characters",
    "customer": "write your own id of the customer, 1 to 80 printable characters",
    "account": "write an id of 1 to 80 printable characters",
    "merchant": "write 1 to 80 printable characters",
    "product": "write 1 to 80 printable characters",
    "region": "write 1 to 80 printable characters",
    "zone": "write 1 to 80 printable characters",
    "kind": f"choose {', '.join(Kind)}",
    "date_precision": f"choose {', '.join(DatePrecision)}",
    "direction": f"choose {' or '.join(Direction)}",
    "category": f"choose {', '.join(Category)}",
    "channel": f"choose {', '.join(Channel)}",
    "occurred_at": "write a moment with its offset (2026-03-31T09:30:00Z), a day (2026-03-31) or a month (2026-03)",
    "known_at": "write a moment with its offset (2026-03-31T09:30:00Z) or a day (2026-03-31)",
    "due_on": "write the day as YYYY-MM-DD",
    "period": "write the month as YYYY-MM",
    "currency": "write its three letters, such as EUR",
    "failed": "write true or false",
    "months_late": "write a whole number, -2 to 120",
}
A_NUMBER = f"write an amount below {LARGEST:,.0f} with at most {DECIMALS} decimals"
# Their values tell of a person, and a sentence is kept: so it names the field alone.
NOT_QUOTED = frozenset({"transaction_id", "customer", "account", "merchant", "product", "region", "zone"})


def _said(error: ValidationError, body: dict[str, Any]) -> str:
    found = [problem for problem in error.errors(include_url=False) if problem["loc"] != ("known_at",) or _known(body)]
    return "; ".join(dict.fromkeys(_sentence(problem, body) for problem in found))


def _known(body: dict[str, Any]) -> bool:
    """Whether it was said at all: one that was not is the moment it happened."""
    return body.get("known_at") is not None


def _sentence(found: Any, body: dict[str, Any]) -> str:
    name = str(found["loc"][0]) if found["loc"] else ""
    match found["type"]:
        case "missing":
            return f"`{name}` is missing: {WHAT_TO_WRITE.get(name, A_NUMBER)}"
        case "extra_forbidden":
            return f"{_quoted_name(name)} is no field of an event: leave it out"
        case "greater_than_equal" if name != "months_late":
            return f"`{name}` is {_quoted(body.get(name))}: it is never negative, `direction` says which way money went"
        case _ if not name:
            return str(found["msg"]).removeprefix("Value error, ")
    if name in NOT_QUOTED:
        return f"`{name}` cannot be read: {WHAT_TO_WRITE[name]}"
    return f"`{name}` is {_quoted(body.get(name))}: {WHAT_TO_WRITE.get(name, A_NUMBER)}"


def _quoted(value: Any) -> str:
    """A value as it may be repeated: short and printable."""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    text = "".join(letter if letter.isprintable() else "�" for letter in text)
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}…"


def _quoted_name(name: str) -> str:
    return f"`{_quoted(name)[:QUOTED]}`"


def _words(kind: Kind) -> str:
    return kind.replace("_", " ")


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
