"""Two versions on rows neither has learnt from, in words; and which rows those are."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from plimsoll.domain.models import metrics
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.side_by_side import side_by_side, too_few
from plimsoll.domain.models.untouched import learnt_until, split_keys, untouched

RANDOM = np.random.default_rng(3)
ROWS = 2_000
TRUTH = RANDOM.normal(size=ROWS)
BAD = (TRUTH + RANDOM.normal(size=ROWS) > 1.5).astype(np.int64)
GOOD_MODEL, POOR_MODEL = TRUTH + RANDOM.normal(size=ROWS) * 0.3, TRUTH + RANDOM.normal(size=ROWS) * 3
TRAINED_AT = datetime(2026, 6, 1, tzinfo=UTC)


def test_the_better_one_is_named_with_interval_and_p_in_words():
    found = side_by_side("m@1", "m@2", BAD, POOR_MODEL, GOOD_MODEL)
    assert found.difference is not None
    assert found.difference.difference == pytest.approx(metrics.auc(BAD, GOOD_MODEL) - metrics.auc(BAD, POOR_MODEL))
    assert "m@2 ranks better" in found.sentence
    assert "less than once in 1,000 times (p < 0.001)" in found.sentence
    assert "m@2 ranks better" in side_by_side("m@2", "m@1", BAD, GOOD_MODEL, POOR_MODEL).sentence


def test_what_chance_explains_is_said_not_to_be_known():
    found = side_by_side("m@1", "m@2", BAD, GOOD_MODEL, GOOD_MODEL + RANDOM.normal(size=ROWS) * 0.1)
    assert "cannot be said which ranks better" in found.sentence
    assert found.difference is not None
    assert f"(p {found.difference.p:.3f})" in found.sentence


def test_a_version_beside_itself_ranks_alike():
    assert "both rank everybody alike" in side_by_side("m@1", "m@1", BAD, GOOD_MODEL, GOOD_MODEL).sentence


def test_three_bad_ones_say_nothing():
    few = np.r_[np.ones(3), np.zeros(500)].astype(np.int64)
    found = side_by_side("m@1", "m@2", few, GOOD_MODEL[:503], POOR_MODEL[:503])
    assert found.difference is None
    assert found.sentence.startswith("Only 503 labelled rows were learnt from by neither, 3 of them bad")
    assert "no labelled row" in too_few("m@1", "m@2", 0, 0).sentence


# Which rows ------------------------------------------------------------------------------------------


def some_rows(**dates) -> Examples:
    references = np.array([f"R{row}" for row in range(1_000)], dtype=object)
    return Examples(columns={}, bad=np.arange(1_000) % 4 == 0, references=references, **dates)


def held_out_up_to(limit: bytes) -> dict:
    return {"held_out_up_to": {"key": "plimsoll-split-1", "digest": limit.hex()}}


def test_rows_with_a_digest_up_to_the_limit_were_held_out():
    keys = split_keys("plimsoll-split-1", some_rows().references)
    limit = sorted(keys.tolist())[299]
    assert untouched(some_rows(), held_out_up_to(limit.ljust(8, b"\0")), TRAINED_AT).sum() == 300


def test_rows_applied_for_after_everything_it_learnt_from_are_untouched_whatever_their_digest():
    applied = np.datetime64("2025-01-01") + np.arange(1_000)
    rows = some_rows(applied_on=applied)
    free = untouched(rows, held_out_up_to(b"\0" * 8) | {"applied_until": "2026-01-01"}, TRAINED_AT)
    assert applied[free].min() == np.datetime64("2026-01-02")


def test_without_a_word_of_what_it_learnt_from_only_what_came_after_it_is_untouched():
    rows = some_rows(applied_on=np.datetime64("2025-01-01") + np.arange(1_000))
    assert rows.applied_on[untouched(rows, {"rows": 700}, TRAINED_AT)].min() == np.datetime64("2026-06-02")
    assert not untouched(some_rows(), {"rows": 700}, TRAINED_AT).any()


@pytest.mark.parametrize(
    ("data", "until"), [({"applied_until": "2025-03-01"}, date(2025, 3, 1)), ({"rows": 700}, date(2026, 6, 1))]
)
def test_a_version_that_does_not_say_what_it_learnt_from_may_have_learnt_from_all_until_its_day(data, until):
    assert learnt_until(data, TRAINED_AT) == until


def test_a_version_of_rows_without_days_learnt_nothing_that_was_applied_for_on_the_day_of_its_training():
    """They had ended when their file was made."""
    assert learnt_until({"rows": 700, "undated": 700}, TRAINED_AT) == date(2026, 5, 31)
    both = {"rows": 900, "undated": 700, "applied_until": "2026-06-01"}
    assert learnt_until(both, TRAINED_AT) == date(2026, 6, 1)
