"""Taiwan's 30,000 card accounts as dated events, as a lender would have sent them month by month.

    LIMIT_BAL         account opened, known on 1 April (assumed)
    BILL_AMTk         statement of month k, known when the month ends
    PAY_AMTk > 0      payment in month k, on a day nobody knows; it settles the statement of the month before
    PAY_2 … PAY_6     state of month k, known a month later
    default_next_month, PAY_0, sex, age, education, marriage   no events

Month 1 is September 2005, 6 is April. `PAY_0` appears to see the outcome month and is left out.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll.adapters.datasets.taiwan import Taiwan
from plimsoll.domain.models.examples import Column, Examples
from plimsoll.domain.watching import state
from plimsoll.domain.watching.events import Category, DatePrecision, Direction, Event, Kind
from plimsoll.domain.watching.rows import EVENT_ROW, NOT_SAID, Rows
from plimsoll.domain.watching.signals import columns, signals

MONTHS = (1, 2, 3, 4, 5, 6)
OPENED = datetime(2005, 4, 1, tzinfo=UTC)
AS_OF = np.datetime64("2005-09-30T23:59:59")
CURRENCY, PRODUCT, ZONE = "TWD", "taiwan-card", "Asia/Taipei"


class TaiwanEvents:
    """`folder` holds the UCI file."""

    def __init__(self, folder: Path) -> None:
        self._set = Taiwan(folder)

    def events(self, first: int = 0, last: int | None = None) -> Iterator[Event]:
        """What happened on the accounts from one row on, up to another, account by account."""
        table = self._set.columns()
        for row in range(first, len(table["ID"]) if last is None else min(last, len(table["ID"]))):
            yield from _of_account(f"TW-{table['ID'][row]:.0f}", {name: float(table[name][row]) for name in table})

    def examples(self) -> Examples:
        """Signals as of the end of September, labelled with October, by the code of the live stream."""
        labelled = self._set.examples()
        who, rows = self.rows()
        assert (rows["known_at"] <= AS_OF).all()
        states = state.empty(len(labelled))
        state.observe(states, who, rows)
        return Examples(
            columns=columns(signals(states, AS_OF)),
            bad=labelled.bad,
            applied_on=labelled.applied_on,
            label_known_on=labelled.label_known_on,
            groups=labelled.groups,
            references=labelled.references,
        )

    def rows(self) -> tuple[Column, Rows]:
        """The same events as rows, and whose each is, built by column: half a million objects would take minutes."""
        table = self._set.columns()
        everybody = np.arange(len(table["ID"]))
        parts = [(everybody, _opened(table))]
        for month in MONTHS:
            paid = table[f"PAY_AMT{month}"] > 0
            parts += [(everybody[paid], _paid(table, month)[paid]), (everybody, _statement(table, month))]
            if month + 1 in MONTHS:
                parts.append((everybody, _told(table, month + 1)))
        return np.concatenate([who for who, _ in parts]), np.concatenate([rows for _, rows in parts])


def _opened(table: dict[str, Column]) -> Rows:
    return _rows(
        len(table["ID"]), Kind.ACCOUNT_OPENED, OPENED.date(), currency=CURRENCY.encode(), limit=table["LIMIT_BAL"]
    )


def _paid(table: dict[str, Column], month: int) -> Rows:
    rows = _rows(
        len(table["ID"]), Kind.REPAYMENT, first_of(month).replace(day=15), currency=CURRENCY.encode(),
        amount=table[f"PAY_AMT{month}"], period=first_of(month + 1), direction=Direction.DEBIT.code,
        category=Category.LOAN_PAYMENT.code,
    )  # fmt: skip
    rows["date_precision"] = DatePrecision.MONTH.code
    return rows


def _statement(table: dict[str, Column], month: int) -> Rows:
    return _rows(
        len(table["ID"]), Kind.STATEMENT, end_of(month), currency=CURRENCY.encode(), bill=table[f"BILL_AMT{month}"],
        limit=table["LIMIT_BAL"], period=first_of(month),
    )  # fmt: skip


def _told(table: dict[str, Column], month: int) -> Rows:
    return _rows(
        len(table["ID"]), Kind.STATUS, end_of(month - 1), period=first_of(month), months_late=table[f"PAY_{month}"]
    )


def _rows(count: int, kind: Kind, day: date, **said: Any) -> Rows:
    rows = np.zeros(count, EVENT_ROW)
    for name in ("balance_after", "bill", "minimum_due", "limit", "net_new_charges"):
        rows[name] = np.nan
    rows["due_on"] = rows["period"] = np.datetime64("NaT")
    rows["months_late"] = NOT_SAID
    rows["kind"], rows["category"] = kind.code, Category.OTHER.code
    rows["date_precision"] = DatePrecision.DAY.code
    rows["occurred_at"] = rows["known_at"] = np.datetime64(day, "us")
    for name, values in said.items():
        rows[name] = np.datetime64(values, "M") if isinstance(values, date) else values
    return rows


def _of_account(customer: str, row: dict[str, float]) -> Iterator[Event]:
    yield Event(
        transaction_id=f"{customer}-opened", customer=customer, account=customer, kind=Kind.ACCOUNT_OPENED,
        occurred_at=OPENED, known_at=OPENED, date_precision=DatePrecision.DAY, limit=_money(row["LIMIT_BAL"]),
        currency=CURRENCY, product=PRODUCT, zone=ZONE,
    )  # fmt: skip
    for month in reversed(MONTHS):
        yield from _of_month(customer, row, month)


def _of_month(customer: str, row: dict[str, float], month: int) -> Iterator[Event]:
    first, mid, ends = first_of(month), _at(first_of(month).replace(day=15)), _at(end_of(month))
    if row[f"PAY_AMT{month}"] > 0:
        yield Event(
            transaction_id=f"{customer}-paid-{first:%Y-%m}", customer=customer, account=customer,
            kind=Kind.REPAYMENT, occurred_at=mid, known_at=mid, date_precision=DatePrecision.MONTH,
            amount=_money(row[f"PAY_AMT{month}"]), currency=CURRENCY, period=first_of(month + 1),
        )  # fmt: skip
    yield Event(
        transaction_id=f"{customer}-bill-{first:%Y-%m}", customer=customer, account=customer, kind=Kind.STATEMENT,
        occurred_at=ends, known_at=ends, date_precision=DatePrecision.DAY, bill=_money(row[f"BILL_AMT{month}"]),
        limit=_money(row["LIMIT_BAL"]), currency=CURRENCY, period=first,
    )  # fmt: skip
    if month + 1 in MONTHS:  # told at the end of this month about the one before
        yield Event(
            transaction_id=f"{customer}-state-{first_of(month + 1):%Y-%m}", customer=customer, account=customer,
            kind=Kind.STATUS, occurred_at=ends, known_at=ends, date_precision=DatePrecision.DAY,
            period=first_of(month + 1), months_late=int(row[f"PAY_{month + 1}"]),
        )  # fmt: skip


def first_of(month: int) -> date:
    """1 is September 2005, 7 March."""
    return date(2005, 10 - month, 1)


def end_of(month: int) -> date:
    return date(2005, 11 - month, 1) - timedelta(days=1)


def _at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _money(amount: float) -> Decimal:
    return Decimal(str(int(amount)))
