"""The releases page answers: which model is on its way, and may it go on?"""

import numpy as np
import pytest

from plimsoll.domain.models.gates import Arm, read_gate
from plimsoll.domain.models.rollout import usual_plan
from tests.ui.conftest import tables_on, words_on
from tests.ui.fake_backend import FakeBackend
from tests.ui.fake_session import at
from ui.backend import Forbidden, Json, Unreachable

PLAN = usual_plan()


def some_gates(slower: float = 1.0) -> list[Json]:
    """Measured by the code that judges, so that the page cannot drift from it."""
    old = Arm(durations=np.random.default_rng(0).gamma(4, 1, 2000), scored=2000, failed=2)
    new = Arm(durations=np.random.default_rng(1).gamma(4, slower, 500), scored=500, failed=1)
    return [read_gate(gate, new, old).model_dump(mode="json") for gate in PLAN.gates]


def a_rollout(state: str = "running", phase: int = 1, gates: list[Json] | None = None, **changes) -> Json:
    evaluations = (
        [] if gates is None else [{"phase": phase, "verdict": "pass", "gates": gates, "evaluated_at": at(hours=1)}]
    )
    return {
        "id": "rol_1",
        "product": "consumer-credit",
        "model": {"id": "mdl_2", "name": "consumer-credit", "version": "second"},
        "before": {"id": "mdl_1", "name": "consumer-credit", "version": "first"},
        "state": state,
        "phase": PLAN.phases[phase].name,
        "share": PLAN.phases[phase].share,
        "phase_since": at(hours=10),
        "deadline": at(hours=-38),
        "reason": "no gate objects after shadow",
        "plan": PLAN.model_dump(mode="json"),
        "started_by": "Olga Owner",
        "started_at": at(hours=34),
        "ended_at": None,
        "ui": None,
        "evaluations": evaluations,
    } | changes


def showing(*rollouts: Json, role: str = "model_owner") -> FakeBackend:
    backend = FakeBackend(role, "Olga Owner")
    backend.rollouts_there = list(rollouts)
    return backend


def test_it_shows_the_phase_the_gates_and_why_it_is_there(open_page):
    """Two charts, and the sentence of the last move."""
    app = open_page("releases", showing(a_rollout(gates=some_gates())))
    assert not app.exception
    said = words_on(app)
    assert "second against first, phase 10 %" in said
    assert "no gate objects after shadow" in said
    assert len(app.get("vega_lite_chart")) == 2


def test_each_gate_stands_with_its_value_interval_limit_and_counts(open_page):
    """Nobody has to guess a number from a picture."""
    app = open_page("releases", showing(a_rollout(gates=some_gates(slower=2.0))))
    rows = tables_on(app)[0].to_dict("records")
    latency = next(row for row in rows if row["Gate"].startswith("Latency"))
    assert (latency["Stands"], latency["Limit"], latency["New"], latency["Old"]) == (
        "Beyond the limit", "0.2", "500", "2,000",
    )  # fmt: skip
    fairness = next(row for row in rows if row["Gate"].startswith("Fairness"))
    assert (fairness["Stands"], fairness["Value"]) == ("Not sure yet", "–")


def test_without_a_measurement_it_says_that_there_are_too_few(open_page):
    """An empty chart would look like a gate that passes."""
    assert "Too few applications yet" in words_on(open_page("releases", showing(a_rollout())))


def test_a_release_that_ended_is_looked_back_at_with_its_gates_and_why(open_page):
    """Why it rolled back is asked after it did. Nothing can be done to it any more."""
    over = a_rollout("rolled_back", gates=some_gates(slower=2.0), ended_at=at(hours=1), deadline=None,
                     reason="latency is beyond its limit")  # fmt: skip
    app = open_page("releases", showing(over))
    assert not app.exception
    assert "latency is beyond its limit" in words_on(app)
    assert len(app.get("vega_lite_chart")) == 2
    assert not {"Pause", "Roll back"} & {button.label for button in app.button}


def test_beside_one_under_way_those_that_ended_open_when_asked_for(open_page):
    """What goes on now comes first."""
    over = a_rollout("rolled_back", gates=some_gates(), ended_at=at(hours=1), deadline=None, id="rol_0")
    app = open_page("releases", showing(a_rollout(gates=some_gates()), over))
    assert len(app.get("vega_lite_chart")) == 2
    app.selectbox(key="ended-release").select("rol_0").run()
    assert len(app.get("vega_lite_chart")) == 4


def test_it_is_taken_back_with_a_reason(open_page):
    """What goes on record is typed by who does it."""
    backend = showing(a_rollout(gates=some_gates()))
    app = open_page("releases", backend)
    app.text_input(key="reason-rol_1").set_value("complaints").run()
    app.button(key="rollback-rol_1").click().run()
    assert ("move_rollout", "rol_1", "rollback", "complaints") in backend.calls

    assert "Taken back: the old version decides" in words_on(app)


def test_without_a_reason_nothing_moves(open_page):
    """The button says what is missing."""
    backend = showing(a_rollout(gates=some_gates()))
    app = open_page("releases", backend)
    app.button(key="promote-rol_1").click().run()
    assert "Say why in a few words" in words_on(app)
    assert not [call for call in backend.calls if call[0] == "move_rollout"]


def a_version(state: str = "approved", **changes) -> Json:
    return {"id": "mdl_2", "name": "consumer-credit", "version": "second", "state": state, "role": None} | changes


def test_an_approved_version_that_nobody_decides_with_is_begun_with_a_reason(open_page):
    """In the shadow of the live one; its card stands on the page at once."""
    backend = showing().with_model(a_version()).with_model(a_version("candidate", id="mdl_3"))
    backend.with_model(a_version(id="mdl_1", version="first", role="champion"))
    backend.next_rollout = a_rollout(phase=0)
    app = open_page("releases", backend)
    assert app.selectbox(key="begin-version").options == ["consumer-credit@second"]
    app.button(key="begin").click().run()
    assert "Say why in a few words" in words_on(app)
    app.text_input(key="begin-reason").set_value("better on the hold-out").run()
    app.button(key="begin").click().run()
    assert ("begin_rollout", "mdl_2", "better on the hold-out") in backend.calls
    assert "second against first, phase shadow" in words_on(app)


def test_a_second_release_beside_one_is_refused_in_a_sentence_and_the_reason_stays(open_page):
    """Nobody types it again."""
    app = open_page("releases", showing(a_rollout()).with_model(a_version()))
    app.text_input(key="begin-reason").set_value("why not").run()
    app.button(key="begin").click().run()
    assert "Another roll-out of this model is under way." in words_on(app)
    assert app.text_input(key="begin-reason").value == "why not"


def test_without_an_approved_version_there_is_nothing_to_begin_with(open_page):
    """And it says where one comes from; who may not release is not asked."""
    assert "proposed and approved on the page Models" in words_on(open_page("releases", showing()))
    assert "proposed and approved" not in words_on(open_page("releases", showing(role="model_approver")))


def test_after_it_was_given_to_everybody_it_says_how_long_the_old_one_is_kept(open_page):
    """So long it can be taken back."""
    assert "the old version is kept until" in words_on(open_page("releases", showing(a_rollout("promoted", phase=4))))


def test_who_only_reads_sees_no_buttons(open_page):
    """The API would refuse; the page does not offer it."""
    app = open_page("releases", showing(a_rollout(gates=some_gates()), role="analyst"))
    assert not [button for button in app.button if str(button.key).endswith("rol_1")]


def test_who_approves_may_hold_it_and_take_it_back_but_not_promote(open_page):
    """What somebody approved is begun and promoted by somebody else."""
    app = open_page("releases", showing(a_rollout(gates=some_gates()), role="model_approver"))
    assert {str(button.key) for button in app.button if str(button.key).endswith("rol_1")} == {
        "pause-rol_1",
        "rollback-rol_1",
    }


def test_what_ended_is_listed_with_how_and_why(open_page):
    """A roll-back is not forgotten."""
    app = open_page("releases", showing(a_rollout("rolled_back", reason="latency 0.9", ended_at=at(hours=2))))
    rows = tables_on(app)[0].to_dict("records")
    assert (rows[0]["How"], rows[0]["Why"]) == ("Taken back", "latency 0.9")
    assert "Nothing is on its way now" in words_on(app)


def test_an_empty_page_says_how_to_begin(open_page):
    """An empty state says what to do."""
    assert "plimsoll rollout start" in words_on(open_page("releases", showing()))


@pytest.mark.parametrize("problem", [Unreachable("The API does not answer."), Forbidden("You may not read releases.")])
def test_a_problem_is_one_sentence(open_page, problem):
    """No traceback, no empty page."""
    app = open_page("releases", showing(a_rollout()).failing("rollouts", problem))
    assert not app.exception
    assert problem.sentence in words_on(app)
