"""The overview answers: how is the portfolio doing? And the menu shows each role its own pages."""

import pytest

from tests.ui.conftest import words_on
from tests.ui.fake_backend import FakeBackend, a_case, a_decided_case, a_waiting_case
from ui.backend import Unreachable


def test_it_shows_counts_rates_and_what_waits(open_page):
    """Shares carry a per cent sign."""
    backend = FakeBackend("analyst").with_case(a_case()).with_case(a_waiting_case("bank"))
    for outcome, source in (("approve", "model"), ("approve", "model"), ("decline", "rule"), ("decline", "person")):
        backend.with_case(a_decided_case(outcome, source))
    said = words_on(open_page("overview", backend))
    assert "50.0 %" in said
    assert "75.0 %" in said
    assert "Bank: 1 case" in said
    assert "1 case waits for a person" in said


def test_before_the_first_application_it_says_how_to_send_one(open_page):
    """The empty state of a fresh installation."""
    assert "No application has come in yet" in words_on(open_page("overview", FakeBackend("analyst")))


def test_an_api_that_is_away_is_one_sentence(open_page):
    """Rates are not shown as zero when they are unknown."""
    backend = FakeBackend("analyst").failing("portfolio", Unreachable("The API does not answer."))
    app = open_page("overview", backend)
    assert "The API does not answer." in words_on(app)
    assert not app.metric


def test_a_reviewer_starts_at_the_queue(open_page):
    """`/` leads to the page the role works on."""
    assert open_page("home", FakeBackend("reviewer")).title[0].value == "Queue"


def test_everyone_else_starts_at_the_overview(open_page):
    """Those who only read see how things stand first."""
    assert open_page("home", FakeBackend("auditor")).title[0].value == "Overview"


def test_a_role_without_pages_is_told_so(open_page):
    """A channel's key signs in and finds one sentence instead of an empty frame."""
    said = words_on(open_page("nothing", FakeBackend("channel")))
    assert "has no page in this console" in said


@pytest.mark.parametrize("page", ["overview", "queue", "workflows"])
def test_every_page_asks_again_who_it_is(open_page, page):
    """A session revoked meanwhile ends with the next run of any page."""
    backend = FakeBackend("admin").with_case(a_case())
    app = open_page(page, backend)
    backend.calls.clear()
    app.run()
    assert ("who_am_i",) in backend.calls


def test_a_case_is_found_by_the_lenders_own_number(open_page):
    """The search on the left takes our id and theirs."""
    case = a_case(external_id="LOAN-77")
    app = open_page("overview", FakeBackend("analyst").with_case(case))
    app.text_input(key="find").set_value("LOAN-77").run()
    assert "4,800.00 DEM over 24 months" in words_on(app)
