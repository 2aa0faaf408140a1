"""RetrainModel on a real server: to a challenger or a recorded rejection, over killed workers, two at once."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from activities.retraining import AskIfDue
from plimsoll.domain.models.registry import ModelState
from plimsoll.domain.models.retraining_run import Candidate, RetrainingState, RetrainingUnderWay
from plimsoll.domain.models.training import SplitKind
from plimsoll.domain.models.training_run import TrainingState, Trigger
from tests.house import a_house, until
from tests.retrainings import SINCE, School, a_school
from tests.stack_fixtures import Database, LocalTemporal
from tests.trainings import PRODUCT
from workflows import names
from workflows.ask_for_retraining import AskForRetraining


@pytest.fixture
async def school(database: Database, local_temporal: LocalTemporal, tmp_path) -> AsyncIterator[School]:
    """With a champion, an engine, and nobody at work yet."""
    temporal = LocalTemporal(local_temporal.address, f"test-{uuid.uuid4().hex[:8]}")
    async with a_house(tmp_path, database, temporal=temporal, faked=True) as house:
        school = a_school(house)
        yield school
        await house.must_verify()


async def entries(school: School) -> list[str]:
    rows = await school.house.rows(
        "select kind, convert_from(body, 'UTF8')::jsonb as body from ledger_entry order by id"
    )
    return [f"{row['kind']} {row['body'].get('state', '')}".strip() for row in rows if "retraining" in row["kind"]]


async def test_a_successor_that_passes_is_a_challenger_that_people_may_propose(school: School):
    await school.with_champion()
    school.contest.better[Candidate.RETRAINED] = True
    run, _ = await school.ended()
    assert (run.state, run.trigger) == (RetrainingState.CHALLENGER, Trigger.PERSON)
    record = await school.house.ports.registry.find(run.challenger_id)
    assert (record.state, record.roles) == (ModelState.CANDIDATE, ()), "roles are changed by people"
    assert run.challenger == record.called
    assert "passed every check" in run.why
    assert await entries(school) == ["retraining.started", "retraining.ended challenger"]


async def test_what_is_not_better_is_rejected_with_every_reason_on_record(school: School):
    champion = await school.with_champion()
    run, _ = await school.ended()
    assert (run.state, run.challenger_id, run.champion_id) == (RetrainingState.REJECTED, None, champion.id)
    assert [each.candidate for each in run.tried] == [Candidate.RECALIBRATED, Candidate.RETRAINED]
    assert run.why.count("that is not surely better") == 2
    assert await entries(school) == ["retraining.started", "retraining.ended rejected"]


async def test_the_successor_learns_by_the_day_of_the_retraining_and_before_its_hold_out(school: School):
    await school.with_champion()
    run, _ = await school.ended()
    training = await school.house.ports.trainings.get(run.training_id)
    assert (training.plan.split, training.plan.held_out_from) == (SplitKind.OUT_OF_TIME, SINCE)
    assert training.plan.known_by == run.today


async def test_the_champion_calibrated_anew_may_be_all_that_is_needed(school: School):
    await school.with_champion()
    school.contest.better[Candidate.RECALIBRATED] = True
    run, _ = await school.ended()
    assert run.state is RetrainingState.CHALLENGER
    assert run.challenger_id == run.what_was_tried(Candidate.RECALIBRATED).model_id


async def test_a_check_of_the_data_that_stops_the_training_stops_the_retraining_with_its_sentence(school: School):
    await school.with_champion()
    school.hall.workshop.stops["validate"] = "Half of the rows are there twice."
    run, _ = await school.ended()
    assert run.state is RetrainingState.STOPPED
    assert run.why.startswith("Half of the rows are there twice.")
    assert school.contest.asked["retrained"] == 0
    assert await entries(school) == ["retraining.started", "retraining.ended stopped"]


async def test_without_a_hold_out_nothing_is_trained_and_the_reason_is_on_record(school: School):
    await school.with_champion()
    school.contest.why_not = "Of the labels held out, 3 are bad and 900 good; a comparison needs 50 of each."
    run, _ = await school.ended()
    assert (run.state, run.why) == (RetrainingState.REJECTED, school.contest.why_not)
    assert run.training_id is None


async def test_without_a_champion_it_says_how_to_get_one(school: School):
    run, _ = await school.ended()
    assert run.state is RetrainingState.REJECTED
    assert "plimsoll model train consumer-credit" in run.why


async def test_drift_without_a_single_new_label_is_held_back(school: School):
    await school.with_champion(labels_known=school.contest.known)
    run, _ = await school.ended(Trigger.DRIFT)
    assert run.state is RetrainingState.HELD_BACK
    assert "nothing new to learn" in run.why
    assert await entries(school) == ["retraining.started", "retraining.ended held_back"]


async def test_a_worker_that_dies_while_it_compares_is_followed_by_one_that_trains_nothing_again(school: School):
    await school.with_champion()
    school.contest.breaks_once = {"recalibrated", "retrained"}
    run, _ = await school.ended()
    assert run.state is RetrainingState.REJECTED
    assert school.contest.asked == {"labels_known": 1, "recalibrated": 2, "retrained": 2}
    assert school.hall.workshop.taken["candidates"] == 1
    assert len(run.tried) == 2


async def test_a_terminated_run_finds_its_training_and_goes_on(school: School):
    """An operator, or the engine's database lost: the row says where it stood."""
    await school.with_champion()
    school.contest.better[Candidate.RETRAINED] = True
    async with school.hall.at_work():
        run = await school.asked()
        held = asyncio.Event()

        def until_terminated(progress):
            while not held.is_set():
                progress("tuning", 1, 9)

        school.hall.workshop.doing["candidates"] = until_terminated
        first = await school.started(run)

        async def training() -> bool:
            return school.hall.workshop.taken["candidates"] == 1

        await until(training, what="the successor to be trained")
        await first.terminate("by an operator")
        held.set()
        open_runs = await school.house.ports.open_runs.open_runs(run.started_at - run.started_at)
        assert [(each.kind, each.id) for each in open_runs] == [("retraining", run.id)], "the training is its own"
        await (await school.started(run)).result()
    ended = await school.now(run)
    assert ended.state is RetrainingState.CHALLENGER
    assert len(await school.house.ports.trainings.newest(limit=10)) == 1


async def test_of_two_who_ask_at_once_one_is_told_that_it_is_under_way(school: School):
    await school.with_champion()
    asked = await asyncio.gather(school.asked(), school.asked(Trigger.DRIFT), return_exceptions=True)
    assert sorted(type(each).__name__ for each in asked) == ["RetrainingRun", "RetrainingUnderWay"]
    assert "plimsoll retraining list" in str(next(each for each in asked if isinstance(each, RetrainingUnderWay)))


async def test_a_training_by_hand_is_waited_for(school: School, monkeypatch):
    from datetime import timedelta

    import workflows.retrain_model

    monkeypatch.setattr(workflows.retrain_model, "LOOK_AT_ANOTHER_TRAINING", timedelta(seconds=0.2))
    await school.with_champion()
    by_hand = await school.hall.begun()
    async with school.hall.at_work(sandboxed=False):
        run = await school.asked()
        handle = await school.started(run)

        async def waits() -> bool:
            return "recalibrated" in school.contest.asked

        await until(waits, what="the retraining to come to its training")
        assert (await school.now(run)).training_id is None
        await school.house.ports.trainings.end(by_hand.id, TrainingState.STOPPED, by_hand.started_at, "enough")
        assert (await handle.result()).state is RetrainingState.REJECTED
    assert (await school.now(run)).training_id not in (None, by_hand.id)


async def test_a_defect_ends_it_as_failed_and_another_may_begin(school: School, monkeypatch):
    from temporalio.common import RetryPolicy

    import workflows.retrain_model

    monkeypatch.setattr(workflows.retrain_model, "SEVERAL_TIMES", RetryPolicy(maximum_attempts=2))
    await school.with_champion()
    school.contest.defects.add("labels_known")
    async with school.hall.at_work(sandboxed=False):
        run = await school.asked()
        assert (await (await school.started(run)).result()).state is RetrainingState.FAILED
    assert (await school.asked()).id != run.id


async def asks(school: School) -> str | None:
    """The schedule's run: whose id it began, once that has ended."""
    client = school.house.client
    assert client is not None
    told = await client.execute_workflow(
        AskForRetraining.run, AskIfDue(product=PRODUCT), id=f"retrain/{uuid.uuid4().hex}", task_queue=names.BATCH
    )
    if told.retraining:
        await client.get_workflow_handle(names.retraining_id(told.retraining)).result()
    return told.retraining


async def test_the_schedule_begins_one_when_labels_ask_and_not_again_while_nothing_is_new(school: School):
    await school.with_champion(labels_known=500)
    async with school.hall.at_work():
        begun = await asks(school)
        run = await school.house.ports.retrainings.get(begun)
        assert (run.state, run.trigger) == (RetrainingState.REJECTED, Trigger.NEW_DATA)
        assert {cause.trigger for cause in run.causes} == {Trigger.NEW_DATA, Trigger.MONTHLY}
        assert await asks(school) is None, "no label has become known since"


async def test_the_schedule_leaves_no_line_on_a_day_on_which_nothing_asks(school: School):
    await school.with_champion(labels_known=school.contest.known)
    async with school.hall.at_work():
        assert await asks(school) is None
    assert not await school.house.ports.retrainings.newest(limit=5)
    assert await entries(school) == []
