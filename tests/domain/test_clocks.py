"""What time it is for a customer is said by the events of their own product."""

import tomllib
from datetime import UTC, date, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.domain.watching.clocks import Clocks, begun, days_of, moved, read, shown, stood_still, time_by
from plimsoll.domain.watching.policy import WatchPolicy
from plimsoll.domain.watching.rows import Rows, rows_of
from plimsoll.settings import ROOT
from tests.watched import an_event

POLICY = WatchPolicy.model_validate(tomllib.loads((ROOT / "watch" / "signals.toml").read_text()))
AT = datetime(2026, 6, 30, tzinfo=UTC)
LONG_AGO, OF_TODAY = 1, 2  # two clocks
BOTH = np.array([LONG_AGO, OF_TODAY])
FIRST = datetime(2002, 1, 1, 18, tzinfo=UTC)


def rows_at(*moments: datetime) -> Rows:
    return rows_of([an_event("2026-01-01", 10, occurred_at=moment, known_at=moment) for moment in moments])


def after(who: list[int], *moments: datetime, clocks: Clocks | None = None) -> Clocks:
    of = BOTH[who]
    return moved(POLICY, clocks or {}, of, shown(clocks or {}, of, rows_at(*moments), AT))


def test_a_clock_stands_a_day_after_the_newest_event_and_never_ahead_of_ours() -> None:
    assert time_by(POLICY, AT, AT + timedelta(days=9)) == AT + timedelta(days=1)
    assert time_by(POLICY, AT, AT + timedelta(hours=2)) == AT + timedelta(hours=2)
    assert time_by(POLICY, None, AT) == AT


def test_each_goes_by_the_newest_event_of_their_own_product() -> None:
    then = datetime(2005, 9, 30, 18, tzinfo=UTC)
    clocks = after([0, 1, 0], then, AT, then - timedelta(days=40))
    assert days_of(read(POLICY, clocks, BOTH, AT)) == ["2005-10-01", "2026-06-30"]


def test_a_clock_does_not_go_back_for_what_comes_late_nor_beyond_our_own_time() -> None:
    late = after([0], AT - timedelta(days=9), clocks=after([0], AT))
    assert late[LONG_AGO].watermark == AT
    assert after([0], AT + timedelta(hours=9))[LONG_AGO].watermark == AT


def test_a_day_began_by_our_time_while_a_feed_is_live_and_in_history_by_what_is_told_of_it() -> None:
    assert begun(POLICY, AT, AT + timedelta(hours=3)) == date(2026, 6, 30)
    assert begun(POLICY, AT - timedelta(hours=1), AT + timedelta(hours=3)) == date(2026, 6, 30)
    assert begun(POLICY, AT - timedelta(hours=1), AT + timedelta(days=400)) == date(2026, 6, 29)


def test_a_clock_stood_still_while_nothing_was_told_of_anybody_for_long() -> None:
    clocks = after([0, 0], FIRST, FIRST + timedelta(days=100))
    first = (FIRST.date() - date(1970, 1, 1)).days
    of = np.full(3, LONG_AGO)
    assert stood_still(clocks, of, first + np.array([0, 50, 101])).tolist() == [False, True, False]
    short = after([0, 0], FIRST, FIRST + timedelta(days=50))
    assert not stood_still(short, of, first + np.array([0, 25, 51])).any()


days = st.lists(st.integers(0, 9000), min_size=1, max_size=12)


@given(days, days)
def test_what_happens_to_one_product_moves_the_clock_of_no_other(old: list[int], new: list[int]) -> None:
    moments = [FIRST + timedelta(days=day) for day in (*old, *new)]
    who = [0] * len(old) + [1] * len(new)
    assert after(who, *moments)[LONG_AGO] == after(who[: len(old)], *moments[: len(old)])[LONG_AGO]


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 200)), min_size=1, max_size=30), st.integers(1, 30))
def test_a_clock_shows_the_same_at_an_event_wherever_the_reader_stops(heard: list[tuple[int, int]], at_once: int):
    """Each event moves one of two clocks to some hour."""
    of = BOTH[[who for who, _ in heard]]
    rows = rows_at(*(FIRST + timedelta(hours=hour) for _, hour in heard))

    def seen(at_once: int) -> list[int]:
        found: list[int] = []
        clocks: Clocks = {}
        for start in range(0, len(rows), at_once):
            their, some = of[start : start + at_once], rows[start : start + at_once]
            found += (then := shown(clocks, their, some, AT)).tolist()
            clocks = moved(POLICY, clocks, their, then)
        return found

    assert seen(at_once) == seen(len(rows)) == seen(1)
