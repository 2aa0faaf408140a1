"""The workflows page answers: what is running, waiting, stuck?"""

from tests.ui.conftest import words_on
from tests.ui.fake_backend import FakeBackend
from tests.ui.fake_session import at
from tests.ui.some_cases import a_case, a_decided_case, a_waiting_case
from ui.backend import Unreachable


def some_runs(role: str = "admin") -> FakeBackend:
    backend = FakeBackend(role).with_case(a_case()).with_case(a_waiting_case("bureau")).with_case(a_decided_case())
    backend.sources = [{"source": "bureau", "failures": 6, "open_until": at(seconds=-40)}]
    return backend


def test_it_shows_what_is_not_finished_and_what_it_waits_on(open_page):
    """Decided cases are not in the way; waiting ones name their source."""
    app = open_page("workflows", some_runs())
    said = words_on(app)
    assert "Waits on a source" in said
    assert "Credit bureau" in said
    assert "Approved" not in said


def test_the_status_filter_reaches_the_api(open_page):
    """Choosing a status asks for that status."""
    backend = some_runs()
    app = open_page("workflows", backend)
    app.selectbox(key="status").set_value("decided").run()
    assert ("runs", "decided", "") in backend.calls
    assert "Approved" in words_on(app)


def test_one_may_ask_for_what_waits_on_one_source(open_page):
    """The sources are those the products ask, by their names for people."""
    backend = some_runs()
    app = open_page("workflows", backend)
    assert app.selectbox(key="source").options == ["Any source, or none", "Credit bureau", "Bank", "Public registers"]
    app.selectbox(key="source").set_value("bureau").run()
    assert backend.calls[-1][-1] == "bureau"


def test_a_source_in_trouble_is_told_with_failures_and_next_try(open_page):
    """Health is a sentence: how often it failed, who waits, when it is tried again."""
    said = words_on(open_page("workflows", some_runs()))
    assert "Paused" in said
    assert "6 failures in a row" in said
    assert "1 case waits, the longest for" in said


def test_an_admin_resumes_everything_parked_on_a_source_with_a_reason(open_page):
    """The button calls the API once, for that source."""
    backend = some_runs()
    page = open_page("workflows", backend)
    page.button(key="resume-bureau").click().run()
    assert "Say why in a few words" in words_on(page)
    page.text_input(key="why-bureau").input("It is back").run()
    page.button(key="resume-bureau").click().run()
    assert ("resume", "bureau", "It is back") in backend.calls


A_TRAINING = {"kind": "training", "id": "trn_" + "1" * 26, "product": "consumer-credit", "state": "running",
              "started_at": at(minutes=4), "waits_on": None, "until": None, "ui": None}  # fmt: skip


def test_runs_that_are_no_cases_are_counted_and_listed_by_type(open_page):
    backend = FakeBackend("admin", "Ada Admin")
    episode = A_TRAINING | {"kind": "intervention", "id": "int_" + "2" * 26, "state": "treating", "waits_on": "reply",
                            "until": at(days=-2), "ui": "http://127.0.0.1:8233/x"}  # fmt: skip
    backend.others = [A_TRAINING, episode]
    page = open_page("workflows", backend)
    assert "Under way besides: Interventions 1, Trainings 1." in words_on(page)
    page.button_group(key="kind").select("intervention").run()
    said = words_on(page)
    assert "…2222222" in said
    assert "…1111111" not in said
    assert "until " in said


def test_an_admin_retries_and_withdraws_a_case_with_a_reason(open_page):
    case = a_waiting_case()
    backend = FakeBackend("admin", "Ada Admin").with_case(case)
    page = open_page("case", backend, id=case["id"])
    page.button(key=f"retry-{case['id']}-now").click().run()
    assert "Say why in a few words" in words_on(page)
    page.text_input(key=f"retry-{case['id']}").input("Bureau is back").run()
    page.button(key=f"retry-{case['id']}-now").click().run()
    assert "1 step is tried now." in words_on(page)
    page.text_input(key=f"withdraw-{case['id']}").input("Asked by phone").run()
    page.button(key=f"withdraw-{case['id']}-now").click().run()
    assert ("withdraw", case["id"], "Asked by phone") in backend.calls


def test_a_reviewer_is_not_offered_to_resume(open_page):
    """Only roles that may."""
    assert "Try again now" not in words_on(open_page("workflows", some_runs("reviewer")))


def test_the_engine_away_is_said_plainly(open_page):
    """The list still comes, from Postgres."""
    backend = some_runs()
    backend.engine = "away"
    said = words_on(open_page("workflows", backend))
    assert "The workflow engine (Temporal) is away" in said
    assert "With a person" in said


def test_no_runs_is_a_sentence(open_page):
    """An empty list says what to do."""
    assert "No run fits this filter" in words_on(open_page("workflows", FakeBackend("admin")))


def test_an_api_that_is_away_is_one_sentence(open_page):
    """Not a stack trace."""
    backend = some_runs().failing("runs", Unreachable("The API does not answer."))
    app = open_page("workflows", backend)
    assert not app.exception
    assert "The API does not answer." in words_on(app)


def test_what_does_not_get_on_is_asked_for_as_stuck(open_page):
    backend = FakeBackend("admin", "Ada Admin")
    page = open_page("workflows", backend)
    page.selectbox(key="status").select("stuck").run()
    assert ("runs", "received", "screening", "", "stuck") in backend.calls
