"""Reading many lines at once: what is surely right is read by column, everything else by `read_event`.

The column reader only ever says "surely right". A row it cannot vouch for goes through the exact
reader, which alone knows the sentences; a property test holds the two together.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from plimsoll.domain.errors import FieldsInvalid
from plimsoll.domain.watching.batch import Batch, Opening
from plimsoll.domain.watching.currencies import CURRENCIES
from plimsoll.domain.watching.events import (
    EARLIEST,
    FIELDS_OF,
    LEEWAY,
    LEEWAY_OF_A_DAY,
    MID_MONTH,
    NEEDED_BY,
    Category,
    Channel,
    Coded,
    DatePrecision,
    Direction,
    Event,
    Feed,
    Kind,
    read_event,
)
from plimsoll.domain.watching.rows import EVENT_ROW, NOT_SAID, Rows, row_of

FIELDS = frozenset(Event.model_fields)
NAMES = ("transaction_id", "customer", "account", "merchant", "product", "region", "zone")
AMOUNTS = ("amount", "balance_after", "bill", "minimum_due", "limit", "net_new_charges")
NOT_NEGATIVE = ("amount", "minimum_due", "limit")
PLAIN_AMOUNT = re.compile(r"-?[0-9]{1,11}(\.[0-9]{1,4})?").fullmatch
PLAIN_AMOUNTS = re.compile(r"(?:(?:-?[0-9]{1,11}(?:\.[0-9]{1,4})?)?\n)*").fullmatch
PLAIN_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.([0-9]{3}|[0-9]{6}))?(Z|[+-][0-9]{2}:[0-9]{2})"
).fullmatch
PLAIN_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
PLAIN_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}").fullmatch
DIGITS, MARKS = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18], [4, 7, 10, 13, 16, 19]
MARKS_WRITTEN = np.frombuffer(b"--T::Z", np.uint8)
TRUTH: Mapping[Any, bool] = {None: False, True: True, False: False, "true": True, "false": False}
MICROSECOND = timedelta(microseconds=1)
NO_MOMENT = np.iinfo(np.int64).min  # NaT

Columns = Mapping[str, Sequence[Any]]
Mask = npt.NDArray[np.bool_]


class Rejected(NamedTuple):
    """A line that is no event: its place among those that were read, and why."""

    place: int
    problem: str


@dataclass(frozen=True)
class Read:
    batch: Batch
    rejected: Sequence[Rejected]


def read_records(records: Sequence[dict[str, Any]], now: datetime, feed: Feed = Feed.TRANSACTIONS) -> Read:
    """Objects, each with the fields it has."""
    named = set().union(*records)
    columns = {name: [record.get(name) for record in records] for name in FIELDS if name in named}
    strange = [] if named <= FIELDS else [place for place, record in enumerate(records) if not record.keys() <= FIELDS]
    return _read(columns, len(records), now, feed, strange, lambda place: records[place])


def read_columns(columns: Columns, now: datetime, feed: Feed = Feed.TRANSACTIONS) -> Read:
    """A table of known fields; None where a row says nothing."""
    count = len(next(iter(columns.values()), ()))

    def record(place: int) -> dict[str, Any]:
        return {name: values[place] for name, values in columns.items() if values[place] is not None}

    return _read(columns, count, now, feed, (), record)


def _read(
    columns: Columns,
    count: int,
    now: datetime,
    feed: Feed,
    strange: Iterable[int],
    record: Callable[[int], dict[str, Any]],
) -> Read:
    nothing: Sequence[Any] = [None] * count
    names = {name: list(columns.get(name, nothing)) for name in NAMES}
    rows, sure = _by_column(columns, count, now, feed)
    sure[list(strange)] = False
    rejected = []
    for place in np.flatnonzero(~sure).tolist():
        try:
            event = read_event(record(place), now, feed)
        except FieldsInvalid as error:
            rejected.append(Rejected(place, error.message))
            continue
        rows[place] = row_of(event)
        for name, values in names.items():
            values[place] = getattr(event, name)
    return Read(_batch(names, rows, [line.place for line in rejected]), rejected)


def _batch(names: dict[str, list[Any]], rows: Rows, rejected: list[int]) -> Batch:
    if rejected:
        kept = np.ones(len(rows), bool)
        kept[rejected] = False
        places = np.flatnonzero(kept).tolist()
        rows = rows[kept]
        names = {name: [values[place] for place in places] for name, values in names.items()}
    opened = np.flatnonzero(rows["kind"] == Kind.ACCOUNT_OPENED.code).tolist()
    return Batch(
        transaction_ids=names["transaction_id"],
        customers=names["customer"],
        accounts=names["account"],
        merchants=names["merchant"],
        rows=rows,
        openings=[Opening(p, names["product"][p], names["region"][p], names["zone"][p]) for p in opened],
    )


# By column ------------------------------------------------------------------------------------------


def _by_column(columns: Columns, count: int, now: datetime, feed: Feed) -> tuple[Rows, Mask]:
    """The rows, and which of them are surely right."""
    rows, sure = np.zeros(count, EVENT_ROW), np.ones(count, bool)
    rows["months_late"] = NOT_SAID
    rows["due_on"], rows["period"] = np.datetime64("NaT"), np.datetime64("NaT")
    for name in AMOUNTS:
        rows[name] = np.nan
    said = {name: np.array([value is not None for value in values], bool) for name, values in columns.items()}
    _take_names(columns, sure)
    _take_codes(columns, rows, sure, feed)
    _take_amounts(columns, rows, sure)
    _take_days(columns, rows, sure)
    _take_moments(columns, rows, sure, now)
    _check_kinds(said, rows, sure, feed)
    _fill_in(said, rows)
    return rows, sure


def _take_names(columns: Columns, sure: Mask) -> None:
    for name in NAMES:
        if name in columns and not _all_names(columns[name]):
            sure &= [
                text is None or (type(text) is str and 0 < len(text) <= 80 and text.isprintable())
                for text in columns[name]
            ]


def _all_names(texts: Sequence[Any]) -> bool:
    """Whether no one of them needs a closer look."""
    try:
        return "".join(texts).isprintable() and min(map(len, texts)) > 0 and max(map(len, texts)) <= 80
    except (TypeError, ValueError):  # a None among them, or no text at all
        return False


def _take_codes(columns: Columns, rows: Rows, sure: Mask, feed: Feed) -> None:
    tables: dict[str, tuple[type[Coded], int]] = {
        "kind": (Kind, feed.kinds[0].code),
        "date_precision": (DatePrecision, 0),
        "direction": (Direction, 0),
        "category": (Category, 0),
        "channel": (Channel, 0),
    }
    for name, (words, otherwise) in tables.items():
        if name in columns:
            table = {None: otherwise} | {word.value: word.code for word in words}
            rows[name] = _looked_up(columns[name], table, -1)
            sure &= rows[name] >= 0
        else:
            rows[name] = otherwise
    if "currency" in columns:
        written = _looked_up(columns["currency"], CURRENCY_BYTES, b"?")
        rows["currency"] = written
        sure &= rows["currency"] != b"?"
    if "failed" in columns:
        truth = np.array(_looked_up(columns["failed"], TRUTH, 2), np.int8)
        rows["failed"] = truth == 1
        sure &= truth < 2


CURRENCY_BYTES: Mapping[Any, bytes] = {None: b""} | {code: code.encode() for code in CURRENCIES}


def _looked_up(values: Sequence[Any], table: Mapping[Any, Any], otherwise: Any) -> list[Any]:
    get = table.get
    try:
        return [get(value, otherwise) for value in values]
    except TypeError:  # a list or an object, which no table has
        return [get(value, otherwise) if isinstance(value, str | None) else otherwise for value in values]


def _take_amounts(columns: Columns, rows: Rows, sure: Mask) -> None:
    for name in AMOUNTS:
        if name in columns:
            numbers = _plain_amounts(columns[name])
            if numbers is None:
                numbers = [_amount(written) for written in columns[name]]
                sure &= [number is not False for number in numbers]
            rows[name] = np.array(numbers, float)
            if name in NOT_NEGATIVE:
                sure &= ~(rows[name] < 0)


def _plain_amounts(values: Sequence[Any]) -> list[float] | None:
    """All of them, when all are plainly written; None when one needs a closer look."""
    if "" in values:  # written, and nothing: not the same as left out
        return None
    texts = ["" if value is None else value for value in values]
    try:
        joined = "\n".join(texts)
    except TypeError:
        return None
    if joined.count("\n") != len(texts) - 1 or not PLAIN_AMOUNTS(joined + "\n"):
        return None
    return [float(text) if text else np.nan for text in texts]


def _amount(written: Any) -> float:
    """False when it is not plainly one."""
    if written is None:
        return np.nan
    if type(written) is str:
        return float(written) if written and PLAIN_AMOUNT(written) else False
    return float(written) if type(written) is int and abs(written) < 10**11 else False


def _take_days(columns: Columns, rows: Rows, sure: Mask) -> None:
    for name, read in (("due_on", _day), ("period", _month)):
        if name in columns:
            days = _each_once(columns[name], read)
            sure &= [day is not False for day in days]
            rows[name] = np.array([day or None for day in days], "M8[D]").astype(rows[name].dtype)
    if "months_late" in columns:
        months = [_months_late(written) for written in columns["months_late"]]
        sure &= [number is not False for number in months]
        rows["months_late"] = [NOT_SAID if number is None else number for number in months]


def _day(written: Any) -> date | bool | None:
    if written is None:
        return None
    if type(written) is not str or not PLAIN_DAY(written):
        return False
    try:
        return date.fromisoformat(written)
    except ValueError:
        return False


def _month(written: Any) -> date | bool | None:
    plain = type(written) is str and PLAIN_MONTH(written)
    return _day(f"{written}-01") if plain else None if written is None else False


def _months_late(written: Any) -> int | bool | None:
    if written is None:
        return None
    if type(written) is str and written.removeprefix("-").isdecimal() and len(written) < 4:
        written = int(written)
    return written if type(written) is int and -2 <= written <= 120 else False


class _Moment(NamedTuple):
    micros: int
    precision: int


def _take_moments(columns: Columns, rows: Rows, sure: Mask, now: datetime) -> None:
    nothing: Sequence[Any] = [None] * len(rows)
    at, precision, plain = _instants(columns.get("occurred_at", nothing))
    if not plain.all():
        occurred = _each_once(columns.get("occurred_at", nothing), _occurred)
        sure &= [bool(moment) for moment in occurred]
        at = np.array([moment.micros if moment else NO_MOMENT for moment in occurred], np.int64)
        precision = np.array([moment.precision if moment else 0 for moment in occurred], np.int16)
    known = _each_once(columns["known_at"], _known) if "known_at" in columns else nothing
    sure &= [moment is not False for moment in known]
    rows["date_precision"] = np.where(rows["date_precision"] > 0, rows["date_precision"], precision)
    known_at = np.array([moment.micros if moment else NO_MOMENT for moment in known], np.int64)
    # A day beside an instant means that day where the instant was written: for the exact reader to say.
    known_day = np.array([bool(moment) and moment.precision == DatePrecision.DAY.code for moment in known], bool)
    sure &= ~known_day | (precision != DatePrecision.INSTANT.code)
    known_at = np.where(known_at == NO_MOMENT, at, known_at)
    rows["occurred_at"], rows["known_at"] = at.view("M8[us]"), known_at.view("M8[us]")
    instant = rows["date_precision"] == DatePrecision.INSTANT.code
    latest = np.where(instant, _micros(now + LEEWAY), _micros(now + LEEWAY_OF_A_DAY))
    sure &= (at <= latest) & (known_at <= latest) & (known_at >= at) & (at >= 0)


def _instants(values: Sequence[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int16], Mask]:
    """Those written as 2026-03-31T09:30:00Z, all at once: microseconds, precision, and which were written so."""
    count = len(values)
    try:
        letters = np.array(values, "S20").view(np.uint8).reshape(count, 20)
        alike = np.array([len(value) == 20 for value in values], bool)
    except (TypeError, UnicodeEncodeError, ValueError):
        return np.zeros(count, np.int64), np.zeros(count, np.int16), np.zeros(count, bool)
    digits = letters[:, DIGITS].astype(np.int64) - ord("0")
    alike &= (letters[:, MARKS] == MARKS_WRITTEN).all(axis=1) & ((digits >= 0) & (digits <= 9)).all(axis=1)
    year = digits[:, 0:4] @ [1000, 100, 10, 1]
    month, day, hour, minute, second = (digits[:, place : place + 2] @ [10, 1] for place in range(4, 14, 2))
    alike &= (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60)
    month_of = ((year - 1970) * 12 + month - 1).astype("M8[M]")
    first, next_first = month_of.astype("M8[D]"), (month_of + 1).astype("M8[D]")
    alike &= day <= (next_first - first).astype(np.int64)
    seconds = (first.astype(np.int64) + day - 1) * 86_400 + hour * 3600 + minute * 60 + second
    micros: npt.NDArray[np.int64] = (seconds * 1_000_000).astype(np.int64)
    return micros, np.full(count, DatePrecision.INSTANT.code, np.int16), alike


def _each_once(values: Sequence[Any], read: Callable[[Any], Any]) -> list[Any]:
    """Dates repeat; each different one is read once."""
    try:
        known = {value: read(value) for value in set(values)}
        return [known[value] for value in values]
    except TypeError:
        return [read(value) if isinstance(value, str | None) else False for value in values]


def _occurred(written: Any) -> _Moment | bool:
    if type(written) is str and PLAIN_MONTH(written):
        return _start(f"{written}-{MID_MONTH}", DatePrecision.MONTH)
    return _known(written) or False


def _known(written: Any) -> _Moment | bool | None:
    if written is None:
        return None
    if type(written) is not str:
        return False
    if PLAIN_DAY(written):
        return _start(written, DatePrecision.DAY)
    if not PLAIN_MOMENT(written):
        return False
    try:
        return _Moment(_micros(datetime.fromisoformat(written)), DatePrecision.INSTANT.code)
    except (ValueError, OverflowError):
        return False


def _start(day: str, precision: DatePrecision) -> _Moment | bool:
    found = _day(day)
    if not isinstance(found, date):
        return False
    return _Moment(_micros(datetime(found.year, found.month, found.day, tzinfo=UTC)), precision.code)


def _micros(moment: datetime) -> int:
    return (moment - EARLIEST) // MICROSECOND


def _check_kinds(said: dict[str, Mask], rows: Rows, sure: Mask, feed: Feed) -> None:
    for kind in Kind:
        of_kind = rows["kind"] == kind.code
        if not of_kind.any():
            continue
        if kind not in feed.kinds:
            sure &= ~of_kind
        for name in NEEDED_BY[kind]:
            sure &= ~of_kind | said.get(name, False)
        for name in said.keys() - FIELDS_OF[kind]:
            sure &= ~of_kind | ~said[name]
    for name in ("transaction_id", "customer"):
        sure &= said.get(name, False)


def _fill_in(said: dict[str, Mask], rows: Rows) -> None:
    """What a kind means where nothing else was said."""
    repaid = rows["kind"] == Kind.REPAYMENT.code
    rows["direction"][repaid & (rows["direction"] == 0)] = Direction.DEBIT.code
    rows["category"][repaid & (rows["category"] == 0)] = Category.LOAN_PAYMENT.code
    rows["category"][rows["category"] == 0] = Category.OTHER.code
    rows["amount"][np.isnan(rows["amount"])] = 0.0
