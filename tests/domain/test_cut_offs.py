"""Where to approve, refer and decline."""

import numpy as np
import pytest

from plimsoll.domain.models.calibration import corrected
from plimsoll.domain.underwriting.cut_offs import cut_offs, portfolio_weights, rounded

RANDOM = np.random.default_rng(5)
PROBABILITY = RANDOM.beta(1.2, 4, 20_000)
BAD = RANDOM.random(20_000) < PROBABILITY


def test_the_cheapest_cut_is_where_a_bad_one_costs_as_much_as_the_good_ones_turned_away():
    assert cut_offs(PROBABILITY, BAD, 5, 0.1).best == pytest.approx(1 / 6, abs=0.05)
    assert cut_offs(PROBABILITY, BAD, 1, 0.1).best == pytest.approx(1 / 2, abs=0.1)


def test_a_dearer_bad_one_approves_fewer():
    assert cut_offs(PROBABILITY, BAD, 10, 0.1).approved < cut_offs(PROBABILITY, BAD, 3, 0.1).approved


def test_people_get_the_share_they_can_look_at_around_the_best_cut():
    found = cut_offs(PROBABILITY, BAD, 5, 0.2)
    assert found.approve_up_to < found.best < found.decline_above
    assert found.referred == pytest.approx(0.2, abs=0.02)
    assert found.approved + found.referred + found.declined == pytest.approx(1)


def test_where_few_would_be_declined_half_of_them_still_are():
    weights = portfolio_weights(BAD, BAD.mean(), 0.02)
    found = cut_offs(corrected(PROBABILITY, BAD.mean(), 0.02), BAD, 5, 0.3, weights)
    assert 0 < found.declined < 0.1
    assert found.referred == pytest.approx(0.3, abs=0.03)


def test_it_costs_less_than_approving_or_declining_all():
    found = cut_offs(PROBABILITY, BAD, 5, 0.1)
    assert found.cost < min(found.cost_of_approving_all, found.cost_of_declining_all)


def test_grades_rise_to_the_cut_and_do_not_repeat():
    found = cut_offs(PROBABILITY, BAD, 5, 0.1)
    assert list(found.grades) == sorted(set(found.grades))
    assert found.grades[-1] == found.decline_above


def test_a_model_that_tells_nobody_apart_still_gives_cut_offs_that_can_be_written_down():
    found = cut_offs(np.full(500, 0.2), RANDOM.random(500) < 0.2, 5, 0.1)
    assert 0 < found.approve_up_to < found.decline_above < 1


def test_with_a_rarer_portfolio_each_row_counts_as_often_as_it_occurs_there():
    weights = portfolio_weights(BAD, BAD.mean(), 0.05)
    assert np.average(BAD, weights=weights) == pytest.approx(0.05)
    found = cut_offs(corrected(PROBABILITY, BAD.mean(), 0.05), BAD, 5, 0.1, weights)
    assert found.best == pytest.approx(1 / 6, abs=0.07)
    assert found.approved > 0.8


@pytest.mark.parametrize(("number", "short"), [(0.123456, 0.123), (0.0123456, 0.0123), (0.0, 0.0005), (1.0, 0.999)])
def test_a_cut_can_be_read_aloud(number, short):
    assert rounded(number) == short
