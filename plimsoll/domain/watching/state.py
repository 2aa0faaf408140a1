"""What is kept of a customer instead of their history: one record of fixed size, whatever happened and however often.

Every part is a sum, a lowest or a newest, so the same events give the same record in any order, late
or not, one by one or all at once. Amounts are whole minor units: sums of floats would remember their order.

    weeks    flows of the last sixteen weeks: income, cash, savings, loans, failed debits
    months   statements, payments and states of the last twelve months
    paces    the last eight days of what comes and goes regularly: salary, rent, utilities, bills, dues, payments

A bin that a newer one displaces is gone, and an event older than its bin is too late to count.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.domain.watching.events import Category, DatePrecision, Direction, Kind
from plimsoll.domain.watching.rows import NOT_SAID, Rows

Records = npt.NDArray[Any]  # structured
Ints = npt.NDArray[np.int64]

LAYOUT = 1  # rises whenever the record changes; states of another layout are made anew from the history
WEEKS, MONTHS, PACES = 16, 12, 8
NEVER = -1  # of a day or an index
NO_BALANCE = np.iinfo(np.int64).max
NO_STATUS = np.iinfo(np.int8).min
NOT_INCOME = (Category.BENEFITS, Category.LENDING_APP, Category.SAVINGS, Category.TRANSFER)
NOT_SPENT = (Category.SAVINGS, Category.TRANSFER)
MINOR = 100  # units in one of a currency; what is finer is rounded, each event by itself

FLOWS = ("income", "spent", "cash", "lent", "put_by", "drawn")
COUNTS = ("failed", "loans", "repaid_loans", "fees", "overdrawn")
WEEK = np.dtype(
    [("index", "i4"), *((name, "i8") for name in FLOWS), ("lowest", "i8"), *((name, "i2") for name in COUNTS)]
)
MONTH_FLOWS = ("bill", "minimum", "limit", "paid")
MONTH = np.dtype([("index", "i4"), *((name, "i8") for name in MONTH_FLOWS), ("statements", "i2"), ("late", "i1")])
PACE = np.dtype([("day", "i4"), ("amount", "i8")])
PACES_KEPT = ("salary", "rent", "utilities", "bills", "due", "repayment")
STATE = np.dtype(
    [
        ("events", "i8"),
        ("first", "i4"),  # day of the oldest transaction
        ("newest", "i4"),  # day of the newest event of any kind
        ("known", "i8"),  # when the last of them was known
        ("opened_limit", "i8"),
        ("weeks", WEEK, (WEEKS,)),
        ("months", MONTH, (MONTHS,)),
        *((name, PACE, (PACES,)) for name in PACES_KEPT),
    ]
)
NOBODY_YET = np.iinfo(np.int32).max


def empty(count: int) -> Records:
    """Customers of whom nothing is known."""
    states = np.zeros(count, dtype=STATE)
    states["first"] = NOBODY_YET
    states["newest"] = NEVER
    states["weeks"]["index"] = states["months"]["index"] = NEVER
    states["weeks"]["lowest"] = NO_BALANCE
    states["months"]["late"] = NO_STATUS
    for name in PACES_KEPT:
        states[name]["day"] = NEVER
    return states


def from_bytes(kept: Iterable[bytes]) -> Records:
    """States as `to_bytes` gave them, ready to be changed."""
    return np.frombuffer(bytearray().join(kept), dtype=STATE)


def to_bytes(states: Records) -> list[bytes]:
    size, whole = states.dtype.itemsize, states.tobytes()
    return [whole[at : at + size] for at in range(0, len(whole), size)]


def observe(states: Records, who: npt.NDArray[Any], rows: Rows) -> None:
    """Adds what happened; `who` says to which state each row belongs. The same row twice counts twice: the log of
    transactions holds each once."""
    if not len(rows):
        return
    who = who.astype(np.int64)
    days = _days(rows["occurred_at"])
    np.add.at(states["events"], who, 1)
    np.maximum.at(states["newest"], who, days)
    np.maximum.at(states["known"], who, rows["known_at"].astype("M8[s]").astype(np.int64))
    opened = (rows["kind"] == Kind.ACCOUNT_OPENED.code) & ~np.isnan(rows["limit"])
    np.add.at(states["opened_limit"], who[opened], minor(rows["limit"][opened]))
    _observe_weeks(states, who, rows, days)
    _observe_months(states, who, rows, days)
    for name, chosen, day in _regular(rows, days):
        _keep_newest(states[name], who[chosen], day[chosen], minor(rows["amount"][chosen]))


def minor(amounts: npt.NDArray[Any]) -> Ints:
    """Whole minor units; what was not said is nothing."""
    return np.rint(np.nan_to_num(amounts) * MINOR).astype(np.int64)


def _days(moments: npt.NDArray[Any]) -> Ints:
    return moments.astype("M8[D]").astype(np.int64)


def week_of(day: Any) -> Any:
    """Weeks begin on Mondays; the first day of 1970 was a Thursday."""
    return (np.asarray(day, dtype=np.int64) + 3) // 7


def month_of(day: Any) -> Any:
    days = np.asarray(day, dtype=np.int64)
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _is(rows: Rows, *categories: Category) -> npt.NDArray[np.bool_]:
    return np.isin(rows["category"], [category.code for category in categories])


def _is_exact(rows: Rows) -> npt.NDArray[np.bool_]:
    return rows["date_precision"] != DatePrecision.MONTH.code


# Weeks ---------------------------------------------------------------------------------------


def _observe_weeks(states: Records, who: Ints, rows: Rows, days: Ints) -> None:
    """A day that nobody knows has no week: what carries a month alone is left out here. Payments to us flow
    nowhere here, but one that was returned is a failed debit like any other."""
    chosen = np.isin(rows["kind"], [Kind.TRANSACTION.code, Kind.REPAYMENT.code]) & _is_exact(rows)
    if not chosen.any():
        return
    rows, who, days = rows[chosen], who[chosen], days[chosen]
    np.minimum.at(states["first"], who, days)
    bins = Ring(states["weeks"], who, week_of(days))
    amount, balance = minor(rows["amount"]), rows["balance_after"]
    done = (rows["kind"] == Kind.TRANSACTION.code) & ~rows["failed"]
    credit = done & (rows["direction"] == Direction.CREDIT.code)
    debit = done & (rows["direction"] == Direction.DEBIT.code)
    sums = {
        "income": amount * (credit & ~_is(rows, *NOT_INCOME)),
        "spent": amount * (debit & ~_is(rows, *NOT_SPENT)),
        "cash": amount * (debit & _is(rows, Category.CASH)),
        "lent": amount * (credit & _is(rows, Category.LENDING_APP)),
        "put_by": amount * (debit & _is(rows, Category.SAVINGS)),
        "drawn": amount * (credit & _is(rows, Category.SAVINGS)),
        "failed": rows["failed"] & (rows["direction"] == Direction.DEBIT.code),
        "loans": credit & _is(rows, Category.LENDING_APP),
        "repaid_loans": debit & _is(rows, Category.LOAN_PAYMENT, Category.LENDING_APP),
        "fees": debit & _is(rows, Category.FEE, Category.PENALTY_INTEREST),
        "overdrawn": balance < 0,
    }
    for name, values in sums.items():
        bins.add(name, values)
    bins.lowest("lowest", np.where(np.isnan(balance), NO_BALANCE, minor(balance)))


class Ring:
    """A ring of bins by a running index: each slot belongs to the newest index that came to it."""

    def __init__(self, ring: Records, customers: npt.NDArray[Any], index: Ints) -> None:
        slots = ring.shape[1]
        places, self._of = np.unique(customers.astype(np.int64) * slots + index % slots, return_inverse=True)
        self._ring, self._who, self._slot = ring, places // slots, places % slots
        newest = np.full(len(places), NEVER, dtype=np.int64)
        np.maximum.at(newest, self._of, index)
        held = ring["index"][self._who, self._slot]
        self._clear(newest > held)
        newest = np.maximum(newest, held)
        ring["index"][self._who, self._slot] = newest
        self._counts = index == newest[self._of]

    def add(self, name: str, values: npt.NDArray[Any]) -> None:
        sums = np.zeros(len(self._who), dtype=np.int64)
        np.add.at(sums, self._of[self._counts], values[self._counts].astype(np.int64))
        self._ring[name][self._who, self._slot] += sums.astype(self._ring[name].dtype)

    def lowest(self, name: str, values: Ints) -> None:
        found = self._ring[name][self._who, self._slot]
        np.minimum.at(found, self._of[self._counts], values[self._counts])
        self._ring[name][self._who, self._slot] = found

    def highest(self, name: str, values: npt.NDArray[Any]) -> None:
        found = self._ring[name][self._who, self._slot]
        np.maximum.at(found, self._of[self._counts], values[self._counts])
        self._ring[name][self._who, self._slot] = found

    def _clear(self, displaced: npt.NDArray[np.bool_]) -> None:
        fresh = np.zeros((), dtype=self._ring.dtype)
        if "lowest" in (self._ring.dtype.names or ()):
            fresh["lowest"] = NO_BALANCE
        if "late" in (self._ring.dtype.names or ()):
            fresh["late"] = NO_STATUS
        self._ring[self._who[displaced], self._slot[displaced]] = fresh


# Months --------------------------------------------------------------------------------------


def _observe_months(states: Records, who: Ints, rows: Rows, days: Ints) -> None:
    """A payment belongs to the statement it settles: the one it names, else that of the month before."""
    chosen = np.isin(rows["kind"], [Kind.STATEMENT.code, Kind.STATUS.code, Kind.REPAYMENT.code])
    if not chosen.any():
        return
    rows = rows[chosen]
    statement, status = rows["kind"] == Kind.STATEMENT.code, rows["kind"] == Kind.STATUS.code
    paid = (rows["kind"] == Kind.REPAYMENT.code) & ~rows["failed"]
    own = month_of(days[chosen]) - (rows["kind"] == Kind.REPAYMENT.code)
    month = np.where(np.isnat(rows["period"]), own, rows["period"].astype(np.int64))
    bins = Ring(states["months"], who[chosen], month)
    for name, column in (("bill", "bill"), ("minimum", "minimum_due"), ("limit", "limit")):
        bins.add(name, minor(rows[column]) * statement)
    bins.add("statements", statement)
    bins.add("paid", minor(rows["amount"]) * paid)
    late = np.where(status & (rows["months_late"] != NOT_SAID), rows["months_late"], NO_STATUS)
    bins.highest("late", late.astype(np.int8))


# Paces ---------------------------------------------------------------------------------------


def _regular(rows: Rows, days: Ints) -> list[tuple[str, npt.NDArray[np.bool_], Ints]]:
    """Which rows belong to which pace, and their days. A month alone tells no pace."""
    done = (rows["kind"] == Kind.TRANSACTION.code) & _is_exact(rows) & ~rows["failed"]
    out, into = (done & (rows["direction"] == way.code) for way in (Direction.DEBIT, Direction.CREDIT))
    repaid = (rows["kind"] == Kind.REPAYMENT.code) & _is_exact(rows) & ~rows["failed"]
    due = (rows["kind"] == Kind.PAYMENT_DUE.code) & ~np.isnat(rows["due_on"])
    return [
        ("salary", into & _is(rows, Category.SALARY), days),
        ("rent", out & _is(rows, Category.RENT), days),
        ("utilities", out & _is(rows, Category.UTILITIES), days),
        ("bills", out & _is(rows, Category.TELECOM, Category.INSURANCE), days),
        ("due", due, rows["due_on"].astype(np.int64)),
        ("repayment", repaid, days),
    ]


def paced(rows: Rows) -> npt.NDArray[np.bool_]:
    """Whether each belongs to something that comes regularly."""
    found = np.zeros(len(rows), dtype=bool)
    for _, chosen, _ in _regular(rows, _days(rows["occurred_at"])):
        found |= chosen
    return found


def _keep_newest(pace: Records, who: Ints, days: Ints, amounts: Ints) -> None:
    """The newest days, newest first, each with all that came on it."""
    if not len(who):
        return
    touched = np.unique(who)
    kept = pace[touched]
    before = kept["day"] != NEVER
    customer = np.concatenate([np.repeat(touched, PACES)[before.ravel()], who])
    day = np.concatenate([kept["day"][before].astype(np.int64), days])
    amount = np.concatenate([kept["amount"][before], amounts])
    order = np.lexsort((-day, customer))
    customer, day, amount = customer[order], day[order], amount[order]
    first = np.ones(len(day), dtype=bool)
    first[1:] = (customer[1:] != customer[:-1]) | (day[1:] != day[:-1])
    total = np.add.reduceat(amount, np.flatnonzero(first))
    customer, day = customer[first], day[first]
    begins = np.searchsorted(customer, touched)
    rank = np.arange(len(customer)) - np.repeat(begins, np.diff([*begins, len(customer)]))
    newest = rank < PACES
    fresh = np.zeros((len(touched), PACES), dtype=PACE)
    fresh["day"] = NEVER
    row = np.searchsorted(touched, customer[newest])
    fresh["day"][row, rank[newest]] = day[newest]
    fresh["amount"][row, rank[newest]] = total[newest]
    pace[touched] = fresh
