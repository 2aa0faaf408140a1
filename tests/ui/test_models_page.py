"""Models answers: which is live, why, against what? And takes a word from those who may give one."""

from typing import Any

import pytest

from tests.ui.conftest import tables_on, words_on
from tests.ui.fake_backend import FakeBackend
from tests.ui.fake_session import at
from ui.backend import Forbidden, Json, Unreachable

CURVES = {
    "roc": [{"false_positive": x / 10, "true_positive": (x / 10) ** 0.5} for x in range(11)],
    "calibration": [{"predicted": x / 10, "seen": x / 10, "low": x / 12, "high": x / 9, "n": 70} for x in range(1, 8)],
    "gains": [{"share": x / 10, "bads": min(1.0, x / 6)} for x in range(11)],
}
IMPORTANCE = [{"feature": "checking_state", "concept": "account", "share": 0.4}, {"feature": "amount", "share": 0.2}]


def a_model(number: int = 1, role: str | None = None, **changes: Any) -> Json:
    share = 0.25 if role == "challenger" else 0.0
    held = {"role": role, "share": share, "since": at(days=2), "set_by": "Olga Owner", "reason": "better by 0.02"}
    known: Json = {
        "id": f"mdl_{number:026}", "name": "consumer-credit", "version": f"{number:012}", "digest": f"{number:064}",
        "product": "consumer-credit", "algorithm": "CatBoost", "state": "approved" if role else "candidate",
        "role": role, "roles": [held] if role else [], "created_by": "Olga Owner", "created_at": at(days=3),
        "proposed_by": "Olga Owner" if role else None, "proposed_at": at(days=2) if role else None,
        "approved_by": "Abel Approver" if role else None, "approved_at": at(days=2) if role else None, "note": None,
        "blockers": [], "metrics": {"auc": 0.795, "auc_interval": [0.76, 0.831], "ks": 0.455, "brier": 0.161},
        "data": {"rows": 700, "target_rate": 0.3, "digest": "d" * 64}, "features": ["amount", "checking_state"],
    }  # fmt: skip
    return known | changes


def test_it_says_who_decides_who_is_tried_and_who_answers_for_them(open_page):
    """The three roles stand side by side, with share, moment, person and reason."""
    backend = FakeBackend("analyst")
    for number, role in ((1, "champion"), (2, "challenger"), (3, None)):
        backend.with_model(a_model(number, role), curves=CURVES, importance=IMPORTANCE)
    said = words_on(open_page("models", backend))
    assert "consumer-credit@000000000001" in said
    assert "25 % of applicants" in said
    assert "better by 0.02" in said
    assert "Abel Approver" in said
    assert "0.795" in said


def test_curves_are_drawn_with_the_numbers_behind_them(open_page):
    """Three curves, each with a table for those who cannot or will not read a plot."""
    backend = FakeBackend("analyst").with_model(a_model(1, "champion"), curves=CURVES, importance=IMPORTANCE)
    app = open_page("models", backend)
    assert not app.exception
    assert len(app.get("vega_lite_chart")) == 4
    assert len(tables_on(app)) == 1 + 4


def test_a_report_without_curves_says_so(open_page):
    """A version from before reports held them."""
    said = words_on(open_page("models", FakeBackend("analyst").with_model(a_model(1, "champion"))))
    assert "holds no curves" in said


def test_before_the_first_model_it_says_how_to_train_one(open_page):
    """The empty state."""
    assert "plimsoll model train" in words_on(open_page("models", FakeBackend("analyst")))


def test_an_api_that_is_away_is_one_sentence_here_too(open_page):
    """No empty roles are shown when nothing is known of them."""
    backend = FakeBackend("analyst").failing("models", Unreachable("The API does not answer."))
    said = words_on(open_page("models", backend))
    assert "The API does not answer." in said
    assert "Nobody" not in said


def test_a_hundred_versions_are_one_list(open_page):
    """And the chosen one is the champion, not the newest."""
    backend = FakeBackend("analyst")
    for number in range(100):
        backend.with_model(a_model(number, "champion" if number == 60 else None), curves=CURVES)
    app = open_page("models", backend)
    assert len(tables_on(app)[0]) == 100
    assert app.header[0].value == f"consumer-credit@{60:012}"


def test_a_version_in_the_address_is_the_one_that_is_shown(open_page):
    """So that a link to a report can be sent."""
    backend = FakeBackend("analyst").with_model(a_model(1, "champion")).with_model(a_model(2))
    app = open_page("models", backend, id=a_model(2)["id"])
    assert app.header[0].value == f"consumer-credit@{2:012}"


def test_an_owner_proposes_with_a_reason(open_page):
    """Without one nothing is sent."""
    model = a_model(2)
    backend = FakeBackend("model_owner", "Olga Owner").with_model(a_model(1, "champion")).with_model(model)
    app = open_page("models", backend, id=model["id"])
    app.button(key=f"proposal-{model['id']}").click().run()
    assert "Say the reason first" in words_on(app)
    app.text_input(key=f"reason-{model['id']}").set_value("better on the untouched part")
    app.button(key=f"proposal-{model['id']}").click().run()
    assert ("move_model", model["id"], "proposal", "better on the untouched part") in backend.calls
    assert "Waits for approval" in str([badge.proto for badge in app.get("markdown")]) + words_on(app)


def test_whoever_proposed_is_told_that_another_must_approve(open_page):
    """Four eyes: the refusal of the API is one sentence on the page."""
    model = a_model(2, state="proposed", proposed_by="Abel Approver", proposed_at=at(hours=1))
    backend = FakeBackend("model_approver", "Abel Approver").with_model(a_model(1, "champion")).with_model(model)
    app = open_page("models", backend)
    app.text_input(key=f"reason-{model['id']}").set_value("looks good")
    app.button(key=f"approval-{model['id']}").click().run()
    assert "Four eyes" in words_on(app)
    assert model["state"] == "proposed"


@pytest.mark.parametrize("role", ["analyst", "reviewer", "auditor"])
def test_readers_see_no_buttons(open_page, role):
    """A proposed version can be read by all and answered by approvers."""
    model = a_model(2, state="proposed", proposed_by="Olga Owner", proposed_at=at(hours=1))
    app = open_page("models", FakeBackend(role).with_model(a_model(1, "champion")).with_model(model))
    assert not [button for button in app.button if button.key and button.key.startswith(("approval", "rejection"))]


def test_a_refusal_by_permission_is_one_sentence(open_page):
    """The role was taken away while the page was open."""
    model = a_model(2, state="proposed", proposed_by="Olga Owner", proposed_at=at(hours=1))
    backend = FakeBackend("model_approver").with_model(a_model(1, "champion")).with_model(model)
    app = open_page("models", backend)
    app.text_input(key=f"reason-{model['id']}").set_value("looks good")
    backend.failing("move_model", Forbidden("You may not do this."))
    app.button(key=f"approval-{model['id']}").click().run()
    assert "You may not do this." in words_on(app)


def test_a_training_under_way_shows_how_far_it_is(open_page):
    """By step and by what is being done in it."""
    progress = {"step": "candidates", "text": "forest, fold 3", "done": 3, "of": 5, "finished": [{}, {}, {}]}
    run = {"id": "trn_1", "product": "consumer-credit", "steps": ["x"] * 8, "progress": progress}
    app = open_page("models", FakeBackend("analyst").with_training(run).with_model(a_model(1, "champion")))
    assert "forest, fold 3" in str([one.proto for one in app.get("progress")])


def test_what_must_not_be_released_says_why(open_page):
    """Each thing in the way is a sentence of its own."""
    model = a_model(1, "champion", blockers=["The feature zip has no reason."])
    assert "The feature zip has no reason." in words_on(open_page("models", FakeBackend("analyst").with_model(model)))


def test_what_came_from_a_lenders_file_is_never_drawn_as_markdown(open_page):
    """Headings of a file are features here, and a card quotes them."""
    model = a_model(1, "champion", features=["<img src=x>", "[a](http://b)"])
    app = open_page("models", FakeBackend("analyst").with_model(model))
    assert not [one for one in app.markdown if "img src" in one.value or "http://b" in one.value]


def test_how_groups_fare_is_said_in_sentences_with_the_groups_below(open_page):
    """As the report says it; a data set without such attributes says that it cannot tell."""
    groups = [{"group": "up to 25", "rows": 60, "approved": 0.3, "ratio": 0.72}]
    held_out = {"sentences": ["Up to 25: 0.72 of the approvals of the others."], "at_the_cut": {"groups": groups}}
    backend = FakeBackend("analyst").with_model(
        a_model(1, "champion"), fairness={"attributes": {"age_band": {"held_out": held_out}}}
    )
    app = open_page("models", backend)
    assert "0.72 of the approvals" in words_on(app)
    backend = FakeBackend("analyst").with_model(
        a_model(1, "champion"), fairness={"attributes": {}, "sentence": "No sensitive attributes came with the data."}
    )
    assert "No sensitive attributes" in words_on(open_page("models", backend))


def a_retraining(number: int, **changes) -> dict:
    check = {"requirement": "better", "met": False, "sentence": "AUC 0.701 against 0.700: that is not surely better."}
    tried = {"candidate": "retrained", "passed": False, "checks": [check], "why_not": None}
    return {
        "id": f"rtr_{number}", "product": "consumer-credit", "state": "rejected", "trigger": "drift", "asked": "x",
        "causes": [{"trigger": "drift", "sentence": "KS of amount is 0.21."}], "tried": [tried], "why": "Not better.",
        "challenger": None, "started_at": at(hours=number), **changes,
    }  # fmt: skip


def test_the_last_retraining_says_why_what_was_tried_and_what_came_of_it(open_page):
    """Each check is its own sentence; those before are a table."""
    backend = FakeBackend("analyst").with_model(a_model(1, "champion"))
    app = open_page("models", backend.with_retraining(a_retraining(2)).with_retraining(a_retraining(1)))
    said = words_on(app)
    for expected in ("Drift: KS of amount is 0.21.", "The successor: rejected", "that is not surely better"):
        assert expected in said
    assert any("What came of it" in frame.columns for frame in tables_on(app))


def test_a_challenger_of_a_retraining_is_a_click_away(open_page):
    """People propose it; the page leads there."""
    run = a_retraining(1, state="challenger", challenger={"id": "mdl_2", "version": "m@2"})
    app = open_page("models", FakeBackend("analyst").with_model(a_model(1, "champion")).with_retraining(run))
    assert "Look at the challenger" in str([link.proto for link in app.get("page_link")])
