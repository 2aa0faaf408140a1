"""A model made to be compared: it ranks, it is calibrated, and it says why, as a kept one would."""

from datetime import date

import numpy as np
import pytest

from plimsoll.adapters.models.trials import Trial, learn
from plimsoll.domain.models import metrics
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.underwriting.product import Direction, FeatureKind, FeatureSpec

ROWS = 1_500
RANDOM = np.random.default_rng(3)
FEATURES = (
    FeatureSpec(name="debt", path="file.debt", kind=FeatureKind.NUMBER, direction=Direction.UP, concept="obligations"),
    FeatureSpec(name="pay", path="file.pay", kind=FeatureKind.NUMBER, direction=Direction.DOWN, concept="income"),
)


def loans() -> Examples:
    debt, pay = RANDOM.normal(0, 1, ROWS), RANDOM.normal(0, 1, ROWS)
    chance = 1 / (1 + np.exp(1.0 - 1.5 * debt + 0.3 * pay))
    return Examples(
        columns={"debt": debt, "pay": pay},
        bad=RANDOM.random(ROWS) < chance,
        applied_on=np.datetime64("2020-01-01") + np.arange(ROWS) % 400,
    )


NEWER = loans()


@pytest.fixture(scope="module")
def trial() -> Trial:
    return learn(FEATURES, loans())


def test_it_ranks_applicants_it_has_not_seen_and_its_probabilities_add_up(trial: Trial):
    probability = trial.probabilities(NEWER.columns)
    assert metrics.auc(NEWER.bad.astype(np.int64), probability) > 0.75
    assert probability.mean() == pytest.approx(NEWER.target_rate, abs=0.04)


def test_it_says_up_to_which_day_it_learnt(trial: Trial):
    assert trial.learnt_until == date(2021, 2, 3)


def test_what_raised_the_risk_most_is_the_principal_reason(trial: Trial):
    tried = trial.tried("challenger", NEWER.columns, approving=0.8)
    deep_in_debt = NEWER.columns["debt"] > 1.5
    assert set(tried.principal) == {"obligations", "income"}
    assert (tried.principal[deep_in_debt] == "obligations").mean() > 0.95
    assert tried.approved.mean() == pytest.approx(0.8, abs=0.01)
    assert not tried.approved[deep_in_debt & (NEWER.columns["pay"] < -1)].any()
