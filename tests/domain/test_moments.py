"""At which moments customers are judged: said by their events, not by how many of them a reader takes at once."""

import tomllib
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.domain.watching import state
from plimsoll.domain.watching.events import Category, Direction, Event
from plimsoll.domain.watching.moments import NO_RULE, Kept, next_due, stops
from plimsoll.domain.watching.policy import WatchPolicy
from plimsoll.domain.watching.rows import Rows, rows_of
from plimsoll.domain.watching.triggers import NOTHING_DUE
from plimsoll.settings import ROOT
from tests.watched import an_event, an_ordinary_life, moment, observed

POLICY = WatchPolicy.model_validate(tomllib.loads((ROOT / "watch" / "signals.toml").read_text()))
PEOPLE = 2

Seen = list[tuple[int, int, str, int, bytes]]  # customer, event, rule, moment, the record then


def stopped_at(events: list[tuple[int, Event]], at_once: int) -> tuple[Seen, bytes]:
    """Every stop, customer by customer, and the records at the end."""
    states, seen = state.empty(PEOPLE), []
    rows, who = rows_of([event for _, event in events]), np.array([person for person, _ in events], dtype=np.int64)

    def take_in(mine: npt.NDArray[Any], taken: Rows) -> None:
        state.observe(states, mine, taken)

    kept = Kept(states, np.full(PEOPLE, NOTHING_DUE), take_in)
    for start in range(0, len(rows), at_once):
        for stop in stops(POLICY, kept, who[start : start + at_once], rows[start : start + at_once]):
            for customer, event, rule, at in zip(*(part.tolist() for part in stop), strict=True):
                name = "missed" if rule == NO_RULE else POLICY.events[rule].name
                seen.append((customer, start + event, name, at, states[customer : customer + 1].tobytes()))
    return sorted(seen), states.tobytes() + kept.due.tobytes()


amounts = st.sampled_from([20, 150, 700])
categories = st.sampled_from([Category.GROCERIES, Category.CASH, Category.RENT, Category.SALARY, Category.OTHER])
happened = st.tuples(st.integers(0, PEOPLE - 1), st.integers(0, 150), amounts, categories, st.booleans())
lost = st.tuples(st.integers(0, PEOPLE - 1), st.integers(0, 110), st.integers(1, 60))  # whose, from which day, how long


@settings(deadline=None, max_examples=8)
@given(st.lists(happened, max_size=40), lost, st.integers(2, 40))
def test_the_same_events_stop_at_the_same_moments_however_many_are_read_at_once(
    found: list[tuple[int, int, int, Category, bool]], gone: tuple[int, int, int], at_once: int
) -> None:
    """Two ordinary lives with a gap in one of them, and whatever happened besides, in the order it was known."""
    day_one = moment("2026-01-01").date()
    events = [
        (who, an_event(day_one + timedelta(days=day), amount, category, failed=failed))
        for who, day, amount, category, failed in found
    ]
    whose, first, days = gone
    for person in range(PEOPLE):
        lived = [(person, event) for event in an_ordinary_life(months=4, until=date(2026, 5, 31))]
        events += [
            (who, event)
            for who, event in lived
            if who != whose or not first <= (event.occurred_at.date() - day_one).days < first + days
        ]
    events.sort(key=lambda told: told[1].known_at)
    one_by_one, whole = stopped_at(events, 1), stopped_at(events, max(1, len(events)))
    assert stopped_at(events, at_once) == whole
    assert one_by_one == whole


def test_each_event_that_matters_is_judged_with_all_that_was_told_up_to_it_and_nothing_after() -> None:
    life = [(0, event) for event in an_ordinary_life(months=4)]
    seen, _ = stopped_at(life, len(life))
    for customer, event, rule, _, record in seen:
        assert rule != "missed", "this life misses nothing"
        so_far = state.empty(PEOPLE)
        state.observe(so_far, np.zeros(event + 1, dtype=np.int64), rows_of([one for _, one in life[: event + 1]]))
        assert record == so_far[customer : customer + 1].tobytes()
    assert len([rule for _, _, rule, _, _ in seen if rule == "salary"]) == 4


def test_a_day_by_which_something_failed_to_come_has_its_own_moment_before_the_next_event() -> None:
    """Salary of June is away: it is asked about three, seven and fourteen days after the 25th."""
    june = moment("2026-06-20")
    life = [(0, event) for event in an_ordinary_life(until=date(2026, 7, 31))]
    unpaid = [told for told in life if told[1].occurred_at < june or told[1].category is not Category.SALARY]
    seen, _ = stopped_at(unpaid, len(unpaid))
    missed = [date(1970, 1, 1) + timedelta(seconds=at) for _, _, rule, at, _ in seen if rule == "missed"]
    assert missed == [date(2026, 6, 28), date(2026, 7, 2), date(2026, 7, 9)]
    assert next_due(POLICY, observed([event for _, event in unpaid]), np.array([20_700]))[0] == NOTHING_DUE


def test_what_is_large_is_measured_by_the_weeks_before_and_not_by_itself() -> None:
    weeks = [an_event(moment("2026-01-05").date() + timedelta(days=7 * week), 100) for week in range(5)]
    large = an_event("2026-02-09", 200, Category.OTHER, direction=Direction.DEBIT)
    seen, _ = stopped_at([(0, event) for event in [*weeks, large]], 99)
    assert [(event, rule) for _, event, rule, _, _ in seen] == [(5, "large")]
