"""Metrics and the report on decisions whose end is known."""

import numpy as np
import pytest

from plimsoll.domain.models import metrics
from plimsoll.domain.underwriting.portfolio import Ended, fisher_exact, portfolio_report
from plimsoll.domain.values import Outcome
from tests.applicants import the_product

RANDOM = np.random.default_rng(3)
BAD = (RANDOM.random(400) < 0.3).astype(np.int64)
SCORE = np.clip(0.3 + 0.15 * BAD + RANDOM.normal(0, 0.15, 400), 0.01, 0.99)


def test_auc_and_its_interval_agree_with_counting_pairs():
    bads, goods = SCORE[BAD == 1], SCORE[BAD == 0]
    pairs = (bads[:, None] > goods).mean() + (bads[:, None] == goods).mean() / 2
    low, high = metrics.auc_interval(BAD, SCORE)
    assert metrics.auc(BAD, SCORE) == pytest.approx(pairs)
    assert low < pairs < high
    assert high - low < 0.15


def test_ties_count_half():
    assert metrics.auc(np.array([0, 1, 0, 1]), np.array([0.5, 0.5, 0.5, 0.5])) == 0.5


def test_ks_is_the_largest_gap_between_the_two_curves():
    gaps = [abs((SCORE[BAD == 1] <= cut).mean() - (SCORE[BAD == 0] <= cut).mean()) for cut in SCORE]
    assert metrics.ks(BAD, SCORE) == pytest.approx(max(gaps))


def test_a_perfectly_calibrated_model_stays_under_its_own_limit():
    chances = RANDOM.uniform(0.05, 0.6, 2000)
    labels = (RANDOM.random(2000) < chances).astype(np.int64)
    assert metrics.ece(labels, chances) <= metrics.ece_of_a_perfect_model(chances)
    assert metrics.ece(labels, np.clip(chances * 1.5, 0, 1)) > metrics.ece_of_a_perfect_model(chances)


def test_of_many_rows_a_perfect_models_limit_is_as_if_each_were_drawn(monkeypatch):
    chances = RANDOM.beta(1.2, 10, 12_000)
    at_once = metrics.ece_of_a_perfect_model(chances)
    monkeypatch.setattr(metrics, "MANY", 10**9)
    assert at_once == pytest.approx(metrics.ece_of_a_perfect_model(chances), rel=0.15)


def ended(outcome=Outcome.APPROVE, probability=0.1, bad=False, age=40, times=1):
    return [
        Ended(reference="SGC", outcome=outcome, sample_probability=probability, bad=bad, age=age) for _ in range(times)
    ]


def test_cost_is_five_for_a_bad_one_granted_and_one_for_a_good_one_declined():
    rows = ended(times=7) + ended(bad=True) + ended(Outcome.DECLINE, 0.5, times=1) + ended(Outcome.DECLINE, 0.6, True)
    costs = portfolio_report(the_product(), rows).costs
    assert costs.decided == pytest.approx((5 + 1) / 10)
    assert costs.declining_all == pytest.approx(8 / 10)
    assert costs.approving_all == pytest.approx(5 * 2 / 10)
    assert "5:1 matrix" in costs.label


def test_referrals_count_as_the_score_alone_would_settle_them():
    rows = ended(times=8) + ended(Outcome.REFER, 0.5, False) + ended(Outcome.REFER, 0.5, True)
    costs = portfolio_report(the_product(), rows).costs
    assert costs.decided == 0
    assert costs.with_referrals_at_the_cut == pytest.approx(1 / 10)


def test_the_alarm_rings_below_four_fifths_and_small_groups_say_nothing():
    young = ended(age=22, times=30) + ended(Outcome.DECLINE, 0.5, age=22, times=30)
    older = ended(age=45, times=80) + ended(Outcome.DECLINE, 0.5, age=45, times=20)
    old = ended(age=70, times=3)
    groups = {row.group: row for row in portfolio_report(the_product(), young + older + old).groups}
    assert groups["up to 25"].ratio == pytest.approx(0.5 / (83 / 103))
    assert groups["up to 25"].note == "below four fifths: look into it"
    assert groups["up to 25"].p_value < 0.01
    assert groups["62 and older"].note == "too few to say"
    assert groups["62 and older"].rows == 3


def test_fishers_exact_test_knows_the_lady_tasting_tea():
    assert fisher_exact(3, 1, 1, 3) == pytest.approx(0.4857, abs=1e-4)


def test_a_report_without_both_ends_has_no_auc():
    assert portfolio_report(the_product(), ended(times=5)).auc is None


def test_no_decisions_no_report():
    with pytest.raises(ValueError, match="known outcome"):
        portfolio_report(the_product(), [])
