"""A customer's own rhythm, found and expected."""

from datetime import date, timedelta

import numpy as np
import pytest

from plimsoll.domain.watching.rhythm import Cycle, Rhythm, easter, holidays_of, rhythm_of
from plimsoll.domain.watching.state import NEVER, PACES

EPOCH = date(1970, 1, 1)
HOLIDAYS = holidays_of(["01-01", "12-25", "easter-2", "easter+1", "2026-06-15"], 2024, 2027)


def rhythm(days: list[str], amounts: list[int] | None = None) -> Rhythm:
    given = [(date.fromisoformat(day) - EPOCH).days for day in days][::-1]
    paid = (amounts or [1000] * len(days))[::-1]
    rest = PACES - len(given)
    return rhythm_of(np.array([given + [NEVER] * rest]), np.array([paid + [0] * rest]), HOLIDAYS)


def expected(found: Rhythm) -> date:
    return EPOCH + timedelta(days=int(found.expected[0]))


def late(found: Rhythm, day: str) -> float:
    return float(found.days_late(np.array([(date.fromisoformat(day) - EPOCH).days]))[0])


@pytest.mark.parametrize(
    ("days", "cycle", "next_one"),
    [
        (["2026-01-02", "2026-01-09", "2026-01-16", "2026-01-23"], Cycle.WEEKLY, "2026-01-30"),
        (["2026-01-02", "2026-01-16", "2026-01-30", "2026-02-13"], Cycle.TWO_WEEKLY, "2026-02-27"),
        (["2026-01-26", "2026-02-25", "2026-03-25"], Cycle.MONTHLY, "2026-04-27"),  # the 25th is a Saturday
        (["2026-01-01", "2026-02-02", "2026-03-02", "2026-04-01"], Cycle.MONTHLY, "2026-05-01"),
        (["2026-01-30", "2026-02-27", "2026-03-31", "2026-04-30"], Cycle.MONTHLY, "2026-06-01"),  # 30 May: Saturday
    ],
)
def test_a_rhythm_is_found_and_the_next_day_expected(days: list[str], cycle: Cycle, next_one: str) -> None:
    found = rhythm(days)
    assert found.cycle[0] == cycle
    assert expected(found) == date.fromisoformat(next_one)


def test_a_holiday_moves_what_is_expected_and_not_what_comes_after() -> None:
    found = rhythm(["2026-04-15", "2026-05-15", "2026-06-16"])  # 15 June is a holiday here
    assert expected(found) == date(2026, 7, 15)
    assert expected(rhythm(["2026-03-16", "2026-04-15", "2026-05-15"])) == date(2026, 6, 16)


def test_a_week_moved_by_a_holiday_does_not_move_the_weeks_after() -> None:
    fridays = ["2026-02-20", "2026-02-27", "2026-03-06", "2026-03-13", "2026-03-20", "2026-03-27"]
    moved = [*fridays, "2026-04-07", "2026-04-10"]  # Good Friday's came on Tuesday
    assert expected(rhythm(moved)) == date(2026, 4, 17)


def test_lateness_begins_after_what_is_usual_here() -> None:
    punctual = rhythm(["2026-02-25", "2026-03-25", "2026-04-27"])
    assert [late(punctual, day) for day in ("2026-05-25", "2026-05-26", "2026-06-01")] == [0, 1, 7]
    slow = rhythm(["2026-01-26", "2026-02-25", "2026-03-27", "2026-04-27"])  # once two days after
    assert late(slow, "2026-05-27") == 0


def test_a_rhythm_that_ended_long_ago_makes_nobody_late() -> None:
    assert np.isnan(late(rhythm(["2026-01-26", "2026-02-25", "2026-03-25"]), "2026-09-01"))


def test_irregular_days_are_no_rhythm() -> None:
    assert rhythm(["2026-01-02", "2026-01-05", "2026-02-20", "2026-02-22", "2026-05-11"]).cycle[0] == Cycle.NONE
    assert rhythm(["2026-01-25", "2026-02-25"]).cycle[0] == Cycle.NONE


def test_a_small_repayment_under_the_name_of_a_salary_is_none() -> None:
    days = ["2026-01-26", "2026-02-25", "2026-03-05", "2026-03-25", "2026-04-27"]
    found = rhythm(days, [3000, 3000, 40, 3000, 3000])
    assert (found.cycle[0], expected(found)) == (Cycle.MONTHLY, date(2026, 5, 25))


def test_easter_is_found_in_any_year() -> None:
    assert [easter(year) for year in (1993, 2024, 2025)] == [date(1993, 4, 11), date(2024, 3, 31), date(2025, 4, 20)]
