"""Signals as deviations from the customer's own past, on generated people."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from plimsoll.domain.watching import state
from plimsoll.domain.watching.events import Category, Direction, Event, Kind
from plimsoll.domain.watching.rows import rows_of
from plimsoll.domain.watching.signals import NAMES, SIGNALS, signals
from tests.watched import an_event, an_ordinary_life, moment, observed, salary, told

LIFE = an_ordinary_life(months=6)
NOT_PAID = [e for e in LIFE if not (e.category is Category.SALARY and e.occurred_at >= moment("2026-06-01", 0))]
END = "2026-06-30"


def test_an_ordinary_life_shows_nothing() -> None:
    found = told(LIFE, END)
    for name in ("salary_days_late", "rent_days_late", "utilities_days_late", "failed_debits", "lending_inflows"):
        assert found[name] == 0, name
    for name in ("cash_more", "savings_drawn", "income_smaller", "balance_lower"):
        assert abs(found[name]) < 0.1, name


def test_a_salary_that_does_not_come_is_late_from_its_own_day_on() -> None:
    assert told(NOT_PAID, "2026-06-25")["salary_days_late"] == 0
    assert told(NOT_PAID, "2026-06-30")["salary_days_late"] == 5
    assert told([*NOT_PAID, salary("2026-06-29")], END)["salary_days_late"] == 0


def test_a_smaller_salary_is_told_as_a_share() -> None:
    assert told([*NOT_PAID, salary("2026-06-25", 2100)], END)["salary_smaller"] == pytest.approx(0.3)


def test_days_to_payday_count_down() -> None:
    assert told(LIFE, "2026-06-20")["days_to_payday"] == 5


def test_savings_drawn_are_measured_by_usual_income() -> None:
    drawn = an_event("2026-06-20", 1500, Category.SAVINGS, direction=Direction.CREDIT)
    assert told([*LIFE, drawn], END)["savings_drawn"] == pytest.approx(1500 / 3000, abs=0.15)


def test_loans_from_lending_apps_add_up() -> None:
    loans = [
        an_event(day, 600, Category.LENDING_APP, direction=Direction.CREDIT) for day in ("2026-06-15", "2026-06-22")
    ]
    found = told([*LIFE, *loans], END)
    assert found["lending_inflows"] == 2
    assert found["lending_inflow"] == pytest.approx(1200 / 3000, abs=0.1)
    assert found["income_smaller"] < 0.1, "a loan is no income"


def test_more_cash_and_failed_debits_are_seen_against_before() -> None:
    cash = an_event("2026-06-22", 900, Category.CASH)
    failed = an_event("2026-06-23", 80, Category.TELECOM, failed=True)
    found = told([*LIFE, cash, failed], END)
    assert found["cash_more"] == pytest.approx(900 / 3000, abs=0.1)
    assert (found["failed_debits"], found["failed_debits_more"]) == (1, 1)


def test_rent_later_than_usual() -> None:
    without = [e for e in LIFE if not (e.category is Category.RENT and e.occurred_at >= moment("2026-06-01", 0))]
    assert told(without, "2026-06-15")["rent_days_late"] == 12


def a_statement(month: int, bill: int, minimum: int = 50, limit: int = 4000) -> Event:
    return an_event(
        date(2026, month, 28), kind=Kind.STATEMENT, bill=Decimal(bill), minimum_due=Decimal(minimum),
        limit=Decimal(limit), currency="EUR", period=date(2026, month, 1),
    )  # fmt: skip


def paid(month: int, amount: int) -> Event:
    return an_event(date(2026, month, 15), amount, kind=Kind.REPAYMENT)


def test_who_always_paid_in_full_and_now_pays_the_minimum() -> None:
    events = [a_statement(month, 1000) for month in range(1, 7)]
    events += [paid(month + 1, 1000) for month in (1, 2, 3, 4)] + [paid(6, 50)]
    found = told(events, END)
    assert (found["paid_share"], found["paid_less"]) == (pytest.approx(0.05), pytest.approx(0.95))
    assert (found["minimum_months"], found["unpaid_months"]) == (1, 0)


def test_use_of_the_limit_creeps_up() -> None:
    events = [a_statement(month, 1000) for month in range(1, 6)] + [a_statement(6, 3000)]
    found = told(events, END)
    assert (found["utilisation"], found["utilisation_creep"]) == (pytest.approx(0.75), pytest.approx(0.5))


def test_what_statements_said_is_forgotten_when_no_more_come() -> None:
    assert np.isnan(told([a_statement(1, 1000)], END)["utilisation"])


def test_a_payment_that_is_due_and_does_not_come() -> None:
    due = [an_event(f"2026-0{m}-01", 200, kind=Kind.PAYMENT_DUE, due_on=date(2026, m, 5)) for m in (3, 4, 5, 6)]
    on_time = [an_event(f"2026-0{m}-05", 200, kind=Kind.REPAYMENT) for m in (3, 4, 5)]
    found = told([*due, *on_time], "2026-06-12")
    assert (found["payment_days_late"], found["payment_later"]) == (7, 7)
    assert told([*due, *on_time, an_event("2026-06-06", 200, kind=Kind.REPAYMENT)], END)["payment_days_late"] == 1


def test_a_newcomer_has_no_usual() -> None:
    found = told([an_event("2026-06-29", 500, Category.CASH)], END)
    assert np.isnan([found["cash_more"], found["salary_days_late"]]).all()


def test_sensitive_categories_move_no_signal_but_spending() -> None:
    betting = [an_event(day, 200, Category.GAMBLING) for day in ("2026-06-10", "2026-06-17", "2026-06-24")]
    groceries = [an_event(day, 200, Category.GROCERIES) for day in ("2026-06-10", "2026-06-17", "2026-06-24")]
    assert told([*LIFE, *betting], END) == pytest.approx(told([*LIFE, *groceries], END), nan_ok=True)


def test_batch_replay_and_live_say_the_same() -> None:
    """All at once; day by day; event by event through bytes, as Postgres keeps them. Of several kinds of people beside
    one another: with everything that comes regularly, with some of it, with statements alone, with nothing yet."""
    card = [a_statement(month, 900) for month in range(1, 7)] + [paid(month, 300) for month in (2, 3, 5)]
    rent = [event for event in an_ordinary_life(months=7) if event.category is Category.RENT]
    lives = [an_ordinary_life(months=3), an_ordinary_life(months=6), card, rent, NOT_PAID, []]
    at_once = state.empty(len(lives))
    rows = rows_of([event for life in lives for event in life])
    who = np.repeat(np.arange(len(lives)), [len(life) for life in lives])
    state.observe(at_once, who, rows)

    by_day = state.empty(len(lives))
    days = rows["occurred_at"].astype("M8[D]")
    for day in np.unique(days):
        state.observe(by_day, who[days == day], rows[days == day])

    live = [state.to_bytes(state.empty(1))[0] for _ in lives]
    for place in np.argsort(rows["known_at"], kind="stable"):
        record = state.from_bytes([live[who[place]]])
        state.observe(record, np.array([0]), rows[place : place + 1])
        live[who[place]] = state.to_bytes(record)[0]

    as_of = np.datetime64("2026-06-30T23:59")
    batch = signals(at_once, as_of)
    assert np.array_equal(batch, signals(by_day, as_of), equal_nan=True)
    assert np.array_equal(batch, signals(state.from_bytes(live), as_of), equal_nan=True)
    assert len({row.tobytes() for row in batch}) == len(lives)
    for place in range(len(lives)):
        alone = signals(at_once[place : place + 1], as_of)
        assert np.array_equal(batch[place : place + 1], alone, equal_nan=True)


def test_every_signal_is_named_once_and_said_what_it_is_about() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert all(signal.about and signal.concept for signal in SIGNALS)


def test_nobody_of_whom_nothing_is_known_has_a_signal() -> None:
    assert np.isnan(signals(state.empty(1), np.datetime64("2026-06-30"))).all()
    assert observed([]).tobytes() == state.empty(1).tobytes()
