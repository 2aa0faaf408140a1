"""Berka's Czech bank of the nineties as events: 49,102 transactions of 1,229 accounts over fifteen months.

    PRIJEM / VYDAJ, VYBER    credit / debit; a customer is the account
    k_symbol                 DUCHOD pension → benefits, SIPO household → utilities, POJISTNE → insurance,
                             SLUZBY → fee, SANKC. UROK → penalty_interest, UVER → loan_payment
    operation                VYBER, VKLAD cash · VYBER KARTOU card · PREVOD transfer
    bank, account            the other side, kept as a digest

A day has no hour. The set holds no salary that says so. For research only: never shipped.
"""

import csv
import gzip
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from plimsoll.domain.watching.events import Category, Channel, DatePrecision, Direction, Event

FILE = "trans_all_accounts_930101_940331.asc.gz"
CATEGORIES = {
    "DUCHOD": Category.BENEFITS, "SIPO": Category.UTILITIES, "POJISTNE": Category.INSURANCE,
    "SLUZBY": Category.FEE, "SANKC. UROK": Category.PENALTY_INTEREST, "UVER": Category.LOAN_PAYMENT,
    "UROK": Category.OTHER,
}  # fmt: skip
OF_OPERATION = {"VYBER": Category.CASH, "VKLAD": Category.CASH, "VYBER KARTOU": Category.CASH}
CHANNELS = {
    "VYBER": Channel.CASH, "VKLAD": Channel.CASH, "VYBER KARTOU": Channel.ATM, "PREVOD Z UCTU": Channel.TRANSFER,
    "PREVOD NA UCET": Channel.STANDING_ORDER,
}  # fmt: skip


class BerkaEvents:
    """`folder` holds the challenge's files."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE

    def events(self) -> Iterator[Event]:
        """In the order of days, as the bank wrote them."""
        with gzip.open(self._file) as packed, io.TextIOWrapper(packed, encoding="ascii") as text:
            for row in csv.DictReader(text, delimiter=";"):
                yield _of_row(row)


def _of_row(row: dict[str, str]) -> Event:
    account, other = f"BK-{row['account_id']}", f"{row['bank']}-{row['account']}"
    transfer = Category.TRANSFER if row["operation"].startswith("PREVOD") else Category.OTHER
    by_operation = OF_OPERATION.get(row["operation"], transfer)
    return Event(
        transaction_id=f"BK-{row['trans_id']}",
        customer=account,
        account=account,
        occurred_at=datetime.strptime(row["date"], "%y%m%d").replace(tzinfo=UTC),
        date_precision=DatePrecision.DAY,
        amount=Decimal(row["amount"]),
        currency="CZK",
        direction=Direction.CREDIT if row["type"] == "PRIJEM" else Direction.DEBIT,
        category=CATEGORIES.get(row["k_symbol"], by_operation),
        channel=CHANNELS.get(row["operation"]),
        merchant=other if other != "-" else None,
        balance_after=Decimal(row["balance"]),
    )
