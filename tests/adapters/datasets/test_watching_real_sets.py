"""Watching on real accounts: Berka's daily rhythm, and how early Taiwan's missed payments are seen (long)."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plimsoll.adapters.datasets.berka_events import BerkaEvents
from plimsoll.domain.watching import state
from plimsoll.domain.watching.events import Category, Event
from plimsoll.domain.watching.rhythm import Cycle, Rhythm, holidays_of, rhythm_of
from plimsoll.domain.watching.rows import rows_of
from plimsoll.domain.watching.view import View

ROOT = os.environ.get("PLIMSOLL_REAL_DATA")
needs_real_data = pytest.mark.skipif(not ROOT, reason="PLIMSOLL_REAL_DATA names no folder with the real data")
CZECH = holidays_of(
    ["01-01", "easter+1", "05-01", "05-08", "07-05", "07-06", "10-28", "12-24", "12-25", "12-26"], 1992, 1996
)
END = np.datetime64("1994-03-31T23:59:59")


def read(events: Sequence[Event]) -> Any:
    people: dict[str, int] = {}
    who = np.array([people.setdefault(event.customer, len(people)) for event in events])
    states = state.empty(len(people))
    state.observe(states, who, rows_of(events))
    return states


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return list(BerkaEvents(Path(ROOT or "") / "berka").events())


@pytest.fixture(scope="module")
def accounts(events: list[Event]) -> Any:
    return read(events)


def without_the_newest(pace: Any, holidays: Any) -> tuple[Rhythm, Any]:
    """The rhythm as it was known before the newest came, and whose can be tried."""
    days = np.concatenate([pace["day"][:, 1:], np.full((len(pace), 1), state.NEVER)], axis=1)
    amounts = np.concatenate([pace["amount"][:, 1:], np.zeros((len(pace), 1))], axis=1)
    rhythm = rhythm_of(days, amounts, holidays)
    return rhythm, rhythm.found & ((pace["day"] >= 0).sum(axis=1) >= 5)


@needs_real_data
def test_who_pays_for_the_household_three_times_has_a_rhythm(accounts: Any) -> None:
    paid = (accounts["utilities"]["day"] >= 0).sum(axis=1)
    found = View(accounts, END, CZECH).rhythm("utilities")
    assert (paid >= 3).sum() == 540
    assert (found.cycle == Cycle.MONTHLY).sum() == found.found.sum() == 532


@needs_real_data
def test_the_next_household_payment_is_foretold_and_hardly_anybody_is_called_late(accounts: Any) -> None:
    pace = accounts["utilities"]
    before, tried = without_the_newest(pace, CZECH)
    off = pace["day"][tried, 0] - before.expected[tried]
    assert tried.sum() == 387
    assert (np.abs(off) <= 3).mean() > 0.98
    assert (off > before.delay[tried]).mean() < 0.01


@needs_real_data
def test_pensions_have_a_rhythm_and_are_kept_apart_all_the_same(events: list[Event], accounts: Any) -> None:
    """The set's only income by name is a pension: it shows the rhythm, and stays out of every signal."""
    pensions = [event for event in events if event.category is Category.BENEFITS]
    as_if_salaries = read([event.model_copy(update={"category": Category.SALARY}) for event in pensions])
    several = (as_if_salaries["salary"]["day"] >= 0).sum(axis=1) >= 3
    found = View(as_if_salaries, END, CZECH).rhythm("salary").found
    assert (several.sum(), found[several].sum()) == (203, 203)
    assert (accounts["salary"]["day"] == state.NEVER).all()


@needs_real_data
def test_a_replay_day_by_day_ends_where_the_batch_ends(events: list[Event], accounts: Any) -> None:
    rows = rows_of(events)
    people: dict[str, int] = {}
    who = np.array([people.setdefault(event.customer, len(people)) for event in events])
    replayed = state.empty(len(people))
    days = rows["occurred_at"].astype("M8[D]")
    for day in np.unique(days):
        state.observe(replayed, who[days == day], rows[days == day])
    assert replayed.tobytes() == accounts.tobytes()


@pytest.mark.long
def test_missed_payments_are_seen_no_later_than_by_the_plain_columns() -> None:
    """`python -m bench early-warning`, held to what docs/early-warning.md says. About five minutes."""
    from bench.early_warning import measure

    found = {row["who"]: row for row in measure(quick=False)}
    for who, auc, tenth in (
        ("everyone", 0.751, 0.28),
        ("not late in August", 0.679, 0.22),
        ("never late, April to August", 0.662, 0.20),
    ):
        assert found[who]["auc"] >= auc, who
        assert found[who]["top_tenth_catches"] >= tenth, who
        assert found[who]["auc_gain"][1] > 0, f"{who}: the whole interval of the difference is above nothing"
