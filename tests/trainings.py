"""Trainings in a house whose workshop, shelf and mirror are the test's."""

import dataclasses
from typing import Any

from temporalio.client import WorkflowHandle
from temporalio.testing import ActivityEnvironment

from activities import activities_on
from activities.training import TakeStep, Trained, TrainingRef
from plimsoll.domain.access import Role
from plimsoll.domain.models.training import TrainingPlan, TrainingStep
from plimsoll.domain.models.training_run import TrainingRun, Trigger
from plimsoll.ports import OpenRun
from starter.engine.runs import ensure_run
from tests.builders import NOW
from tests.fake_training import FakeMirror, FakeShelf, FakeWorkshop
from tests.house import House
from tests.port_contracts.test_model_registries import a_version
from workflows import names

PRODUCT = "consumer-credit"


@dataclasses.dataclass
class Hall:
    """The house, and what a test may tell its parts to do."""

    house: House
    workshop: FakeWorkshop
    shelf: FakeShelf
    mirror: FakeMirror

    async def begun(self) -> TrainingRun:
        ada = await self.house.somebody(Role.MODEL_OWNER)
        said = {"by": ada, "reason": "it is autumn", "request": "req_1", "now": NOW}
        run = await self.house.ports.trainings.start(PRODUCT, TrainingPlan(), Trigger.PERSON, **said)
        self.shelf.put(a_version(run.id))
        return run

    async def do(self, name: str, message: Any = None) -> Any:
        return await ActivityEnvironment().run(activity_of(self.house, name), *([message] if message else []))

    async def take(self, run: TrainingRun, step: TrainingStep) -> Any:
        return await self.do("take_training_step", TakeStep(training=run.id, product=PRODUCT, step=step))

    async def started(self, run: TrainingRun) -> WorkflowHandle:
        """Its run, as the API would start it."""
        assert self.house.client is not None
        handle = await ensure_run(self.house.client, OpenRun(kind="training", id=run.id, product=PRODUCT))
        return self.house.client.get_workflow_handle(handle.id, result_type=Trained)

    def at_work(self, sandboxed: bool = True) -> Any:
        return self.house.at_work(dispatcher=False, sandboxed=sandboxed, queues=[names.BATCH])

    async def now(self, run: TrainingRun) -> TrainingRun:
        return await self.house.ports.trainings.get(run.id)


def activity_of(house: House, name: str) -> Any:
    """The activity of this name as the batch worker of this house hosts it."""
    hosted = activities_on("batch", house.ports)
    return next(a for a in hosted if a.__temporal_activity_definition.name == name)  # type: ignore[attr-defined]


def a_hall(house: House) -> Hall:
    """The same house with a workshop, a shelf and a mirror of its own."""
    workshop, shelf, mirror = FakeWorkshop(), FakeShelf(), FakeMirror()
    ports = dataclasses.replace(house.ports, workshop=workshop, shelf=shelf, mirror=mirror)  # type: ignore[arg-type]
    return Hall(dataclasses.replace(house, ports=ports), workshop, shelf, mirror)


def ref(run: TrainingRun) -> TrainingRef:
    return TrainingRef(training=run.id, product=run.product)
