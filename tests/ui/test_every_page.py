"""What holds on every page alike: an API that is away or refuses is a sentence, an empty house says what to do."""

from typing import Any

import pytest

from plimsoll.domain.models.performance import performance_report
from tests.judged import AS_OF, PRODUCT, some_decisions
from tests.ui.care import CareBackend, a_stream
from tests.ui.conftest import tables_on, words_on
from tests.ui.fake_backend import FakeBackend
from tests.ui.test_house_pages import HouseBackend
from ui.backend import Forbidden, Problem, Unreachable
from ui.gate import PAGES

EVERY = sorted(page.removeprefix("/") for page in PAGES)
ASKED_FOR = {"case": {"id": "app_0000000001"}, "trace": {"id": "LOAN-1"}}


class Shut:
    """Knows who somebody is, and has this one answer to everything else."""

    def __init__(self, role: str, problem: Problem) -> None:
        self._role = role
        self._problem = problem

    def who_am_i(self) -> Any:
        return FakeBackend(self._role).who_am_i()

    def refreshing(self) -> "Shut":
        return self

    def __getattr__(self, name: str) -> Any:
        def refuse(*given: Any, **more: Any) -> None:
            raise self._problem

        return refuse


class NewHouse(HouseBackend, CareBackend):
    """Nothing came in, nobody was trained, nothing is on record."""

    def __init__(self, role: str = "admin") -> None:
        super().__init__(role, "Nora New")
        self.stream_now = a_stream(newest=0, behind=0, levels={})
        nothing = performance_report(PRODUCT, some_decisions(0), AS_OF)
        self.performances = {"consumer-credit": nothing.model_dump(mode="json")}


@pytest.mark.parametrize("page", EVERY)
@pytest.mark.parametrize(
    "problem", [Forbidden("Nora may not do this."), Unreachable("The API does not answer.")], ids=["forbidden", "away"]
)
def test_an_api_that_is_away_or_refuses_everything_is_one_sentence(open_page, page, problem):
    """No stack trace, and no table, chart or figure that looks like an answer."""
    app = open_page(page, Shut("admin", problem), **ASKED_FOR.get(page, {}))
    assert not app.exception
    assert problem.sentence in words_on(app)
    assert not [*app.metric, *tables_on(app), *app.get("vega_lite_chart")]


@pytest.mark.parametrize("page", EVERY)
def test_a_new_house_has_no_page_that_fails_or_stands_empty(open_page, page):
    """Beyond its title a page says what is not there yet."""
    app = open_page(page, NewHouse(), **ASKED_FOR.get(page, {}))
    assert not app.exception
    assert len(words_on(app)) > 60
