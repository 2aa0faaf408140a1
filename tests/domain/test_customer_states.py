"""The record kept of a customer: the same whatever the order, bounded, and made of what was known alone."""

import random
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from plimsoll.domain.watching import state
from plimsoll.domain.watching.events import Category, DatePrecision, Direction, Event, Kind
from plimsoll.domain.watching.rows import Rows, rows_of
from plimsoll.domain.watching.signals import signals
from plimsoll.domain.watching.view import ReadsTheFuture
from tests.watched import an_event, an_ordinary_life, moment, observed, salary

FIRST = date(2025, 1, 1)


@some.composite
def an_event_of_any_kind(draw: some.DrawFn) -> Event:
    day = FIRST + timedelta(days=draw(some.integers(0, 700)))
    kind = draw(some.sampled_from(list(Kind)))
    amount = draw(some.decimals(0, 5000, places=2))
    late = timedelta(days=draw(some.integers(0, 40)))
    more: dict = {"kind": kind, "known_at": moment(day) + late}
    if kind is Kind.TRANSACTION:
        more |= {
            "category": draw(some.sampled_from(list(Category))),
            "direction": draw(some.sampled_from(list(Direction))),
            "failed": draw(some.booleans()),
            "balance_after": draw(some.none() | some.decimals(-1000, 5000, places=2)),
            "date_precision": draw(some.sampled_from(list(DatePrecision))),
        }
    elif kind is Kind.STATEMENT:
        more |= {"bill": amount, "currency": "EUR", "limit": Decimal(5000), "period": day.replace(day=1)}
    elif kind is Kind.STATUS:
        more |= {"period": day.replace(day=1), "months_late": draw(some.integers(-2, 8))}
    elif kind is Kind.PAYMENT_DUE:
        more |= {"due_on": day}
    elif kind is Kind.ACCOUNT_OPENED:
        more |= {"currency": "EUR", "limit": amount}
    return an_event(day, float(amount), **more)


def taken_in(parts: list[Rows]) -> np.ndarray:
    """One customer's state, the rows in these portions."""
    states = state.empty(1)
    for rows in parts:
        state.observe(states, np.zeros(len(rows), dtype=np.int64), rows)
    return states


@given(some.lists(an_event_of_any_kind(), max_size=120), some.randoms(use_true_random=False), some.integers(1, 30))
@settings(max_examples=150, deadline=None)
def test_any_order_and_any_portions_give_the_same_record(
    events: list[Event], chance: random.Random, portion: int
) -> None:
    rows = rows_of(events)
    mixed = list(range(len(rows)))
    chance.shuffle(mixed)
    in_portions = [rows[mixed[at : at + portion]] for at in range(0, len(mixed), portion)]
    assert taken_in([rows]).tobytes() == taken_in(in_portions).tobytes()


def test_many_customers_at_once_are_each_as_if_alone() -> None:
    lives = [an_ordinary_life(months=months, customer=f"GEN-{months}") for months in (2, 5, 9)]
    rows = rows_of([event for life in lives for event in life])
    who = np.repeat([0, 1, 2], [len(life) for life in lives])
    mixed = np.random.default_rng(1).permutation(len(rows))
    together = state.empty(3)
    state.observe(together, who[mixed], rows[mixed])
    for place, life in enumerate(lives):
        assert together[place].tobytes() == observed(life)[0].tobytes()


def test_the_record_stays_as_small_as_it_was() -> None:
    assert state.to_bytes(observed(an_ordinary_life(months=60)))[0].__len__() == state.STATE.itemsize
    assert state.STATE.itemsize <= 2500


def test_bytes_come_back_as_the_same_record() -> None:
    states = observed(an_ordinary_life())
    assert state.from_bytes(state.to_bytes(states)).tobytes() == states.tobytes()


def test_an_event_older_than_its_bin_is_too_late_to_count() -> None:
    recent = an_ordinary_life(months=8)
    ancient = salary(date(2024, 1, 25))
    before, after = observed(recent), observed([*recent, ancient])
    assert after["events"] == before["events"] + 1
    for part in ("weeks", "months", "salary"):
        assert after[part].tobytes() == before[part].tobytes()


def test_a_failed_debit_moves_no_money() -> None:
    states = observed([an_event("2026-06-10", 500, Category.RENT, failed=True)])
    week = states["weeks"][states["weeks"]["index"] > 0]
    assert (week["failed"].item(), week["spent"].item()) == (1, 0)
    assert (states["rent"]["day"] == state.NEVER).all()


def test_a_month_without_a_day_has_no_place_in_a_week_or_a_rhythm() -> None:
    states = observed([salary("2026-06-15", date_precision=DatePrecision.MONTH)])
    assert (states["weeks"]["index"] == state.NEVER).all()
    assert (states["salary"]["day"] == state.NEVER).all()


def test_a_payment_counts_for_the_statement_it_settles() -> None:
    june = state.month_of((date(2026, 6, 1) - date(1970, 1, 1)).days)
    states = observed(
        [
            an_event("2026-06-30", kind=Kind.STATEMENT, bill=Decimal(400), currency="EUR", period=date(2026, 6, 1)),
            an_event("2026-07-10", 150, kind=Kind.REPAYMENT),
            an_event("2026-07-12", 50, kind=Kind.REPAYMENT, period=date(2026, 6, 1)),
        ]
    )
    month = states["months"][0, june % state.MONTHS]
    assert (month["index"], month["bill"], month["paid"]) == (june, 400_00, 200_00)


def test_nothing_is_read_before_it_was_known() -> None:
    late_news = an_event("2026-06-01", 10, known_at=moment("2026-06-20"))
    with pytest.raises(ReadsTheFuture):
        signals(observed([late_news]), np.datetime64("2026-06-19T23:59"))
    signals(observed([late_news]), np.datetime64("2026-06-20T12:00"))
