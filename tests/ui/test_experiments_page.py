"""The experiments page answers: is the challenger better, and may we say so yet?"""

import pytest

from plimsoll.domain.models.experiment_plans import plan
from plimsoll.domain.models.experiment_readings import read
from plimsoll.domain.underwriting.product import OutcomeTerms
from tests.judged import PRODUCT
from tests.some_experiments import ON, a_baseline, a_question, some_dealt
from tests.ui.conftest import tables_on, words_on
from tests.ui.fake_backend import FakeBackend
from tests.ui.fake_session import at
from ui import experiment_charts as charts
from ui.backend import Forbidden, Json, Unreachable

TERMS = OutcomeTerms()


def an_experiment(state: str = "planned", rows: int = 0, **changes) -> Json:
    """As the API sends it: plan and reading made by the same code."""
    planned = plan(a_question(effect=0.1), a_baseline(), TERMS, "salt")
    reading = None
    if rows:
        reading = read(planned, some_dealt(rows, 0.2, 0.05), TERMS, PRODUCT.risk, ON).model_dump(mode="json")
    return {
        "id": "exp_1",
        "name": "consumer-credit",
        "product": "consumer-credit",
        "state": state,
        "plan": planned.model_dump(mode="json"),
        "champion": {"id": "mdl_1", "version": "first"},
        "challenger": {"id": "mdl_2", "version": "second"},
        "planned_by": "Olga Owner",
        "planned_at": at(days=3),
        "started_at": at(days=2) if state != "planned" else None,
        "stopped_at": None,
        "reading": reading,
    } | changes


def showing(*experiments: Json, role: str = "model_owner") -> FakeBackend:
    backend = FakeBackend(role, "Olga Owner")
    backend.experiments_there = list(experiments)
    return backend


def test_a_plan_says_how_many_and_how_long_before_anything_is_dealt(open_page):
    """The sample stands on the page before the start button is pressed."""
    said = words_on(open_page("experiments", showing(an_experiment())))
    assert "To find a difference of 0.1 in bad rate with power 80%" in said
    assert "months" in said
    assert "Start" in said


def test_a_reading_before_the_sample_is_no_verdict_however_large_the_difference(open_page):
    """Figures are shown, and that they are no verdict stands above them."""
    app = open_page("experiments", showing(an_experiment("running", rows=150)))
    assert not app.exception
    said = words_on(app)
    assert "No verdict yet: " in said
    assert len(app.get("vega_lite_chart")) == 1


def test_with_the_sample_in_the_verdict_is_said_with_its_look(open_page):
    """And the arms with their counts are there as a table."""
    app = open_page("experiments", showing(an_experiment("stopped", rows=900)))
    assert "the challenger is better" in words_on(app)
    assert [row["Arm"] for row in tables_on(app)[0].to_dict("records")] == ["Champion", "Challenger"]


def test_starting_needs_a_reason_and_reaches_the_api_with_it(open_page):
    """What goes on record is asked for first."""
    backend = showing(an_experiment())
    app = open_page("experiments", backend)
    app.button(key="start-exp_1").click().run()
    assert "Say the reason first" in words_on(app)
    app.text_input(key="reason-exp_1").set_value("the new one looks better").run()
    app.button(key="start-exp_1").click().run()
    assert ("move_experiment", "exp_1", "start", "the new one looks better") in backend.calls
    assert "Read it now" in words_on(app)


def test_who_may_only_read_sees_no_buttons_that_act(open_page):
    """An analyst reads; releasing is for others."""
    app = open_page("experiments", showing(an_experiment("running"), role="analyst"))
    labels = [button.label for button in app.button]
    assert "Read it now" in labels
    assert not {"Start", "Stop"} & set(labels)


def test_who_approves_may_stop_one_but_not_start_it(open_page):
    """As the API has it: whoever may hold a release may stop an experiment."""
    backend = showing(an_experiment("running"), role="model_approver")
    app = open_page("experiments", backend)
    app.text_input(key="reason-exp_1").set_value("complaints").run()
    app.button(key="stop-exp_1").click().run()
    assert ("move_experiment", "exp_1", "stop", "complaints") in backend.calls
    planned = open_page("experiments", showing(an_experiment(), role="model_approver"))
    assert "Start" not in [button.label for button in planned.button]


def test_an_experiment_is_planned_on_the_page(open_page):
    """With an approved version; what it takes stands on its card at once."""
    version = {"id": "mdl_2", "name": "consumer-credit", "version": "second", "product": "consumer-credit"}
    backend = showing().with_model(version | {"state": "approved", "role": None})
    backend.next_experiment = an_experiment()
    app = open_page("experiments", backend)
    assert "No experiment was planned yet" in words_on(app)
    next(button for button in app.button if button.label == "Say what it takes").click().run()
    assert ("plan_experiment", "bad_rate", "mdl_2", "consumer-credit") in backend.calls
    assert "To find a difference of 0.1 in bad rate" in words_on(app)
    assert "Start" in [button.label for button in app.button]


def test_without_an_approved_version_nothing_is_planned(open_page):
    """It says where one comes from."""
    assert "proposed and approved on the page Models" in words_on(open_page("experiments", showing()))


@pytest.mark.parametrize("problem", [Unreachable("The API does not answer."), Forbidden("Olga may not do this.")])
def test_a_problem_is_one_sentence(open_page, problem):
    """Nothing is shown as absent when it is unknown."""
    app = open_page("experiments", showing(an_experiment()).failing("experiments", problem))
    said = words_on(app)
    assert problem.sentence in said
    assert "No experiment was planned yet" not in said


def test_a_role_that_may_not_read_models_has_no_such_page(open_page):
    """A channel sees nothing of it."""
    assert "has no page in this console" in words_on(open_page("nothing", showing(role="channel")))


def test_the_chart_has_a_title_and_names_its_axis():
    """What is copied into a report still says what it shows."""
    reading = an_experiment("running", rows=900)
    told = charts.difference(reading["reading"]["comparison"], reading["plan"]["question"]).to_dict()
    assert told["title"]["text"].startswith("Difference")
    assert "challenger less champion" in told["layer"][-1]["encoding"]["x"]["title"]
