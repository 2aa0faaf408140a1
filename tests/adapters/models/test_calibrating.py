"""Which calibration is taken, and that it is the one that made the probabilities true."""

import numpy as np
import pytest

from plimsoll.adapters.models.calibrating import best_calibrated, weigh
from plimsoll.adapters.models.folds import folds_of
from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.models import metrics
from plimsoll.domain.models.calibration import Method

ROWS = 20_000


def drawn_by(log_odds, seed=0):
    """Raw log-odds, and endings as often as `log_odds` of them says."""
    random = np.random.default_rng(seed)
    raw = random.normal(-1.5, 1.2, ROWS)
    return raw, (random.random(ROWS) < 1 / (1 + np.exp(-log_odds(raw)))).astype(np.int64)


SHAPES = {
    Method.PLATT: lambda raw: 0.6 * raw - 0.3,
    Method.BETA: lambda raw: 1.6 * np.logaddexp(0, raw) - 0.5 * np.logaddexp(0, -raw) - 1.0,
    Method.ISOTONIC: lambda raw: np.where(raw < -1.5, -4.0, np.where(raw < 0, -1.0, 2.0)) + 0.01 * raw,
}


@pytest.mark.parametrize("method", sorted(SHAPES))
def test_the_shape_that_made_the_endings_is_found(method):
    raw, bad = drawn_by(SHAPES[method])
    calibration, weighed = best_calibrated(raw, bad, folds_of(bad, 5, 0))
    assert calibration.method is weighed.taken is method
    assert weighed.log_loss[method] < weighed.log_loss[Method.NONE]


@pytest.mark.parametrize("method", sorted(SHAPES))
def test_what_was_taken_can_be_believed_on_new_rows(method):
    raw, bad = drawn_by(SHAPES[method])
    calibration, _ = best_calibrated(raw, bad, folds_of(bad, 5, 0))
    newer, endings = drawn_by(SHAPES[method], seed=1)
    probability = calibration.probability(newer)
    assert metrics.ece(endings, probability) < 0.02
    assert (np.diff(calibration.log_odds(np.sort(newer))) >= 0).all()


def test_few_of_an_ending_get_a_line():
    raw, bad = drawn_by(SHAPES[Method.ISOTONIC])
    few = np.sort(np.concatenate([np.flatnonzero(bad == 0)[:500], np.flatnonzero(bad == 1)[:99]]))
    assert set(weigh(raw[few], bad[few], folds_of(bad[few], 5, 0)).log_loss) == {Method.NONE, Method.PLATT}


def test_scores_that_rank_no_better_than_chance_are_refused():
    raw, bad = drawn_by(lambda raw: -raw - 3)
    with pytest.raises(InvalidRequest, match="no better than chance"):
        best_calibrated(raw, bad, folds_of(bad, 5, 0))
