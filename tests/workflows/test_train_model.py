"""TrainModel on a real server: from data to a candidate, over killed workers, stops and a mirror that is down."""

import uuid
from collections.abc import AsyncIterator

import pytest
from temporalio.client import WorkflowHandle

from plimsoll.domain.access import Role
from plimsoll.domain.errors import Unavailable
from plimsoll.domain.models.registry import ModelState
from plimsoll.domain.models.training import TrainingStep
from plimsoll.domain.models.training_run import TrainingRun, TrainingState
from tests.builders import NOW
from tests.house import a_house, until
from tests.stack_fixtures import Database, LocalTemporal
from tests.trainings import Hall, a_hall

ALL = ["fetch", *TrainingStep]


@pytest.fixture
async def hall(database: Database, local_temporal: LocalTemporal, tmp_path) -> AsyncIterator[Hall]:
    """With an engine, and nobody at work yet."""
    temporal = LocalTemporal(local_temporal.address, f"test-{uuid.uuid4().hex[:8]}")
    async with a_house(tmp_path, database, temporal=temporal, faked=True) as house:
        yield a_hall(house)
        await house.must_verify()


async def begun(hall: Hall) -> tuple[TrainingRun, WorkflowHandle]:
    run = await hall.begun()
    return run, await hall.started(run)


async def test_a_training_ends_with_a_candidate_that_plays_no_role(hall: Hall):
    async with hall.at_work():
        run, handle = await begun(hall)
        trained = await handle.result()
    assert trained.state is TrainingState.DONE
    record = await hall.house.ports.registry.find(trained.model)
    assert (record.state, record.roles) == (ModelState.CANDIDATE, ())
    assert [step.step for step in (await hall.now(run)).progress.finished] == ALL
    assert hall.mirror.told == 1


async def test_a_check_that_fails_ends_the_run_there(hall: Hall):
    hall.workshop.stops["validate"] = "Half of the rows are there twice."
    async with hall.at_work():
        run, handle = await begun(hall)
        assert (await handle.result()).state is TrainingState.STOPPED
    assert dict(hall.workshop.taken) == {"fetch": 1, "validate": 1}
    assert (await hall.now(run)).error == "Half of the rows are there twice."
    said = (
        "select convert_from(body, 'UTF8')::jsonb ->> 'reason' as why from ledger_entry where kind = 'training.ended'"
    )
    assert [row["why"] for row in await hall.house.rows(said)] == ["one of its own checks stopped it"]


async def test_a_run_goes_on_from_the_step_in_which_its_worker_died(hall: Hall):
    """What the worker finished is not done again; the step it died in is taken anew."""
    dies = True

    def dying(progress):
        nonlocal dies
        if dies:
            dies = False
            raise SystemError("the worker is gone")

    hall.workshop.doing["calibrate"] = dying
    async with hall.at_work():
        _, handle = await begun(hall)
        assert (await handle.result()).state is TrainingState.DONE
    assert hall.workshop.taken == {**dict.fromkeys(ALL, 1), "calibrate": 2}


async def test_a_mirror_that_is_down_stops_no_training(hall: Hall, monkeypatch):
    from datetime import timedelta

    import workflows.train_model

    monkeypatch.setattr(workflows.train_model, "MIRROR_PATIENCE", timedelta(seconds=0.5))
    hall.mirror.fails = Unavailable("MLflow is away")
    async with hall.at_work(sandboxed=False):
        run, handle = await begun(hall)
        assert (await handle.result()).state is TrainingState.DONE
    assert (await hall.now(run)).model_id


async def test_somebody_stops_it_and_no_version_is_made(hall: Hall):
    def for_ever(progress):
        while True:
            progress("tuning", 1, 9)

    hall.workshop.doing["candidates"] = for_ever
    async with hall.at_work():
        run, handle = await begun(hall)

        async def tuning() -> bool:
            return hall.workshop.taken["candidates"] == 1

        await until(tuning, what="candidates to be compared")
        ada = await hall.house.somebody(Role.MODEL_OWNER)
        await hall.house.ports.trainings.cancel(run.id, by=ada, reason="wrong file", request="req_2", now=NOW)
        assert (await handle.result()).state is TrainingState.STOPPED
    assert not await hall.house.ports.registry.find_all(limit=10)


async def test_a_terminated_run_is_started_again_and_finds_its_row(hall: Hall):
    run, handle = await begun(hall)
    await handle.terminate("by an operator")
    open_runs = await hall.house.ports.open_runs.open_runs(NOW - NOW)
    assert [(found.kind, found.id) for found in open_runs] == [("training", run.id)]
    async with hall.at_work():
        handle = await hall.started(run)
        assert (await handle.result()).state is TrainingState.DONE
