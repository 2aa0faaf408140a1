"""The performance page answers: how did our forecasts turn out?"""

import numpy as np
import pytest

from plimsoll.domain.models.outcomes import Mark
from plimsoll.domain.models.performance import Judged, performance_report
from tests.judged import AS_OF, PRODUCT, some_decisions, together
from tests.ui.conftest import tables_on, words_on
from tests.ui.fake_backend import FakeBackend
from tests.ui.some_cases import a_decided_case
from ui import performance_charts as charts
from ui.backend import Forbidden, Unreachable


def a_report(judged: Judged) -> dict:
    """As the API sends it: made by the same code, so that the page cannot drift from it."""
    return performance_report(PRODUCT, judged, AS_OF).model_dump(mode="json")


def showing(judged: Judged, role: str = "analyst") -> FakeBackend:
    backend = FakeBackend(role)
    backend.performances = {"consumer-credit": a_report(judged)}
    return backend


def two_vintages() -> Judged:
    young = some_decisions(60, seed=4, vintage="2026-08", bad=np.full(60, np.nan))
    young.marks[Mark.FIRST_PAYMENT_DEFAULT][:3] = 1
    return together(some_decisions(900, vintage="2025-05"), some_decisions(900, seed=5, vintage="2025-06"), young)


def test_it_shows_what_was_predicted_and_seen_with_charts_and_the_matrix(open_page):
    """Figures carry units and intervals, and what they cannot say stands above them."""
    app = open_page("performance", showing(two_vintages()))
    assert not app.exception
    said = words_on(app)
    assert "1,800 of 1,860" in said
    assert "Nobody was declined" in said
    assert "2026-08: younger than 12 months" in said
    assert "At the cut that is live now" in said
    assert len(app.get("vega_lite_chart")) == 3


def test_young_vintages_show_their_early_marks(open_page):
    """A rate taken too soon is not shown as a bad rate."""
    app = open_page("performance", showing(two_vintages()))
    tables = [table.to_dict("records") for table in tables_on(app)]
    early = next(rows for rows in tables if "Mark" in rows[0])
    assert early[0]["Mark"] == "First payment default"
    assert early[0]["Seen"] == "3 of 60 granted"


def test_the_figures_behind_the_charts_are_there_to_read(open_page):
    """Nobody has to guess a number from a picture."""
    app = open_page("performance", showing(two_vintages()))
    tables = [table.to_dict("records") for table in tables_on(app)]
    vintages = next(rows for rows in tables if "Granted" in rows[0])
    assert [row["State"] for row in vintages] == ["Ripe", "Ripe", "Too young to judge"]


def test_before_any_outcome_it_says_how_to_report_one(open_page):
    """The empty state of a stack that has decided but learnt nothing."""
    app = open_page("performance", showing(some_decisions(5, vintage="2026-11", bad=np.full(5, np.nan))))
    assert "Load outcomes with `plimsoll outcome load FILE`" in words_on(app)


def test_before_any_decision_it_says_so(open_page):
    """The empty state of a fresh installation."""
    assert "Nothing is decided yet" in words_on(open_page("performance", showing(some_decisions(0))))


def test_it_opens_on_the_product_of_which_something_was_decided(open_page):
    """Whoever made a product of their own last sees its figures, and not an empty page of another."""
    backend = showing(some_decisions(0)).with_case(a_decided_case("approve") | {"product": "our-loans"})
    backend.products_there = ["consumer-credit", "our-loans"]
    backend.performances["our-loans"] = a_report(two_vintages())
    app = open_page("performance", backend)
    assert app.selectbox(key="of_product").value == "our-loans"
    assert "1,800 of 1,860" in words_on(app)


def test_when_all_ended_alike_the_page_draws_what_it_can(open_page):
    """No order, no slope, and no crash."""
    app = open_page("performance", showing(some_decisions(40, bad=np.zeros(40))))
    assert not app.exception
    assert "nothing can be said of the order" in words_on(app)


@pytest.mark.parametrize("problem", [Unreachable("The API does not answer."), Forbidden("Rosa may not do this.")])
def test_a_problem_is_one_sentence(open_page, problem):
    """No figure is shown as zero when it is unknown."""
    app = open_page("performance", showing(some_decisions(10)).failing("performance", problem))
    assert problem.sentence in words_on(app)
    assert not app.metric


def test_a_role_that_may_not_read_models_has_no_such_page(open_page):
    """A channel sees nothing of it."""
    assert "has no page in this console" in words_on(open_page("nothing", showing(some_decisions(10), "channel")))


def test_every_chart_has_a_title_and_names_its_axes():
    """A chart that is copied into a report still says what it shows."""
    found = a_report(two_vintages())
    drawn = [charts.bad_rate_by_vintage(found["vintages"]), charts.auc_by_vintage(found["vintages"]),
             charts.reliability(found["overall"])]  # fmt: skip
    for chart in drawn:
        told = chart.to_dict()
        assert told["title"]["text"]
        titles = {layer["encoding"][axis].get("title") for layer in told["layer"] for axis in ("x", "y")
                  if axis in layer.get("encoding", {})}  # fmt: skip
        assert titles - {None}
