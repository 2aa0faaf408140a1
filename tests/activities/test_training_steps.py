"""Training's activities against real Postgres: watched, resumed, stopped, and never half done."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.training import TakeStep
from plimsoll.domain.access import Role
from plimsoll.domain.errors import Unavailable
from plimsoll.domain.models.registry import ModelState
from plimsoll.domain.models.training import TrainingStep
from plimsoll.domain.models.training_run import (
    NothingToLearnFrom,
    TrainingEnded,
    TrainingState,
    TrainingUnderWay,
)
from tests.builders import NOW
from tests.house import House, until
from tests.trainings import PRODUCT, Hall, a_hall, activity_of, ref


@pytest.fixture
async def hall(house: House) -> AsyncIterator[Hall]:
    yield a_hall(house)
    await house.must_verify()


async def test_a_step_leaves_its_sentence_and_how_long_it_took(hall: Hall):
    run = await hall.begun()
    await hall.do("fetch_examples", ref(run))
    taken = await hall.take(run, TrainingStep.VALIDATE)
    assert not taken.stopped
    progress, findings = (await hall.now(run)).progress, (await hall.now(run)).findings
    assert [step.step for step in progress.finished] == ["fetch", "validate"]
    assert progress.finished[0].sentence == "100 labelled applications, 30.0% of them bad."
    assert findings == {"n": 100}


async def test_a_step_taken_again_counts_once(hall: Hall):
    run = await hall.begun()
    for _ in range(2):
        await hall.take(run, TrainingStep.SPLIT)
    assert [step.step for step in (await hall.now(run)).progress.finished] == ["split"]


async def test_progress_can_be_read_while_a_step_works(hall: Hall):
    run, may_end = await hall.begun(), threading.Event()
    hall.workshop.doing["candidates"] = lambda progress: (progress("forest", 3, 5), may_end.wait(20))[0]
    working = asyncio.create_task(hall.take(run, TrainingStep.CANDIDATES))

    async def told() -> bool:
        now = (await hall.now(run)).progress
        return now is not None and (now.step, now.text, now.done, now.of) == ("candidates", "forest", 3, 5)

    try:
        await until(told, what="the progress of a step under way")
    finally:
        may_end.set()
    await working


async def test_what_a_check_finds_ends_the_training_with_its_sentence(hall: Hall):
    run = await hall.begun()
    hall.workshop.stops["validate"] = "The column total_pymnt tells the ending: it was known after the decision."
    assert (await hall.take(run, TrainingStep.VALIDATE)).stopped
    ended = await hall.now(run)
    assert (ended.state, ended.error) == (TrainingState.STOPPED, hall.workshop.stops["validate"])


async def test_data_that_teaches_nothing_ends_the_training_and_says_nothing_to_the_engine(hall: Hall):
    def one_class(progress):
        raise NothingToLearnFrom("All 40 applications of x ended good: a model needs both endings to learn from.")

    run = await hall.begun()
    hall.workshop.doing["fetch"] = one_class
    taken = await hall.do("fetch_examples", ref(run))
    assert (taken.stopped, taken.sentence) == (True, "nothing_to_learn_from")
    assert (await hall.now(run)).error.startswith("All 40 applications")


async def test_somebody_who_stops_it_is_obeyed_at_the_next_word(hall: Hall):
    def for_ever(progress):
        while True:
            progress("tuning", 1, 9)

    run = await hall.begun()
    hall.workshop.doing["candidates"] = for_ever
    working = asyncio.create_task(hall.take(run, TrainingStep.CANDIDATES))
    await asyncio.to_thread(hall.workshop.begun.wait, 20)
    bob = await hall.house.somebody(Role.MODEL_OWNER)
    said = {"by": bob, "reason": "wrong file", "request": "req_2", "now": NOW}
    await hall.house.ports.trainings.cancel(run.id, **said)
    assert (await working).stopped
    assert (await hall.now(run)).error == f"Stopped by {bob.name}: wrong file"
    with pytest.raises(TrainingEnded, match="nothing to stop"):
        await hall.house.ports.trainings.cancel(run.id, **said)


async def test_a_step_after_the_end_does_nothing(hall: Hall):
    run = await hall.begun()
    await hall.house.ports.trainings.end(run.id, TrainingState.STOPPED, NOW, "enough")
    assert (await hall.take(run, TrainingStep.CANDIDATES)).stopped
    assert not hall.workshop.taken


async def test_a_defect_is_tried_again_and_never_ends_the_training_by_itself(hall: Hall):
    def broken(progress):
        raise ZeroDivisionError("with a value of somebody in it")

    run = await hall.begun()
    hall.workshop.doing["evaluate"] = broken
    with pytest.raises(ApplicationError, match="ZeroDivisionError in test_training_steps") as failed:
        await hall.take(run, TrainingStep.EVALUATE)
    assert not failed.value.non_retryable
    assert (await hall.now(run)).state is TrainingState.RUNNING


async def test_a_step_goes_on_while_its_progress_cannot_be_told(hall: Hall, monkeypatch):
    run, told = await hall.begun(), hall.house.ports.trainings.report

    async def away(training, progress, now, findings=None):
        if not progress.finished:
            raise Unavailable("Postgres is away")
        return await told(training, progress, now, findings)

    monkeypatch.setattr(hall.house.ports.trainings, "report", away)
    assert not (await hall.take(run, TrainingStep.SPLIT)).stopped


async def test_a_worker_that_is_told_to_stop_leaves_the_thread_behind_by_its_next_word(hall: Hall):
    words = []

    def for_ever(progress):
        while True:
            words.append(1)
            progress("tuning", 1, 9)

    run = await hall.begun()
    hall.workshop.doing["candidates"] = for_ever
    environment = ActivityEnvironment()
    step = TakeStep(training=run.id, product=PRODUCT, step=TrainingStep.CANDIDATES)
    working = asyncio.create_task(environment.run(activity_of(hall.house, "take_training_step"), step))
    await asyncio.to_thread(hall.workshop.begun.wait, 20)
    environment.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    count = len(words)
    await asyncio.sleep(0.05)
    assert len(words) == count
    assert (await hall.now(run)).wanted, "another worker goes on"


async def test_what_was_published_becomes_a_candidate_once(hall: Hall):
    run = await hall.begun()
    first = await hall.do("register_version", ref(run))
    assert await hall.do("register_version", ref(run)) == first
    record = await hall.house.ports.registry.find(first.model)
    assert (record.state, record.training_id, record.created_by) == (ModelState.CANDIDATE, run.id, run.requested_by)
    assert (await hall.now(run)).state is TrainingState.DONE


async def test_the_same_version_again_is_found_and_told_as_what_the_training_gave(hall: Hall):
    """The same data and plan: the candidate of before is the candidate of now."""
    one = await hall.begun()
    first = await hall.do("register_version", ref(one))
    other = await hall.begun()
    hall.workshop.gives = one.id
    assert (await hall.do("register_version", ref(other))).model == first.model
    assert (await hall.now(other)).model_id == (await hall.now(one)).model_id == first.model


async def test_a_product_is_trained_once_at_a_time(hall: Hall):
    run = await hall.begun()
    with pytest.raises(TrainingUnderWay, match="is being trained"):
        await hall.begun()
    await hall.do("end_training", ref(run))
    assert (await hall.begun()).id != run.id


async def test_the_mirror_is_told_and_says_when_it_cannot_be(hall: Hall):
    await hall.do("mirror_models")
    assert hall.mirror.told == 1
    hall.mirror.fails = Unavailable("MLflow is away")
    with pytest.raises(ApplicationError) as failed:
        await hall.do("mirror_models")
    assert not failed.value.non_retryable
