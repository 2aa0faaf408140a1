"""When a model is trained anew, what it is compared on, and what it must show before anybody is asked."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.out_of_time import LearntWhatIsHeldOut, TooLittleHeldOut, out_of_time
from plimsoll.domain.models.retraining import Due, LivePerformance, RetrainingTerms, Standing, due
from plimsoll.domain.models.retraining_gate import Comparison, HeldOut, Requirement, Tried, Verdict, compare
from plimsoll.domain.models.training_run import Trigger

JUNE = datetime(2026, 6, 1, tzinfo=UTC)
TERMS = RetrainingTerms()
ROWS = 6_000


def the_standing(**changes: Any) -> Standing:
    """Trained ten days ago on a thousand labels, a hundred more since; nothing asks."""
    quiet = {
        "labels_learnt": 1_000,
        "auc_at_training": 0.75,
        "labels_known": 1_100,
        "trained_at": JUNE - timedelta(days=10),
    }
    return Standing(**(quiet | changes))


def asked(**changes: Any) -> Due:
    return due(the_standing(**changes), TERMS, JUNE)


def test_nothing_asks_and_nothing_is_due():
    assert asked() == Due()
    assert not asked().now


def test_a_month_after_the_last_training_another_is_due():
    assert asked(trained_at=JUNE - timedelta(days=30)).trigger is Trigger.MONTHLY
    assert not asked(trained_at=JUNE - timedelta(days=29)).causes


def test_the_month_counts_from_the_last_try_also_when_it_was_rejected():
    tried = {"trained_at": JUNE - timedelta(days=90), "tried_at": JUNE - timedelta(days=12), "labels_then": 1_050}
    assert not asked(**tried).causes


def test_a_quarter_more_labels_than_it_learnt_from_asks_for_a_new_model():
    found = asked(labels_known=1_250)
    assert found.now
    assert found.trigger is Trigger.NEW_DATA
    assert "250 labels" in found.causes[0].sentence
    assert not asked(labels_known=1_249).causes


def test_few_new_labels_ask_for_nothing_however_few_it_learnt_from():
    assert not asked(labels_learnt=100, labels_known=299).causes
    assert asked(labels_learnt=100, labels_known=300).now


def live(auc: float, low: float, high: float, bads: int = 200) -> LivePerformance:
    return LivePerformance(auc=auc, interval=(low, high), bads=bads, goods=1_000)


def test_a_sure_and_sizeable_loss_of_auc_asks_for_a_new_model():
    found = asked(performance=live(0.70, 0.67, 0.73))
    assert found.now
    assert found.trigger is Trigger.PERFORMANCE
    assert "0.700 (0.670–0.730)" in found.causes[0].sentence


@pytest.mark.parametrize(
    "seen",
    [live(0.70, 0.64, 0.76), live(0.72, 0.71, 0.73), live(0.60, 0.50, 0.70, bads=49)],
    ids=["chance explains it", "too small to matter", "too few bads"],
)
def test_a_loss_that_says_nothing_asks_for_nothing(seen: LivePerformance):
    assert not asked(performance=seen).causes


def test_drift_that_asks_is_told_in_its_own_words():
    found = asked(drift=("Input far off: psi of term is 3.01.",))
    assert found.trigger is Trigger.DRIFT
    assert "3.01" in found.causes[0].sentence


def test_the_gravest_cause_is_named_and_all_are_kept():
    found = asked(drift=("it moved",), performance=live(0.70, 0.67, 0.73), labels_known=2_000)
    assert [cause.trigger for cause in found.causes] == [Trigger.PERFORMANCE, Trigger.DRIFT, Trigger.NEW_DATA]


def test_without_a_new_label_there_is_nothing_new_to_learn():
    found = asked(drift=("it moved",), labels_known=1_000)
    assert not found.now
    assert found.held_back
    assert "nothing new to learn" in found.held_back


def test_two_tries_keep_their_distance():
    tried = {"drift": ("it moved",), "tried_at": JUNE - timedelta(days=6), "labels_then": 1_000}
    assert not asked(**tried).now
    assert asked(**(tried | {"tried_at": JUNE - timedelta(days=7)})).now


def test_a_person_is_obeyed_at_once():
    found = asked(asked_by="the bureau changed its score", labels_known=1_000, tried_at=JUNE)
    assert found.now
    assert found.trigger is Trigger.PERSON


# What is compared on ----------------------------------------------------------------------------


def made(examples: Examples) -> Any:
    return examples.applied_on


def known(examples: Examples) -> Any:
    return examples.label_known_on


def some_examples(days: int = 1_000, a_day: int = 3, known_after: int = 365) -> Examples:
    on = np.repeat(np.datetime64("2020-01-01") + np.arange(days), a_day)
    bad = np.arange(len(on)) % 5 == 0
    return Examples(columns={}, bad=bad, applied_on=on, label_known_on=on + np.timedelta64(known_after, "D"))


def test_no_label_is_read_before_it_was_known():
    today = date(2022, 1, 1)
    split = out_of_time(some_examples(), today, TERMS)
    for part in (split.learnt, split.held_out):
        assert (known(part) <= np.datetime64(today)).all()


def test_the_newest_known_applications_are_held_out_and_all_before_are_learnt():
    split = out_of_time(some_examples(), date(2022, 1, 1), TERMS)
    assert made(split.learnt).max() < np.datetime64(split.since) == made(split.held_out).min()
    assert len(split.held_out) == 3 * TERMS.hold_out_days
    assert made(split.held_out).max() == np.datetime64("2021-01-01")


def test_a_label_that_will_be_changed_tomorrow_does_not_change_the_split():
    """The future may say anything: what is split today stays the same to the last row."""
    examples, today = some_examples(), date(2022, 1, 1)
    later = known(examples) > np.datetime64(today)
    turned = replace(examples, bad=np.where(later, ~examples.bad, examples.bad))
    one, other = out_of_time(examples, today, TERMS), out_of_time(turned, today, TERMS)
    assert (one.learnt.bad == other.learnt.bad).all()
    assert (one.held_out.bad == other.held_out.bad).all()


def test_too_few_known_labels_are_said_to_be_too_few():
    with pytest.raises(TooLittleHeldOut, match="of each"):
        out_of_time(some_examples(), date(2021, 1, 5), TERMS)


def test_without_days_nothing_can_be_held_out_of_time():
    with pytest.raises(TooLittleHeldOut, match="`applied_on` and `label_known_on`"):
        out_of_time(Examples(columns={}, bad=np.array([True, False])), date(2022, 1, 1), TERMS)


# The gate ---------------------------------------------------------------------------------------

RANDOM = np.random.default_rng(5)
TRUTH = RANDOM.normal(-1.5, 1.2, ROWS)
BAD = (RANDOM.random(ROWS) < 1 / (1 + np.exp(-TRUTH))).astype(np.int64)
SINCE = date(2026, 1, 1)
HELD_OUT = HeldOut(since=SINCE, bad=BAD)


def a_model(name: str, noise: float = 0.0, **changes: Any) -> Tried:
    """The true chance, blurred: the more, the worse it ranks."""
    log_odds = TRUTH if not noise else TRUTH + np.random.default_rng(9).normal(0, noise, ROWS)
    probability = 1 / (1 + np.exp(-log_odds))
    model = Tried(
        name=name,
        learnt_until=date(2025, 12, 31),
        probability=probability,
        approved=probability < 0.2,
        principal=np.where(np.arange(ROWS) % 2 == 0, "income", "history").astype(object),
        milliseconds=np.full(100, 2.0),
    )
    return replace(model, **changes)


CHAMPION = a_model("champion", noise=1.0)


def held_against(challenger: Tried, held_out: HeldOut = HELD_OUT) -> Comparison:
    return compare(held_out, CHAMPION, challenger, TERMS)


def failed(found: Comparison) -> list[Requirement]:
    return [check.requirement for check in found.checks if not check.met]


def test_a_better_model_becomes_a_challenger():
    found = held_against(a_model("challenger"))
    assert found.verdict is Verdict.CHALLENGER
    assert found.reasons == ()
    assert found.checks[0].figures["low"] > 0


def test_the_same_model_again_is_rejected_because_it_is_not_better():
    found = compare(HELD_OUT, a_model("champion"), a_model("again"), TERMS)
    assert found.verdict is Verdict.REJECTED
    assert failed(found) == [Requirement.BETTER]
    assert "DeLong" in found.reasons[0]
    assert "not surely better" in found.reasons[0], "and not worse either"


def test_probabilities_that_are_off_are_rejected_however_well_they_rank():
    off = a_model("challenger")
    found = held_against(replace(off, probability=off.probability / 2))
    assert failed(found) == [Requirement.CALIBRATED]
    assert "predicted" in found.reasons[0]


def test_a_group_that_fares_worse_than_before_is_a_reason_against_it():
    groups = {"age": np.where(np.arange(ROWS) % 4 == 0, "young", "older").astype(object)}
    challenger = a_model("challenger")
    hard = replace(
        challenger, approved=challenger.approved & ((groups["age"] == "older") | (RANDOM.random(ROWS) < 0.6))
    )
    found = held_against(hard, replace(HELD_OUT, groups=groups))
    assert failed(found) == [Requirement.FAIR]
    assert "by age" in found.reasons[0]


def test_with_no_groups_on_file_it_says_that_it_cannot_say():
    fair = held_against(a_model("challenger")).checks[1]
    assert fair.met
    assert "cannot be said" in fair.sentence


def test_other_reasons_for_the_same_people_are_a_reason_against_it():
    moved = a_model("challenger", principal=np.full(ROWS, "history", dtype=object))
    assert failed(held_against(moved)) == [Requirement.REASONS]


def test_a_slower_model_is_rejected():
    assert failed(held_against(a_model("challenger", milliseconds=np.full(100, 2.5)))) == [Requirement.LATENCY]


def test_a_rejection_gives_all_its_reasons_at_once():
    found = held_against(a_model("challenger", noise=2.0, milliseconds=np.full(100, 9.0)))
    assert {Requirement.BETTER, Requirement.CALIBRATED, Requirement.LATENCY} <= set(failed(found))


def test_a_model_that_learnt_from_the_hold_out_is_not_compared():
    with pytest.raises(LearntWhatIsHeldOut, match="asked what it was told"):
        held_against(a_model("challenger", learnt_until=SINCE))


def test_a_hold_out_with_few_bads_says_nothing():
    with pytest.raises(TooLittleHeldOut):
        held_against(a_model("challenger"), replace(HELD_OUT, bad=np.zeros(ROWS, dtype=np.int64)))


# A file without days beside outcomes on record -------------------------------------------------------


def file_and_record(days: int, a_day: int, bads: int = 4) -> Examples:
    """1,000 rows of which nobody knows the day, and some applications a day since."""
    here = days * a_day
    applied = np.repeat(np.datetime64("2026-01-01") + np.arange(days), a_day)
    none = np.full(1_000, np.datetime64("NaT"), dtype="datetime64[D]")
    return Examples(
        columns={},
        bad=np.r_[np.arange(1_000) % 5 == 0, np.arange(here) % bads == 0],
        applied_on=np.r_[none, applied],
        label_known_on=np.r_[none, applied + 1],
        undated=np.arange(1_000 + here) < 1_000,
    )


def test_rows_without_a_day_are_learnt_from_and_never_held_out():
    split = out_of_time(file_and_record(days=1, a_day=300), date(2026, 6, 1), TERMS)
    assert (len(split.learnt), len(split.held_out)) == (1_000, 300)
    assert split.since == date(2026, 1, 1), "not half a year earlier, when nobody applied"


def test_of_a_short_record_the_older_half_is_learnt_from():
    split = out_of_time(file_and_record(days=40, a_day=20), date(2026, 6, 1), TERMS)
    assert (len(split.learnt), len(split.held_out)) == (1_400, 400)


def test_a_half_that_would_say_nothing_is_held_out_whole():
    split = out_of_time(file_and_record(days=10, a_day=30), date(2026, 6, 1), TERMS)
    assert (len(split.learnt), len(split.held_out)) == (1_000, 300)


def test_of_a_long_record_half_a_year_is_held_out():
    split = out_of_time(file_and_record(days=500, a_day=3), date(2027, 6, 1), TERMS)
    assert split.since == date(2026, 1, 1) + timedelta(days=499 - 182)
