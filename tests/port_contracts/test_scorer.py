"""Every scorer keeps the promises of the port: CatBoost's and the fake."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest

from plimsoll.adapters.models.scorer import ModelScorer
from plimsoll.domain.errors import Unavailable
from plimsoll.domain.models.scoring import ModelPin
from plimsoll.domain.underwriting.facts import Ask
from plimsoll.ports import Scorer
from tests.applicants import a_body, quick_models, some_facts, the_product
from tests.fake_brains import FakeScorer
from tests.fakes import FAKE_PIN

SMALLER = [Ask(amount=Decimal(amount), term_months=term) for amount in (2000, 1500, 1000) for term in (18, 12)]
MAKERS: dict[str, Callable[[], tuple[Scorer, ModelPin]]] = {
    "catboost": lambda: (ModelScorer(quick_models()[0]), quick_models()[1].pin()),
    "fake": lambda: (FakeScorer(), FAKE_PIN),
}


@dataclass(frozen=True)
class Asked:
    """A scorer, and the version it has."""

    scorer: Scorer
    pin: ModelPin

    def score(self, pin: ModelPin, alternatives=(), **given):
        return self.scorer.score(pin, the_product(), some_facts(**given), alternatives)


@pytest.fixture(params=MAKERS)
def scorer(request: pytest.FixtureRequest) -> Asked:
    return Asked(*MAKERS[request.param]())


def score(scorer: Asked, alternatives=(), **given):
    return scorer.score(scorer.pin, alternatives, **given)


def test_probabilities_are_shares_and_the_interval_holds_the_estimate(scorer):
    answer = score(scorer)
    low, high = answer.interval
    assert 0 < low <= answer.probability_of_default <= high < 1
    assert 0 < answer.sample_probability < 1


def test_doubt_is_measured_on_fixed_scales(scorer):
    answer = score(scorer)
    assert 0 <= answer.near_cut <= 0.5
    assert 0 <= answer.novelty <= 1


def test_the_same_facts_give_the_same_score(scorer):
    assert score(scorer, SMALLER) == score(scorer, SMALLER)


def test_every_alternative_is_answered_in_the_order_asked(scorer):
    answered = score(scorer, SMALLER).alternatives
    assert [(risk.amount, risk.term_months) for risk in answered] == [(a.amount, a.term_months) for a in SMALLER]


def test_asking_for_less_is_never_riskier(scorer):
    answer = score(scorer, SMALLER)
    assert all(risk.probability_of_default <= answer.probability_of_default for risk in answer.alternatives)


def test_the_pin_that_was_given_is_on_the_score(scorer):
    assert score(scorer).model == scorer.pin


def test_a_missing_source_is_named_and_stops_nothing(scorer):
    answer = score(scorer, missing=["bank"])
    assert answer.missing == ("bank",)
    assert 0 < answer.probability_of_default < 1


def test_every_feature_has_its_value_and_its_contribution(scorer):
    answer = score(scorer)
    names = {spec.name for spec in the_product().features}
    assert answer.features.keys() == answer.contributions.keys() == names


def test_reasons_are_few_ranked_and_of_the_product(scorer):
    bad = {"bank": {"checking_state": "overdrawn"}, "bureau": {"repayment_history": "delayed_before"}}
    reasons = score(scorer, evidence=bad, body=a_body(amount="12000.00", term_months=60)).reasons
    assert 1 <= len(reasons) <= 4
    assert [reason.rank for reason in reasons] == list(range(1, len(reasons) + 1))
    assert {reason.code for reason in reasons} <= {spec.code for spec in the_product().reasons}


def test_a_pin_of_another_model_is_not_scored_with_this_one(scorer):
    with pytest.raises(Unavailable):
        scorer.score(scorer.pin.model_copy(update={"digest": "1" * 64}))
