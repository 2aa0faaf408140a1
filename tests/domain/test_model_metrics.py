"""Figures a model is judged by: right on cases that can be counted by hand, and honest about chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.domain.models import metrics

RANDOM = np.random.default_rng(7)
CHANCES = RANDOM.uniform(0.02, 0.7, 3000)
BAD = (RANDOM.random(3000) < CHANCES).astype(np.int64)


def test_delongs_difference_is_that_of_the_areas_and_its_spread_that_of_resampling():
    noisy = CHANCES + RANDOM.normal(0, 0.15, 3000)
    found = metrics.delong_difference(BAD, CHANCES, noisy)
    drawn = [
        metrics.auc(BAD[rows], CHANCES[rows]) - metrics.auc(BAD[rows], noisy[rows])
        for rows in (RANDOM.integers(0, 3000, 3000) for _ in range(300))
    ]
    assert found.difference == pytest.approx(metrics.auc(BAD, CHANCES) - metrics.auc(BAD, noisy))
    assert (found.high - found.low) / 2 / metrics.WIDE == pytest.approx(np.std(drawn), rel=0.2)
    assert found.p < 0.01


def test_a_model_is_no_better_than_itself():
    found = metrics.delong_difference(BAD, CHANCES, CHANCES)
    assert (found.difference, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)
    assert found.is_not_worse


def test_two_equally_noisy_models_differ_significantly_about_once_in_twenty():
    wrong = 0
    for _ in range(200):
        bad = (RANDOM.random(400) < 0.3).astype(np.int64)
        one, two = (bad + RANDOM.normal(0, 1.5, 400) for _ in range(2))
        wrong += metrics.delong_difference(bad, one, two).p < 0.05
    assert 2 <= wrong <= 22


def test_folds_that_share_rows_widen_the_interval():
    gains = np.random.default_rng(1).normal(0.002, 0.01, 25)
    found = metrics.repeated_folds_difference(gains, 5)
    plain = gains.std(ddof=1) / 5
    assert found.difference == pytest.approx(gains.mean())
    assert found.high - found.difference == pytest.approx(2.064 * np.sqrt(1 + 25 / 4) * plain, rel=0.01)


def test_probabilities_that_are_right_have_slope_one_and_intercept_nothing():
    line = metrics.calibration_line(BAD, CHANCES)
    assert line.slope_interval[0] < 1 < line.slope_interval[1]
    assert line.intercept_interval[0] < 0 < line.intercept_interval[1]


def test_too_sure_a_model_has_a_slope_below_one_and_too_low_a_model_an_intercept_above_nothing():
    odds = np.log(CHANCES / (1 - CHANCES))
    sure = 1 / (1 + np.exp(-2 * odds))
    low = 1 / (1 + np.exp(-(odds - 0.5)))
    assert metrics.calibration_line(BAD, sure).slope_interval[1] < 1
    assert metrics.calibration_line(BAD, low).intercept == pytest.approx(0.5, abs=0.15)


def test_average_precision_of_a_perfect_order_is_one_and_of_a_constant_the_base_rate():
    bad = np.array([1, 1, 0, 0, 0])
    assert metrics.average_precision(bad, np.array([5.0, 4, 3, 2, 1])) == 1.0
    assert metrics.average_precision(bad, np.zeros(5)) == pytest.approx(0.4)
    assert metrics.average_precision(bad, np.array([5.0, 1, 4, 3, 2])) == pytest.approx((1 + 2 / 5) / 2)


def test_the_cost_curve_ends_at_approving_all():
    last = metrics.cost_curve(BAD, CHANCES, 5, 1)[-1]
    assert last["approved"] == 1.0
    assert last["cost"] == pytest.approx(5 * BAD.mean(), abs=1e-4)


def test_tenths_catch_all_bads_and_the_first_has_the_highest_lift():
    tenths = metrics.deciles(BAD, CHANCES)
    assert tenths[-1]["caught"] == 1.0
    assert tenths[0]["lift"] == max(tenth["lift"] for tenth in tenths)
    assert sum(tenth["rows"] for tenth in tenths) == len(BAD)


def test_a_segment_of_too_few_has_no_area_but_says_so():
    segment = np.array(["large"] * 2960 + ["small"] * 30 + [None] * 10, dtype=object)
    large, small, unknown = metrics.by_segment(BAD, CHANCES, segment)
    assert large["auc_interval"][0] < large["auc"] < large["auc_interval"][1]
    assert "auc" not in small
    assert "too few" in small["too_few"]
    assert unknown["segment"] == "not known"


def test_the_full_report_believes_probabilities_that_are_right_and_no_constant():
    told = metrics.full_report(BAD, CHANCES)
    assert told["calibrated"]
    for figure in ("auc", "ks", "gini", "brier", "brier_skill", "average_precision"):
        low, high = told[f"{figure}_interval"]
        assert low <= told[figure] <= high
    assert not metrics.full_report(BAD, np.full(3000, BAD.mean()) + RANDOM.normal(0, 1e-4, 3000))["calibrated"]


@given(st.integers(0, 50), st.integers(0, 50))
def test_wilsons_interval_holds_the_share_and_stays_within_nothing_and_one(hits, more):
    low, high = metrics.wilson(hits, hits + more)
    assert 0.0 <= low <= high <= 1.0
    if hits + more:
        assert low <= hits / (hits + more) + 1e-12
        assert hits / (hits + more) <= high + 1e-12
