"""What the house takes in, by what it has been seen to decide."""

import pytest

from plimsoll.domain.errors import TooBusy
from starter.api.admission import ENOUGH, LONGEST_RETRY, Admission, Look, Pace

COUNT, SECONDS = 2000, 20


def an_admission(*looks: Look, engine_is_up: bool = True) -> Admission:
    admission = Admission(never_asked, lambda: engine_is_up, COUNT, SECONDS)
    for look in looks:
        admission.see(look)
    return admission


def a_storm(pace: int, growth: int, seconds: int, begin: int = ENOUGH) -> list[Look]:
    """A look a second at a house that decides at this pace while its backlog grows."""
    return [Look(at=n, undecided=begin + n * growth, weighed=n * pace) for n in range(seconds + 1)]


def test_twenty_seconds_of_work_are_taken_and_no_more():
    last = Look(at=9, undecided=19 * SECONDS - 1, weighed=9 * 19)
    admission = an_admission(*a_storm(pace=19, growth=10, seconds=8), last)
    admission.must_have_room()
    with pytest.raises(TooBusy, match="380 applications"):
        admission.must_have_room()


def test_a_faster_house_takes_more():
    admission = an_admission(*a_storm(pace=60, growth=50, seconds=10))
    admission.must_have_room()


def test_whoever_is_refused_may_come_back_when_half_is_decided():
    full = Look(at=10, undecided=400, weighed=10 * 20)
    with pytest.raises(TooBusy) as refused:
        an_admission(*a_storm(pace=20, growth=30, seconds=9), full).must_have_room()
    assert refused.value.details["retry_after"] == 10


def test_a_house_that_decides_nothing_takes_in_up_to_its_number():
    """Starts held, no worker up: no pace says how long it will take, and accepting needs nobody who decides."""
    admission = an_admission(*a_storm(pace=0, growth=100, seconds=9))
    admission.must_have_room()
    with pytest.raises(TooBusy) as refused:
        an_admission(Look(at=0, undecided=COUNT, weighed=0)).must_have_room()
    assert refused.value.details["retry_after"] == LONGEST_RETRY


def test_no_house_takes_more_than_its_number_however_fast():
    with pytest.raises(TooBusy):
        an_admission(*a_storm(pace=500, growth=300, seconds=7)).must_have_room()


def test_while_the_engine_is_away_everything_is_taken():
    admission = an_admission(*a_storm(pace=10, growth=1000, seconds=9), engine_is_up=False)
    admission.must_have_room()


def test_a_rush_after_a_quiet_hour_is_not_measured_by_the_quiet_hour():
    """One application a second was decided because no more came."""
    quiet = [Look(at=n, undecided=1, weighed=n) for n in range(10)]
    an_admission(*quiet, Look(at=10, undecided=300, weighed=11)).must_have_room()


def test_the_pace_is_that_of_the_last_seconds():
    pace = Pace()
    for look in a_storm(pace=100, growth=0, seconds=30):
        pace.see(look)
    for n in range(1, 12):
        pace.see(Look(at=30 + n, undecided=ENOUGH, weighed=3000 + n * 7))
    assert pace.a_second == 7


def test_before_the_first_look_everybody_is_let_in():
    an_admission().must_have_room()


async def never_asked() -> dict[str, int]:
    raise AssertionError("the looks of these tests are given")
