"""What comes of a retraining once everything was tried."""

from datetime import UTC, datetime

from plimsoll.domain.models.retraining_gate import Check, Comparison, Requirement
from plimsoll.domain.models.retraining_run import (
    Candidate,
    RetrainingRun,
    RetrainingState,
    TriedOut,
    came_of,
    labels_then,
)
from plimsoll.domain.models.training import TrainingPlan
from plimsoll.domain.models.training_run import Trigger

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
BETTER, WORSE = (
    Comparison(
        champion="one",
        challenger="other",
        rows=900,
        bads=90,
        checks=(Check(requirement=Requirement.BETTER, met=met, sentence=f"It is {'' if met else 'not '}better."),),
    )
    for met in (True, False)
)


def a_run(*tried: TriedOut) -> RetrainingRun:
    return RetrainingRun(
        id="rtr_1", product="loans", state=RetrainingState.RUNNING, trigger=Trigger.PERSON, asked="it is autumn",
        plan=TrainingPlan(), requested_by="act_1", started_at=NOON, changed_at=NOON, tried=tried,
    )  # fmt: skip


def a_try(candidate: Candidate, comparison: Comparison | None, **more) -> TriedOut:
    return TriedOut(candidate=candidate, comparison=comparison, model_id=f"mdl_{candidate}", **more)


def test_the_retrained_comes_before_the_champion_calibrated_anew():
    came = came_of(a_run(a_try(Candidate.RECALIBRATED, BETTER), a_try(Candidate.RETRAINED, BETTER)))
    assert (came.state, came.challenger_id) == (RetrainingState.CHALLENGER, "mdl_retrained")


def test_a_rejection_gives_the_reasons_of_everything_that_was_tried():
    why = "There were 3 bad ones."
    came = came_of(a_run(a_try(Candidate.RECALIBRATED, None, why_not=why), a_try(Candidate.RETRAINED, WORSE)))
    assert came.state is RetrainingState.REJECTED
    assert came.why == "Champion calibrated anew: There were 3 bad ones. Retrained: It is not better."


def test_a_training_that_was_stopped_does_not_take_back_what_passed_before_it():
    came = came_of(a_run(a_try(Candidate.RECALIBRATED, BETTER)), no_version="Half of the rows are there twice.")
    assert (came.state, came.challenger_id) == (RetrainingState.CHALLENGER, "mdl_recalibrated")


def test_tried_again_it_counts_once():
    run = a_run(a_try(Candidate.RECALIBRATED, WORSE))
    assert run.with_tried(a_try(Candidate.RECALIBRATED, BETTER)) == (a_try(Candidate.RECALIBRATED, BETTER),)


def test_labels_that_were_held_out_were_known_and_are_not_new():
    assert labels_then({"rows": 700, "labels_known": 1_000}) == 1_000
    assert labels_then({"rows": 700}) == 700
