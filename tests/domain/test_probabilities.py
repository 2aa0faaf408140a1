"""Calibration, the base-rate correction, and how sure a score is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.domain.models.calibration import Calibration, Method, corrected, on_sample_scale
from plimsoll.domain.models.intervals import interval_of, share_across

SHARES = st.floats(0.001, 0.999)


def test_the_sample_rate_is_corrected_to_the_portfolio_rate():
    assert corrected(0.30, sample_rate=0.30, portfolio_rate=0.05) == pytest.approx(0.05)


def test_the_five_to_one_cut_of_the_sample_is_two_and_a_half_per_cent_of_the_portfolio():
    assert corrected(1 / 6, 0.30, 0.05) == pytest.approx(0.024, abs=0.0005)


@given(SHARES, SHARES, SHARES)
def test_correcting_there_and_back_changes_nothing(probability, sample, portfolio):
    there = corrected(probability, sample, portfolio)
    assert on_sample_scale(there, sample, portfolio) == pytest.approx(probability, rel=1e-6)


@given(SHARES, SHARES, SHARES, SHARES)
def test_correction_keeps_the_order_of_applicants(one, other, sample, portfolio):
    low, high = sorted((one, other))
    assert corrected(low, sample, portfolio) <= corrected(high, sample, portfolio)


@given(st.floats(-8, 8), st.floats(-8, 8), st.floats(0.1, 3), st.floats(-2, 2))
def test_calibration_keeps_the_order_of_applicants(one, other, slope, intercept):
    calibration = Calibration(slope=slope, intercept=intercept)
    low, high = sorted((one, other))
    assert calibration.probability(low) <= calibration.probability(high)


CURVES = (
    Calibration(slope=0.8, intercept=-0.2),
    Calibration(slope=0.6, intercept=-0.2, slope_above=1.4),
    Calibration(slope=1.0, intercept=0.0, points=((-3.0, -2.5), (-1.0, -1.4), (0.5, 1.0))),
)


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.method)
def test_every_calibration_rises_everywhere(curve):
    raw = np.linspace(-9, 9, 400)
    assert (np.diff(curve.log_odds(raw)) > 0).all()


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.method)
def test_contributions_add_up_to_what_calibration_makes_of_the_way_from_the_reference(curve):
    random = np.random.default_rng(0)
    contributions, reference = random.normal(size=(50, 4)), -0.7
    raw = reference + contributions.sum(axis=1)
    told = curve.shares(contributions, raw)
    assert told.sum(axis=1) == pytest.approx(curve.log_odds(raw) - curve.log_odds(reference), abs=1e-6)
    assert (told * contributions >= 0).all()


def test_a_row_that_is_the_reference_keeps_its_contributions_finite():
    told = CURVES[1].shares(np.array([[0.5, -0.5]]), np.array([-1.0]))
    assert told[0] == pytest.approx([-told[0, 1], told[0, 1]])
    assert 0.6 / 2 < told[0, 0] < 1.4 / 2


def test_a_calibration_file_of_before_there_were_curves_is_a_line():
    found = Calibration.model_validate_json('{"slope": 0.9, "intercept": -0.1}')
    assert (found.method, found.log_odds(2.0)) == (Method.PLATT, pytest.approx(1.7))


@given(SHARES, st.lists(SHARES, min_size=2, max_size=30))
def test_the_interval_always_holds_the_estimate(estimate, members):
    low, high = interval_of(estimate, np.array(members))
    assert low <= estimate <= high


def test_the_share_across_counts_members_on_the_other_side():
    members = np.array([0.01, 0.02, 0.03, 0.06])
    assert share_across(0.02, members, cut=0.05) == 0.25
    assert share_across(0.02, members, cut=0.10) == 0.0


def test_an_estimate_against_most_members_is_as_unsure_as_it_gets():
    assert share_across(0.06, np.array([0.01, 0.02, 0.03, 0.06]), cut=0.05) == 0.5


@given(SHARES, st.lists(SHARES, min_size=1, max_size=30), SHARES)
def test_the_share_across_is_never_more_than_half(estimate, members, cut):
    assert 0 <= share_across(estimate, np.array(members), cut) <= 0.5
