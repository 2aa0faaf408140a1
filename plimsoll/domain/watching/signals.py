"""What a customer's state says as of a moment: how they deviate from their own past.

One implementation for everybody: training, replay, sweep and the live stream all call `signals`.
A number is NaN where there is too little history to say anything; nothing is made up for it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.domain.models.examples import Column
from plimsoll.domain.underwriting.product import Direction
from plimsoll.domain.values import Value
from plimsoll.domain.watching.state import MINOR, NOBODY_YET, Records
from plimsoll.domain.watching.view import NO_HOLIDAYS, Floats, View, mean, ratio

STATEMENTS = 6  # months looked back
MINIMUM_PAID = 1.1  # times the minimum: what counts as no more than that


class Signal(Value):
    """One column of what `signals` says."""

    name: str
    concept: str
    unit: str  # days | share | ratio | count | amount | months
    direction: Direction  # how risk would move with it, by what is known of the trade
    about: str


def signals(states: Records, as_of: npt.NDArray[Any] | np.datetime64, holidays: Any = NO_HOLIDAYS) -> Floats:
    """A row of `SIGNALS` for each state. `as_of` is one moment (UTC) or one for each.

    Raises ReadsTheFuture when a state holds anything known only later.
    """
    view = View(states, as_of, holidays)
    matrix = np.empty((len(states), len(SIGNALS)))
    for place, (_, told) in enumerate(_TOLD):
        matrix[:, place] = told(view)
    return matrix


def columns(matrix: Floats) -> dict[str, Column]:
    """By name, as models read them."""
    return {signal.name: matrix[:, place] for place, signal in enumerate(SIGNALS)}


# The signals ---------------------------------------------------------------------------------


def _late(pace: str) -> Callable[[View], Floats]:
    return lambda view: view.rhythm(pace).days_late(view.today)


def _salary_smaller(view: View) -> Floats:
    salary = view.rhythm("salary")
    return np.where(salary.found, np.clip(1 - ratio(salary.amount, salary.usual), -1, 1), np.nan)


def _less_income(view: View) -> Floats:
    recent, usual = view.flow("income")
    return np.clip(1 - ratio(recent, usual), -1, 1)


def _savings_drawn(view: View) -> Floats:
    drawn, usually_drawn = view.flow("drawn")
    put_by, usually_put_by = view.flow("put_by")
    return np.clip(ratio((drawn - put_by) - (usually_drawn - usually_put_by), view.scale), -5, 5)


def _balance_lower(view: View) -> Floats:
    now, usual = view.lowest()
    return np.clip(ratio(usual - now, view.scale), -5, 5)


def _more_of(flow: str, most: float = 5.0) -> Callable[[View], Floats]:
    """Recently less usually, in shares of what usually comes in."""

    def told(view: View) -> Floats:
        recent, usual = view.flow(flow)
        return np.clip(ratio(recent - usual, view.scale), -most, most)

    return told


def _recently(count: str) -> Callable[[View], Floats]:
    return lambda view: np.where(view.states["first"] != NOBODY_YET, view.flow(count)[0], np.nan)


def _more_often(count: str) -> Callable[[View], Floats]:
    def told(view: View) -> Floats:
        recent, usual = view.flow(count)
        return recent - usual

    return told


def _lent(view: View) -> Floats:
    recent, _ = view.flow("lent")
    return np.clip(ratio(recent, view.scale), 0, 5)


def _payment_days_late(view: View) -> Floats:
    return np.minimum(view.paid_after[0], 62)


def _payment_later(view: View) -> Floats:
    now, before = view.paid_after
    return np.clip(now - before, -62, 62)


def _utilisation(view: View, back: int = 0) -> Floats:
    return np.clip(ratio(view.monthly("bill", back), view.limit(back)), -1, 3)


def _utilisation_creep(view: View) -> Floats:
    before = np.stack([_utilisation(view, back) for back in range(1, STATEMENTS)], axis=1)
    return _utilisation(view) - mean(before)


def _bill_growth(view: View) -> Floats:
    before = np.stack([view.monthly("bill", back) for back in (1, 2, 3)], axis=1)
    return np.clip(ratio(view.monthly("bill", 0) - mean(before), view.limit()), -3, 3)


def _paid_share(view: View, back: int) -> Floats:
    """Of the statement so many months before the newest; what was paid beyond it counts as all."""
    return np.clip(ratio(view.paid(back), view.monthly("bill", back)), 0, 1)


def _paid_last(view: View) -> Floats:
    return _paid_share(view, 1)


def _paid_less(view: View) -> Floats:
    before = np.stack([_paid_share(view, back) for back in range(2, STATEMENTS)], axis=1)
    return mean(before) - _paid_share(view, 1)


def _bill(back: int) -> Callable[[View], Floats]:
    return lambda view: view.monthly("bill", back) / MINOR


def _paid(back: int) -> Callable[[View], Floats]:
    return lambda view: view.paid(back) / MINOR


def _minimum_months(view: View) -> Floats:
    """Of the last statements, those of which no more than the minimum was paid though more was owed."""
    found = np.zeros(len(view.states))
    said = np.zeros(len(view.states), dtype=bool)
    for back in range(1, STATEMENTS):
        bill, minimum, paid = view.monthly("bill", back), view.monthly("minimum", back), view.paid(back)
        known = minimum > 0
        said |= known
        found += known & (bill > minimum * MINIMUM_PAID) & (paid <= minimum * MINIMUM_PAID)
    return np.where(said, found, np.nan)


def _unpaid_months(view: View) -> Floats:
    bills = np.stack([view.monthly("bill", back) for back in range(1, STATEMENTS)], axis=1)
    paid = np.stack([view.paid(back) for back in range(1, STATEMENTS)], axis=1)
    return np.where((~np.isnan(bills)).any(axis=1), ((bills > 0) & (paid <= 0)).sum(axis=1), np.nan)


def _status(back: int) -> Callable[[View], Floats]:
    return lambda view: view.months_late(back)


def _all_status(view: View) -> Floats:
    return np.stack([view.months_late(back) for back in range(STATEMENTS)], axis=1)


def _worst_status(view: View) -> Floats:
    told = _all_status(view)
    return np.where((~np.isnan(told)).any(axis=1), np.nan_to_num(told).max(axis=1, initial=0), np.nan)


def _late_months(view: View) -> Floats:
    told = _all_status(view)
    return np.where((~np.isnan(told)).any(axis=1), (told >= 1).sum(axis=1), np.nan)


def _limit(view: View) -> Floats:
    return view.limit() / MINOR


def _signal(name: str, concept: str, unit: str, direction: Direction, about: str) -> Signal:
    return Signal(name=name, concept=concept, unit=unit, direction=direction, about=about)


_UP, _DOWN, _FREE = Direction.UP, Direction.DOWN, Direction.FREE
_MONTHS_BACK = ("the newest", "one month before", "two months before", "three months before", "four months before",
                "five months before", "six months before")  # fmt: skip

_TOLD: tuple[tuple[Signal, Callable[[View], Floats]], ...] = (
    (_signal("salary_days_late", "salary", "days", _UP, "salary later than by the own rhythm"), _late("salary")),
    (_signal("salary_smaller", "salary", "share", _UP, "last salary under the usual one"), _salary_smaller),
    (_signal("days_to_payday", "payday", "days", _FREE, "until the next salary is expected"),
     lambda view: view.rhythm("salary").days_to_next(view.today)),
    (_signal("income_smaller", "income", "share", _UP, "all income of four weeks under the usual"), _less_income),
    (_signal("savings_drawn", "savings", "ratio", _UP, "drawn from savings beyond the usual, by usual income"),
     _savings_drawn),
    (_signal("balance_lower", "balance", "ratio", _UP, "lowest balance under the usual lowest, by usual income"),
     _balance_lower),
    (_signal("overdrawn", "balance", "count", _UP, "events of four weeks below zero"), _recently("overdrawn")),
    (_signal("failed_debits", "failed_debits", "count", _UP, "debits returned in four weeks"), _recently("failed")),
    (_signal("failed_debits_more", "failed_debits", "count", _UP, "beyond the usual number"), _more_often("failed")),
    (_signal("fees_more", "fees", "count", _UP, "fees and penalty interest beyond the usual number"),
     _more_often("fees")),
    (_signal("utilities_days_late", "bills", "days", _UP, "utilities later than by the own rhythm"),
     _late("utilities")),
    (_signal("rent_days_late", "bills", "days", _UP, "rent later than by the own rhythm"), _late("rent")),
    (_signal("bills_days_late", "bills", "days", _UP, "phone and insurance later than by the own rhythm"),
     _late("bills")),
    (_signal("cash_more", "cash", "ratio", _UP, "cash beyond the usual, by usual income"), _more_of("cash")),
    (_signal("spent_more", "spending", "ratio", _UP, "spending beyond the usual, by usual income"), _more_of("spent")),
    (_signal("lending_inflow", "loans_elsewhere", "ratio", _UP, "paid in by lending apps, by usual income"),
     _lent),
    (_signal("lending_inflows", "loans_elsewhere", "count", _UP, "loans taken from lending apps in four weeks"),
     _recently("loans")),
    (_signal("loan_stacking", "loans_elsewhere", "count", _UP, "loan payments beyond the usual number"),
     _more_often("repaid_loans")),
    (_signal("payment_days_late", "payment", "days", _UP, "newest payment due: days to its payment, or until now"),
     _payment_days_late),
    (_signal("payment_later", "payment", "days", _UP, "and how many more than usual"), _payment_later),
    (_signal("limit", "limit", "amount", _DOWN, "credit limit"), _limit),
    (_signal("utilisation", "utilisation", "share", _UP, "newest bill by limit"), _utilisation),
    (_signal("utilisation_creep", "utilisation", "share", _UP, "and how much above the five before"),
     _utilisation_creep),
    (_signal("bill_growth", "utilisation", "share", _FREE, "newest bill above the three before, by limit"),
     _bill_growth),
    (_signal("paid_share", "payments", "share", _DOWN, "of the last statement that could be paid"), _paid_last),
    (_signal("paid_less", "payments", "share", _UP, "and how much less than of those before"), _paid_less),
    (_signal("minimum_months", "payments", "months", _UP, "of five in which no more than the minimum was paid"),
     _minimum_months),
    (_signal("unpaid_months", "payments", "months", _UP, "of five in which nothing was paid"), _unpaid_months),
    (_signal("late_worst", "payment_history", "months", _UP, "most months late in the last six"), _worst_status),
    (_signal("late_months", "payment_history", "months", _UP, "of six that were reported late"), _late_months),
    *((_signal(f"status_{back}", "payment_history", "months", _FREE, f"state reported last, {_MONTHS_BACK[back]}"),
       _status(back)) for back in range(5)),
    *((_signal(f"bill_{back}", "balances", "amount", _FREE, f"statement, {_MONTHS_BACK[back]}"), _bill(back))
      for back in range(6)),
    *((_signal(f"paid_{back}", "payments", "amount", _DOWN, f"paid of the statement, {_MONTHS_BACK[back]}"),
       _paid(back)) for back in range(1, 7)),
)  # fmt: skip

SIGNALS: tuple[Signal, ...] = tuple(signal for signal, _ in _TOLD)
NAMES: tuple[str, ...] = tuple(signal.name for signal in SIGNALS)
PLACE = {name: place for place, name in enumerate(NAMES)}
