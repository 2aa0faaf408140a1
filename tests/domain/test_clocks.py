"""What time it is for a customer is said by the events of their own product."""

import tomllib
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.domain.watching.clocks import Clocks, days_of, time_by
from plimsoll.domain.watching.policy import WatchPolicy
from plimsoll.domain.watching.rows import Rows, rows_of
from plimsoll.settings import ROOT
from tests.watched import an_event

POLICY = WatchPolicy.model_validate(tomllib.loads((ROOT / "watch" / "signals.toml").read_text()))
AT = datetime(2026, 6, 30, tzinfo=UTC)
LONG_AGO, OF_TODAY = 1, 2  # two clocks
BOTH = Clocks(np.array([LONG_AGO, OF_TODAY]))


def rows_at(*moments: datetime) -> Rows:
    return rows_of([an_event("2026-01-01", 10, occurred_at=moment, known_at=moment) for moment in moments])


def test_a_clock_stands_a_day_after_the_newest_event_and_never_ahead_of_ours() -> None:
    assert time_by(POLICY, AT, AT + timedelta(days=9)) == AT + timedelta(days=1)
    assert time_by(POLICY, AT, AT + timedelta(hours=2)) == AT + timedelta(hours=2)
    assert time_by(POLICY, None, AT) == AT


def test_each_goes_by_the_newest_event_of_their_own_product() -> None:
    then = datetime(2005, 9, 30, 18, tzinfo=UTC)
    moved = BOTH.moved(np.array([0, 1, 0]), rows_at(then, AT, then - timedelta(days=40)), AT)
    assert days_of(moved.read(POLICY, AT)) == ["2005-10-01", "2026-06-30"]


def test_a_clock_does_not_go_back_for_what_comes_late_nor_beyond_our_own_time() -> None:
    moved = BOTH.moved(np.array([0]), rows_at(AT), AT).moved(np.array([0]), rows_at(AT - timedelta(days=9)), AT)
    assert moved.watermarks[LONG_AGO] == AT
    early = BOTH.moved(np.array([0]), rows_at(AT + timedelta(hours=9)), AT)
    assert early.watermarks[LONG_AGO] == AT


days = st.lists(st.integers(0, 9000), min_size=1, max_size=12)


@given(days, days)
def test_what_happens_to_one_product_moves_the_clock_of_no_other(old: list[int], new: list[int]) -> None:
    first = datetime(2002, 1, 1, 18, tzinfo=UTC)
    moments = [first + timedelta(days=day) for day in (*old, *new)]
    who = np.array([0] * len(old) + [1] * len(new))
    alone = BOTH.moved(who[: len(old)], rows_at(*moments[: len(old)]), AT)
    beside = BOTH.moved(who, rows_at(*moments), AT)
    assert beside.read(POLICY, AT)[0] == alone.read(POLICY, AT)[0]
