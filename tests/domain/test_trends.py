"""Whether risk has a direction worth suggesting."""

import numpy as np

from plimsoll.domain.lenders_file.trends import are_codes, trend
from plimsoll.domain.underwriting.product import Direction

ROWS = 4000


def drawn(rate: np.ndarray, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random(len(rate)) < rate


def test_a_steady_rise_is_suggested_with_its_figures():
    values = np.random.default_rng(0).uniform(0, 1, ROWS)
    found = trend(values, drawn(0.05 + 0.3 * values))
    assert found is not None
    assert found.clear
    assert found.direction is Direction.UP
    assert found.high_end > 2 * found.low_end
    assert "the same in 5 of 5 parts" in found.told()


def test_a_steady_fall_is_a_direction_too_and_missing_values_do_not_matter():
    values = np.random.default_rng(0).uniform(0, 1, ROWS)
    bad = drawn(0.4 - 0.3 * values)
    values[::3] = np.nan
    found = trend(values, bad)
    assert found is not None
    assert found.clear
    assert found.direction is Direction.DOWN


def test_noise_and_a_valley_suggest_nothing():
    values = np.random.default_rng(0).uniform(-1, 1, ROWS)
    noise, valley = trend(values, drawn(np.full(ROWS, 0.2))), trend(values, drawn(0.05 + 0.4 * values**2))
    assert noise is not None
    assert valley is not None
    assert not noise.clear
    assert not valley.clear


def test_too_few_bads_say_nothing():
    assert trend(np.arange(300.0), np.arange(300) < 10) is None


def test_the_ends_hold_enough_rows_where_most_are_nought():
    values = np.random.default_rng(0).choice([0.0, 1.0, 2.0, 3.0], ROWS, p=[0.9, 0.09, 0.009, 0.001])
    found = trend(values, drawn(0.1 + 0.1 * values))
    assert found is not None
    assert found.low_end < 0.13 < found.high_end < 0.35


def test_numbers_whose_risk_jumps_up_and_down_are_codes():
    values = np.random.default_rng(0).integers(0, 8, ROWS).astype(float)
    assert are_codes(values, drawn(np.array([0.1, 0.4, 0.1, 0.4, 0.1, 0.4, 0.1, 0.4])[values.astype(int)]))
    assert not are_codes(values, drawn(0.05 + 0.05 * values))
    assert not are_codes(values, drawn(np.full(ROWS, 0.2)))
