"""Every policy engine keeps the promises of the port: zen's and the fake."""

from collections.abc import Callable
from typing import Any

import pytest

from plimsoll.domain.underwriting.deciding import strictest, with_score
from plimsoll.domain.underwriting.facts import Facts, Stage
from plimsoll.domain.values import Outcome
from plimsoll.ports import PolicyEngine
from tests.applicants import a_body, a_score, some_facts, the_policy, the_product
from tests.fake_brains import FakePolicyEngine

MAKERS: dict[str, Callable[[], PolicyEngine]] = {"zen": the_policy, "fake": FakePolicyEngine}


@pytest.fixture(params=MAKERS)
def engine(request: pytest.FixtureRequest) -> PolicyEngine:
    return MAKERS[request.param]()


def scored(probability_of_default: float, **given: Any) -> Facts:
    return with_score(the_product(), some_facts(**given), a_score(probability_of_default))


def ask(engine: PolicyEngine, stage: Stage, facts: Facts):
    return engine.evaluate(the_product(), engine.pin(the_product()), stage, facts)


def test_the_pin_names_the_policy_by_digest(engine):
    pin = engine.pin(the_product())
    assert pin.id == the_product().id
    assert len(pin.digest) == 64
    assert ask(engine, Stage.DECIDE, scored(0.009)).policy == pin


def test_a_minor_is_knocked_out_at_the_screen_with_the_values_read(engine):
    body = a_body(applicant={"date_of_birth": "2010-01-01"})
    hits = ask(engine, Stage.SCREEN, some_facts(Stage.SCREEN, body=body)).hits
    assert [(hit.effect, hit.reason) for hit in hits] == [(Outcome.DECLINE, "under_contract_age")]
    assert hits[0].values_read == {"applicant.age": 16}


def test_a_sound_application_passes_the_screen(engine):
    assert ask(engine, Stage.SCREEN, some_facts(Stage.SCREEN)).hits == ()


def test_an_acceptable_risk_gets_a_grade_a_rate_and_limits(engine):
    answer = ask(engine, Stage.DECIDE, scored(0.009))
    assert answer.hits == ()
    assert answer.grade == "B"
    assert 0 < answer.annual_rate < 1
    assert answer.max_amount > 0
    assert answer.max_term_months > 0


def test_a_risk_above_the_cut_is_declined_and_leaves_the_reasons_to_the_score(engine):
    hits = ask(engine, Stage.DECIDE, scored(0.2)).hits
    assert [(hit.effect, hit.reason) for hit in hits] == [(Outcome.DECLINE, None)]
    assert hits[0].values_read["score.pd"] == 0.2


def test_a_required_source_that_stayed_away_refers_whatever_the_risk(engine):
    for risk in (0.001, 0.2):
        assert strictest(ask(engine, Stage.DECIDE, scored(risk, missing=["bureau"])).hits) is Outcome.REFER
