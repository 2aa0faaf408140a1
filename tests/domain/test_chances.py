"""Tails of two distributions, held to SciPy's."""

import pytest
from scipy import stats

from plimsoll.domain.monitoring.chances import chi_square_tail, kolmogorov_tail


@pytest.mark.parametrize("degrees", [1, 2, 5, 11, 50])
@pytest.mark.parametrize("statistic", [0.01, 0.5, 3.84, 12.0, 40.0, 300.0])
def test_the_chi_square_tail_is_scipys(statistic: float, degrees: int):
    assert chi_square_tail(statistic, degrees) == pytest.approx(stats.chi2.sf(statistic, degrees), rel=1e-6, abs=1e-300)


def test_what_is_beyond_every_double_has_no_chance():
    assert chi_square_tail(1e6, 3) == 0.0
    assert chi_square_tail(0.0, 3) == 1.0
    assert chi_square_tail(5.0, 0) == 1.0


@pytest.mark.parametrize(("gap", "reference", "current"), [(0.05, 1000, 500), (0.1, 300, 300), (0.2, 5000, 100)])
def test_the_kolmogorov_tail_is_near_the_exact_one(gap: float, reference: int, current: int):
    exact = stats.kstwo.sf(gap, round(reference * current / (reference + current)))
    assert kolmogorov_tail(gap, reference, current) == pytest.approx(exact, rel=0.05)


def test_no_gap_is_no_surprise():
    assert kolmogorov_tail(0.0, 100, 100) == 1.0
    assert kolmogorov_tail(1e-6, 100, 100) == 1.0
