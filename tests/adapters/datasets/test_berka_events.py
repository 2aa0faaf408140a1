"""The Czech bank's lines as events; the few here are made up in the form of its file."""

import gzip
from decimal import Decimal
from pathlib import Path

import pytest

from plimsoll.adapters.datasets.berka_events import FILE, BerkaEvents
from plimsoll.domain.watching.events import Category, Channel, DatePrecision, Direction, Event

HEADING = '"trans_id";"account_id";"date";"type";"operation";"amount";"balance";"k_symbol";"bank";"account"'


def events(folder: Path, *lines: str) -> list[Event]:
    with gzip.open(folder / FILE, "wt", encoding="ascii") as file:
        file.write("\n".join((HEADING, *lines)) + "\n")
    return list(BerkaEvents(folder).events())


def test_a_line_becomes_an_event_of_a_day_without_an_hour(tmp_path: Path) -> None:
    (event,) = events(tmp_path, '5;1;930101;"PRIJEM";"PREVOD Z UCTU";3679;4679;"DUCHOD";"AB";41403269')
    assert (event.transaction_id, event.customer, event.account) == ("BK-5", "BK-1", "BK-1")
    assert (event.occurred_at.isoformat(), event.date_precision) == ("1993-01-01T00:00:00+00:00", DatePrecision.DAY)
    assert (event.amount, event.balance_after, event.currency) == (Decimal(3679), Decimal(4679), "CZK")
    assert (event.direction, event.category, event.merchant) == (Direction.CREDIT, Category.BENEFITS, "AB-41403269")


@pytest.mark.parametrize(
    ("symbol", "operation", "category"),
    [
        ("SIPO", "PREVOD NA UCET", Category.UTILITIES),
        ("POJISTNE", "PREVOD NA UCET", Category.INSURANCE),
        ("UVER", "PREVOD NA UCET", Category.LOAN_PAYMENT),
        ("SLUZBY", "VYBER", Category.FEE),
        ("SANKC. UROK", "VYBER", Category.PENALTY_INTEREST),
        ("", "VYBER", Category.CASH),
        ("", "PREVOD NA UCET", Category.TRANSFER),
        (" ", "", Category.OTHER),
    ],
)
def test_what_a_payment_is_for_is_said_by_its_symbol_else_by_how_it_was_made(
    tmp_path: Path, symbol: str, operation: str, category: Category
) -> None:
    (event,) = events(tmp_path, f'7;2;940331;"VYDAJ";"{operation}";10.5;-3;"{symbol}";"";""')
    assert (event.category, event.direction, event.merchant) == (category, Direction.DEBIT, None)


def test_a_withdrawal_by_card_is_cash_at_a_machine(tmp_path: Path) -> None:
    (event,) = events(tmp_path, '7;2;940331;"VYDAJ";"VYBER KARTOU";10;5;"";"";""')
    assert (event.category, event.channel) == (Category.CASH, Channel.ATM)
