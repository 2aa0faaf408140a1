"""The overview answers: how is the portfolio doing? And the menu shows each role its own pages."""

from datetime import date

import pytest

from tests.ui.conftest import tables_on, words_on
from tests.ui.fake_backend import FakeBackend, a_portfolio
from tests.ui.fake_session import at
from tests.ui.some_cases import a_case, a_decided_case, a_waiting_case
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


def test_times_overrides_and_the_cost_of_evidence_are_told(open_page):
    """Each figure says what it is of: in its label, its help or the table."""
    app = open_page("overview", FakeBackend("analyst").with_case(a_decided_case()))
    said = words_on(app)
    assert "31 ms · 2 h" in said
    assert "12.5 %" in said
    assert "88.00 DEM" in said
    assert [metric.label for metric in app.metric].count("Override rate") == 1


def test_each_chart_has_its_figures_in_a_table(open_page):
    """Whoever cannot see a chart can read it."""
    app = open_page("overview", FakeBackend("analyst").with_case(a_decided_case()))
    tables = [list(table.columns) for table in tables_on(app)]
    assert [columns[0] for columns in tables] == ["Source", "Accepted", "Risk of default", "Decided in"]
    assert list(tables_on(app)[1]["Accepted"]) != []
    assert "too young" in str(tables_on(app)[3]["State"].tolist()).lower()


def test_filters_reach_the_api(open_page):
    """A chosen outcome and a day are asked for, and again with every refresh."""
    backend = FakeBackend("analyst").with_case(a_decided_case("decline"))
    app = open_page("overview", backend)
    backend.calls.clear()
    app.selectbox(key="outcome").select("decline").run()
    app.date_input(key="since").set_value(date(2026, 6, 1)).run()
    asked = [call for call in backend.calls if call[0] == "portfolio"]
    assert {"outcome=decline", "since=2026-06-01"} <= set(asked[-1])


def test_filters_that_nothing_fits_say_how_to_get_out(open_page):
    """Not the sentence of an empty house."""
    backend = FakeBackend("analyst").with_case(a_decided_case("approve"))
    app = open_page("overview", backend)
    app.selectbox(key="outcome").select("decline").run()
    assert "No application fits these filters" in words_on(app)


def test_a_source_that_is_paused_is_named_so(open_page):
    """Also when it answered most of the day."""
    backend = FakeBackend("analyst").with_case(a_decided_case())
    paused = a_portfolio()["sources"][0] | {"failures": 5, "open_until": at(minutes=-1)}
    backend.portfolio_changes = {"sources": [paused]}
    health = tables_on(open_page("overview", backend))[0]
    assert health["State"].tolist() == ["Paused"]


def test_prices_a_pack_does_not_give_are_no_zero(open_page):
    """A dash, and the help says why."""
    backend = FakeBackend("analyst").with_case(a_decided_case())
    free = {"currency": "DEM", "amount": "0.00", "inquiries": 3, "without_price": 3}
    backend.portfolio_changes = {"cost_of_evidence": [free]}
    metric = next(m for m in open_page("overview", backend).metric if m.label == "Cost of evidence")
    assert metric.value == "–"
    assert "no source of the product has a price" in metric.help


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
