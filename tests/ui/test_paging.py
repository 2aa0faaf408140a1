"""Lists longer than a page: every page of the console turns them the same way, and loads no more than it shows."""

from collections.abc import Callable

import pytest

from tests.ui.care import CareBackend, a_call, a_customer, an_episode
from tests.ui.conftest import words_on
from tests.ui.fake_backend import FakeBackend
from tests.ui.fake_session import at
from tests.ui.some_cases import a_case, a_review, a_waiting_case
from ui.backend import NotThere

MANY = 120


def a_long_queue(many: int = MANY) -> FakeBackend:
    desk = FakeBackend()
    for number in range(many):
        desk.with_case(a_case(review=a_review(f"rev_{number}", due_at=at(minutes=-number - 1))))
    return desk


def many_runs(many: int = MANY) -> FakeBackend:
    backend = FakeBackend("admin")
    for _ in range(many):
        backend.with_case(a_waiting_case())
    return backend


def many_customers(many: int = MANY) -> CareBackend:
    return CareBackend().with_customer(*(a_customer(n) for n in range(many)))


def many_episodes(many: int = MANY) -> CareBackend:
    return CareBackend().with_episode(*(an_episode(n) for n in range(many)))


def many_calls(many: int = MANY) -> CareBackend:
    return CareBackend().with_call(*(a_call(n) for n in range(many)))


LONG: dict[str, tuple[str, Callable[..., FakeBackend]]] = {
    "queue": ("queue", a_long_queue),
    "workflows": ("runs", many_runs),
    "customers": ("customers", many_customers),
    "interventions": ("interventions", many_episodes),
    "collectors": ("calls", many_calls),
}


def rows_on(app) -> list[str]:
    """The first link of each row."""
    targets = [link.proto.query_string for link in app.get("page_link") if link.proto.label.startswith("…")]
    return list(dict.fromkeys(targets))


@pytest.mark.parametrize("page", LONG)
def test_turning_the_pages_shows_every_row_once_and_comes_back(open_page, page):
    """Fifty, fifty, twenty; then there is nothing further."""
    name, backend = LONG[page]
    app = open_page(page, backend())
    first = rows_of(app, page)
    app.button(key=f"older-{name}").click().run()
    second = rows_of(app, page)
    assert "50 rows, from number 51" in words_on(app)
    app.button(key=f"older-{name}").click().run()
    third = rows_of(app, page)
    assert [len(first), len(second), len(third)] == [50, 50, 20]
    assert len({*first, *second, *third}) == MANY
    assert f"older-{name}" not in {button.key for button in app.button}
    app.button(key=f"newer-{name}").click().run()
    assert rows_of(app, page) == second


@pytest.mark.parametrize("page", LONG)
def test_of_ten_thousand_rows_fifty_are_drawn(open_page, page):
    """No page loads more than it shows."""
    _, backend = LONG[page]
    app = open_page(page, backend(10_000))
    assert len(rows_of(app, page)) == 50
    assert "50 rows, from number 1" in words_on(app)


def rows_of(app, page: str) -> list[str]:
    """An episode's row links to its customer too."""
    return [row for row in rows_on(app) if page != "interventions" or "int_" in row]


def test_another_filter_begins_at_the_first_page_again(open_page):
    """Not in the middle of another list."""
    app = open_page("queue", a_long_queue())
    app.button(key="older-queue").click().run()
    app.get("pills")[0].set_value("free").run()
    assert "newer-queue" not in {button.key for button in app.button}
    assert len(rows_on(app)) == 50


def test_a_filter_of_the_queue_is_asked_of_the_api_and_not_of_one_page(open_page):
    """The only case of mine is found although a hundred others are more urgent."""
    desk = a_long_queue()
    mine = a_review("rev_mine", due_at=at(days=-5), claimed_by=desk.name, state="claimed", lease_until=at(minutes=-9))
    desk.with_case(a_case(amount="777.00", review=mine))
    app = open_page("queue", desk)
    assert "121 waiting" in words_on(app)
    app.get("pills")[0].set_value("mine").run()
    assert "777.00 DEM, 24 months" in words_on(app)
    assert len(rows_on(app)) == 1


def test_a_place_that_is_gone_leads_back_to_the_beginning(open_page):
    """The customer at the end of the page before was erased meanwhile."""
    backend = many_customers()
    app = open_page("customers", backend)
    first = rows_on(app)
    real = backend.customers

    def gone(level: str | None = None, after: str | None = None, limit: int = 50):
        if after:
            raise NotThere("There is no customer to go on after.")
        return real(level, after, limit)

    backend.customers = gone
    app.button(key="older-customers").click().run()
    assert rows_on(app) == first
