"""The policies page answers: which rules decide, what changed in them, and what would another rule have done?"""

import json

import pytest

from tests.ui.conftest import tables_on, words_on
from tests.ui.fake_backend import FakeBackend
from tests.ui.fake_policies import a_policy, a_trial
from ui.backend import Forbidden, Refused, Unreachable


def a_desk(*policies, role: str = "analyst") -> FakeBackend:
    return FakeBackend(role).with_policy(*(policies or (a_policy(),)))


def tried(app, content: bytes):
    app.file_uploader(key="trial-file").upload("policy.json", content, "application/json")
    next(button for button in app.button if button.label == "Try it").click().run()
    return app


def test_rules_are_read_as_sentences_about_named_columns(open_page):
    """No path of the data model, no quotes of the rule language."""
    app = open_page("policies", a_desk())
    rules, grades = tables_on(app)[0], tables_on(app)[1]
    assert rules["Fires when"].tolist() == ["Amount asked > 20000"]
    assert rules["Effect"].tolist() == ["Decline"]
    assert grades["For"].tolist() == ["Probability of default <= 0.01"]
    assert "Hard rules on what was declared" in words_on(app)


def test_a_rule_without_a_condition_and_without_an_effect_is_named_as_what_it_is(open_page):
    """A remark that fires always."""
    remark = {"id": "F-1", "name": "Watch", "effect": None, "reason": None, "table": "screen", "conditions": {}}
    table = {"id": "screen", "name": "Remarks", "rules": [remark]}
    shown = tables_on(open_page("policies", a_desk(a_policy(tables=[table]))))[0]
    assert (shown["Fires when"].tolist(), shown["Effect"].tolist()) == (["always"], ["A remark"])


def test_a_case_that_does_not_hold_is_said_first(open_page):
    """With what came instead."""
    cases = [{"name": "a good one passes", "passed": True, "problem": None},
             {"name": "a minor is refused", "passed": False, "problem": "expected decline, got approve"}]  # fmt: skip
    said = words_on(open_page("policies", a_desk(a_policy(cases=cases))))
    assert "a minor is refused: expected decline, got approve" in said


def test_a_fault_of_the_policy_in_force_is_at_the_top(open_page):
    """Whoever opens the page must not look for it."""
    fault = "R-X: reason 'x' is not in reasons.toml; add its sentences."
    assert fault in words_on(open_page("policies", a_desk(a_policy(problems=[fault]))))


def test_two_versions_are_compared_in_sentences(open_page):
    """From the one before to what is in force, unless others are chosen."""
    desk = a_desk()
    said = words_on(open_page("policies", desk))
    assert ("policy_changes", "consumer-credit", "b" * 64, "") in desk.calls
    assert "request.amount was > 9000, becomes > 20000" in said


def test_the_rules_of_a_version_of_before_can_be_looked_at(open_page):
    """And left again; the page says that it is not in force."""
    desk = a_desk(a_policy(), a_policy(version="1", digest="b" * 64, in_force=False))
    app = open_page("policies", desk)
    app.button(key="show-before").click().run()
    assert "Version 1" in words_on(app)
    app.button(key="in-force").click().run()
    assert "Version 2" in words_on(app)


def test_one_version_alone_is_compared_with_nothing(open_page):
    """A sentence instead of two empty boxes."""
    desk = a_desk(a_policy(versions=a_policy()["versions"][:1]))
    assert "Only one version was ever in force here" in words_on(open_page("policies", desk))
    assert not [call for call in desk.calls if call[0] == "policy_changes"]


def test_a_change_is_tried_on_the_past_and_says_what_moves(open_page):
    """Rules that differ, cases that hold, outcomes that move, and which applications they are."""
    desk = a_desk()
    app = tried(open_page("policies", desk), json.dumps({"nodes": []}).encode())
    said = words_on(app)
    assert ("try_policy", "consumer-credit", "200") in desk.calls
    assert "request.amount was > 20000, becomes > 9000" in said
    assert "All 1 cases of the pack hold." in said
    assert "98 would end alike, 2 otherwise" in said
    assert tables_on(app)[-1]["Case"].tolist() == ["app_7", "app_9"]


def test_what_a_change_breaks_is_said_plainly(open_page):
    """Faults and cases before any figure."""
    desk = a_desk()
    desk.trial = a_trial(problems=["R-X: no reason."], past=None,
                         cases=[{"name": "a minor is refused", "passed": False, "problem": "got approve"}])  # fmt: skip
    said = words_on(tried(open_page("policies", desk), b"{}"))
    assert "R-X: no reason." in said
    assert "a minor is refused: got approve" in said


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe"])
def test_a_file_that_is_no_policy_is_one_sentence(open_page, content):
    """And nothing is sent."""
    desk = a_desk()
    app = tried(open_page("policies", desk), content)
    assert not app.exception
    assert "This file is no" in words_on(app)
    assert not [call for call in desk.calls if call[0] == "try_policy"]


def test_trying_without_a_file_says_what_is_missing(open_page):
    """No error, a sentence."""
    app = open_page("policies", a_desk())
    next(button for button in app.button if button.label == "Try it").click().run()
    assert "Choose a file first" in words_on(app)


def test_what_the_api_refuses_is_its_sentence(open_page):
    """A graph the engine cannot read."""
    desk = a_desk().failing("try_policy", Refused("The policy is refused by the engine: no input node."))
    assert "refused by the engine" in words_on(tried(open_page("policies", desk), b"{}"))


@pytest.mark.parametrize("problem", [Unreachable("The API does not answer."), Forbidden("You may not read rules.")])
def test_an_api_that_is_away_or_refuses_is_one_sentence(open_page, problem):
    """No table that looks like no rules."""
    app = open_page("policies", a_desk().failing("policies", problem))
    assert problem.sentence in words_on(app)
    assert not tables_on(app)


def test_a_house_without_products_says_what_to_do(open_page):
    """Not an empty page."""
    assert "plimsoll product new" in words_on(open_page("policies", FakeBackend("analyst")))


def test_of_ten_thousand_rules_two_hundred_are_drawn_and_it_says_so(open_page):
    """A browser would choke on a table nobody reads to its end."""
    rule = a_policy()["tables"][0]["rules"][0]
    rules = [rule | {"id": f"R-{number}"} for number in range(10_000)]
    app = open_page("policies", a_desk(a_policy(tables=[{"id": "screen", "name": "Rules", "rules": rules}])))
    assert len(tables_on(app)[0]) == 200
    assert "The first 200 of 10,000." in words_on(app)
