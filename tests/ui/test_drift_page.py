"""Drift answers: what moved, by how much, does it matter? And what was done about it."""

from typing import Any

from tests.ui.conftest import tables_on, words_on
from tests.ui.fake_backend import FakeBackend
from tests.ui.fake_session import at
from ui.backend import Json, Unreachable
from ui.drift_charts import by_feature


def a_column(feature: str, psi: float | None, level: str = "quiet", **changes: Any) -> Json:
    known: Json = {
        "feature": feature, "kind": "number", "level": level, "psi": psi, "expected_psi": 0.031, "effect_size": 0.2,
        "ks": 0.12, "ks_p_value": 0.001, "chi_square": 31.2, "degrees": 9, "p_value": 0.0003, "n_reference": 700,
        "n_current": 300, "missing_reference": 0.0, "missing_current": 0.02, "unseen_current": 0.0,
        "bins": [{"label": "up to 1000", "reference": 0.5, "current": 0.3},
                 {"label": "over 1000", "reference": 0.5, "current": 0.68},
                 {"label": "missing", "reference": 0.0, "current": 0.02},
                 {"label": "unseen", "reference": 0.0, "current": 0.0}],
    }  # fmt: skip
    return known | changes


def a_report(number: int = 1, **changes: Any) -> Json:
    known: Json = {
        "id": f"drf_{number:026}", "product": "consumer-credit", "trigger": "schedule", "level": "act",
        "model": {"name": "consumer-credit", "version": "0123456789ab", "digest": "d" * 64},
        "window": [at(days=30), at()], "n_reference": 700, "n_current": 300, "significance": 0.0009,
        "summary": "300 applications against 700 in training: amount moved.", "checked_at": at(hours=number),
        "features": [a_column("term_months", 0.05), a_column("amount", 0.31, "act")],
        "score": a_column("score", 0.08), "reason": None, "approval": None, "actions": [], "done": [], "page": True,
    }  # fmt: skip
    return known | changes


AN_ALERT = {
    "rule": "input moved", "action": "notify", "state": "taken",
    "text": "Input moved: psi of amount is 0.31, above 0.1, on 300 rows.",
}  # fmt: skip
A_LINE = [
    {"id": f"drf_{number:026}", "window_to": at(hours=6 * number), "feature": feature, "psi": 0.1 * number,
     "effect_size": 0.1, "n_current": 300, "level": "quiet", "trigger": "schedule"}
    for number in range(1, 5)
    for feature in ("amount", "score")
]  # fmt: skip


def test_what_moved_is_drawn_with_limits_and_the_numbers_behind_it(open_page):
    """Two charts and a line, each with a table; n and p among the numbers, worst first."""
    app = open_page("drift", FakeBackend("analyst").with_drift(a_report(), history=A_LINE))
    assert not app.exception
    assert "300 applications against 700 in training: amount moved." in words_on(app)
    assert len(app.get("vega_lite_chart")) == 3
    figures = tables_on(app)[0]
    assert list(figures["Column"]) == ["amount", "score", "term_months"]
    assert list(figures["PSI"]) == ["0.310", "0.080", "0.050"]
    assert {"p", "n training", "n now"} <= set(figures.columns)


def test_what_the_rules_did_is_said(open_page):
    """The rule's sentence, and what came of it."""
    done = [{"what": "drift.notified", "rule": "input moved", "result": "no_webhook", "at": at()}]
    said = words_on(open_page("drift", FakeBackend("analyst").with_drift(a_report(actions=[AN_ALERT], done=done))))
    assert AN_ALERT["text"] in said
    assert "People were told (input moved): on record and here; no address is set" in said


def test_a_rule_that_wants_one_more_window_waits_on_no_source(open_page):
    waits = AN_ALERT | {"action": "retrain", "state": "waiting"}
    said = words_on(open_page("drift", FakeBackend("analyst").with_drift(a_report(actions=[waits]))))
    assert "Retrain: not yet" in said


def test_every_columns_name_stands_beside_its_bar():
    """Of sixteen in a fixed height every second one went."""
    drawn = by_feature([a_column(f"column {number}", 0.1) for number in range(16)]).to_dict()
    ways = [layer["encoding"]["y"] for layer in drawn["layer"] if "y" in layer["encoding"]]
    assert {way["axis"]["labelOverlap"] for way in ways} == {False}
    assert drawn["height"] == {"step": 22}


def test_too_few_rows_are_said_and_nothing_is_drawn_as_if_it_meant_something(open_page):
    """An empty window has no figures at all."""
    empty = [a_column("amount", None, "too_small", missing_current=None, unseen_current=None, bins=[])]
    report = a_report(
        level="too_small", n_current=0, features=empty, score=None, page=False,
        summary="No application was scored in this window, so there is nothing to compare.",
    )  # fmt: skip
    app = open_page("drift", FakeBackend("analyst").with_drift(report))
    assert not app.exception
    assert "there is nothing to compare" in words_on(app)
    assert not app.get("vega_lite_chart")


def test_before_the_first_check_it_says_how_to_make_one(open_page):
    """The empty state."""
    assert "plimsoll drift check consumer-credit" in words_on(open_page("drift", FakeBackend("analyst")))


def test_an_api_that_is_away_is_one_sentence_on_this_page(open_page):
    """No chart of nothing."""
    backend = FakeBackend("analyst").failing("drift_reports", Unreachable("The API does not answer."))
    app = open_page("drift", backend)
    assert "The API does not answer." in words_on(app)
    assert not app.get("vega_lite_chart")


def test_who_may_not_read_models_has_no_such_page(open_page):
    """A channel's key opens no page here at all."""
    app = open_page("nothing", FakeBackend("channel"))
    assert "has no page in this console" in words_on(app)


def test_only_who_may_check_is_offered_the_button_and_is_told_what_happens(open_page):
    """An analyst reads; a model owner checks."""
    assert not [b for b in open_page("drift", FakeBackend("analyst").with_drift(a_report())).button if b.key == "check"]
    owner = FakeBackend("model_owner").with_drift(a_report())
    app = open_page("drift", owner)
    app.button(key="check").click().run()
    assert ("check_drift", "consumer-credit") in owner.calls
    assert "is being made" in words_on(app)


def test_a_check_in_the_address_is_the_one_that_is_shown(open_page):
    """So that a link to a report can be sent."""
    reports = [a_report(1), a_report(2, summary="An older one.")]
    said = words_on(open_page("drift", FakeBackend("analyst").with_drift(*reports), report=reports[1]["id"]))
    assert "An older one." in said


def test_it_opens_on_a_product_that_was_checked(open_page):
    """Not on the first of the list, of which there may be nothing to say; a link says which check, so which product."""
    backend = FakeBackend("analyst").with_drift(a_report(1, product="early-warning", summary="Bills moved."))
    backend.products_there = ["consumer-credit", "early-warning"]
    app = open_page("drift", backend)
    assert app.selectbox(key="of_product").value == "early-warning"
    assert "Bills moved." in words_on(app)
    backend.with_drift(a_report(1, product="early-warning"), a_report(2, summary="The other product's."))
    assert "The other product's." in words_on(open_page("drift", backend, report=f"drf_{2:026}"))


def test_evidentlys_page_is_framed_when_asked_for(open_page):
    """By its own address, under the session, never as part of this page."""
    app = open_page("drift", FakeBackend("analyst").with_drift(a_report()))
    assert not app.get("iframe")
    app.toggle(key="page").set_value(True).run()
    (frame,) = app.get("iframe")
    assert f"/drift-page?report=drf_{1:026}" in str(frame.proto)
