"""The queue page answers: what should I work on?"""

from tests.ui.conftest import words_on
from tests.ui.fake_backend import FakeBackend
from tests.ui.fake_session import at
from tests.ui.some_cases import a_case, a_review
from ui.backend import Forbidden, Unreachable


def a_desk() -> FakeBackend:
    return (
        FakeBackend()
        .with_case(a_case(amount="1200.00", review=a_review("rev_late", due_at=at(minutes=20))))
        .with_case(a_case(amount="3300.00", priority="urgent", review=a_review("rev_urgent")))
        .with_case(
            a_case(
                amount="7700.00",
                review=a_review("rev_held", claimed_by="Otto Other", state="claimed", lease_until=at(minutes=-10)),
            )
        )
    )


def test_it_lists_the_cases_with_amounts_reasons_and_time_left(open_page):
    """Money carries its currency, and what is late says by how much."""
    app = open_page("queue", a_desk())
    said = words_on(app)
    assert not app.exception
    assert "1,200.00 DEM, 24 months" in said
    assert "Too close to the cut" in said
    assert "overdue by 20 min" in said
    assert "1 overdue" in said


def test_an_empty_queue_says_so(open_page):
    """An empty state is a sentence, not an empty table."""
    assert "Nobody waits for a person" in words_on(open_page("queue", FakeBackend()))


def test_the_filter_shows_what_nobody_has(open_page):
    """A case held by somebody else disappears under "Nobody has it"."""
    app = open_page("queue", a_desk())
    app.get("pills")[0].set_value("free").run()
    assert "7,700.00 DEM, 24 months" not in words_on(app)


def test_a_filter_that_fits_nothing_says_what_to_do(open_page):
    """The reader is told to choose another filter, not that the queue is empty."""
    app = open_page("queue", a_desk())
    app.get("pills")[0].set_value("mine").run()
    assert "No case fits this filter" in words_on(app)


def two_queues() -> FakeBackend:
    cars = a_review("rev_car", queue="car_loans", due_at=at(minutes=-5))
    return a_desk().with_case(a_case(amount="9900.00", review=cars))


def test_where_there_are_two_queues_one_is_chosen_and_each_is_counted(open_page):
    """The choice is asked of the API, and the counts above the list are of what it shows."""
    app = open_page("queue", two_queues())
    assert "Car loans: 1 waiting, 1 free · Credit: 3 waiting, 2 free" in words_on(app)
    assert "4 waiting" in words_on(app)
    assert sum(text.value.endswith("\nCredit") for text in app.text) == 3
    app.get("pills")[1].set_value("car_loans").run()
    said = words_on(app)
    assert "9,900.00 DEM, 24 months" in said
    assert "1,200.00 DEM" not in said
    assert ":gray-badge[1 waiting]" in said


def test_take_next_takes_from_the_queue_that_is_looked_at(open_page):
    """Not the most urgent of another."""
    desk = two_queues()
    app = open_page("queue", desk)
    app.get("pills")[1].set_value("car_loans").run()
    app.button(key="take-next").click().run()
    assert [call for call in desk.calls if call[0] == "claim"] == [("claim", "rev_car")]


def test_with_one_queue_there_is_nothing_to_choose(open_page):
    """No filter that has one answer."""
    assert len(open_page("queue", a_desk()).get("pills")) == 1


def test_taking_the_next_claims_the_most_urgent_free_case_and_opens_it(open_page):
    """One key press leads from the queue to the work."""
    desk = a_desk()
    app = open_page("queue", desk)
    app.button(key="take-next").click().run()
    assert ("claim", "rev_urgent") in desk.calls
    assert "3,300.00 DEM over 24 months" in words_on(app)


def test_taking_the_next_goes_on_when_somebody_was_faster(open_page):
    """A conflict on one case is not the reviewer's problem."""
    desk = a_desk()
    app = open_page("queue", desk)
    review = desk.cases[next(iter(desk.cases))]["review"]
    assert review["id"] == "rev_late"
    urgent = next(case["review"] for case in desk.cases.values() if case["review"]["id"] == "rev_urgent")
    desk.queue = lambda **_: {"data": [row | {"claimed_by": None, "lease_until": None} for row in rows],
                              "has_more": False, "after": None}  # fmt: skip
    rows = FakeBackend.queue(desk)["data"]
    urgent |= {"state": "claimed", "claimed_by": "Otto Other", "lease_until": at(minutes=-10)}
    app.button(key="take-next").click().run()
    assert review["claimed_by"] == desk.name


def test_an_analyst_reads_the_queue_and_cannot_take(open_page):
    """What a role may not do is not offered."""
    desk = a_desk().as_another("Anna Analyst", "analyst")
    app = open_page("queue", desk)
    assert "1,200.00 DEM, 24 months" in words_on(app)
    assert "Take next" not in [button.label for button in app.button]


def test_an_api_that_is_away_is_said_in_one_sentence(open_page):
    """No stack trace, no empty table that looks like an empty queue."""
    desk = a_desk().failing("queue", Unreachable("The API at http://x does not answer: `plimsoll doctor` says more."))
    app = open_page("queue", desk)
    assert not app.exception
    assert "does not answer" in words_on(app)
    assert "Nobody waits for a person" not in words_on(app)


def test_a_refusal_is_said(open_page):
    """A role that lost its permission meanwhile is told so."""
    desk = a_desk().failing("queue", Forbidden("Rosa may not do this: it needs the permission reviews:read."))
    assert "it needs the permission reviews:read" in words_on(open_page("queue", desk))
