"""Retrainings in a house whose contest, workshop and shelf are the test's."""

import dataclasses
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from temporalio.client import WorkflowHandle

from activities.retraining import Retrained, RetrainingRef
from plimsoll.domain.access import Actor, Role
from plimsoll.domain.models.registry import ModelRecord, RoleName
from plimsoll.domain.models.retraining_gate import Check, Comparison, Requirement
from plimsoll.domain.models.retraining_run import Candidate, HeldOutRows, LabelsKnown, RetrainingRun, TriedOut
from plimsoll.domain.models.training import LabelSource, TrainingPlan
from plimsoll.domain.models.training_run import Trigger
from plimsoll.ports import OpenRun
from starter.engine.runs import ensure_run
from tests.house import House
from tests.port_contracts.test_model_registries import a_version
from tests.trainings import PRODUCT, Hall, a_hall

LAST_YEAR = datetime.now(UTC) - timedelta(days=365)
SINCE = date(2026, 1, 1)


def a_comparison(better: bool, challenger: str = "successor") -> Comparison:
    said = "it ranks better" if better else "that is not surely better"
    check = Check(requirement=Requirement.BETTER, met=better, sentence=f"AUC 0.71 against 0.70: {said}.")
    return Comparison(champion="champion", challenger=challenger, rows=900, bads=90, checks=(check,))


@dataclass
class FakeContest:
    """`better` says who passes; `why_not` why nothing can be held out; `defects` break whenever they are asked."""

    known: int = 1_000
    why_not: str | None = None
    better: dict[Candidate, bool] = field(default_factory=dict)
    defects: set[str] = field(default_factory=set)
    breaks_once: set[str] = field(default_factory=set)
    asked: Counter = field(default_factory=Counter)

    def labels_known(self, product: Any, champion: ModelRecord, labels: LabelSource, now: datetime) -> LabelsKnown:
        self._asked("labels_known")
        held_out = HeldOutRows(since=SINCE, rows=900, bads=90)
        return LabelsKnown(known=self.known, held_out=None if self.why_not else held_out, why_not=self.why_not)

    def recalibrated(self, product: Any, champion: ModelRecord, labels: LabelSource, now: datetime) -> TriedOut:
        self._asked("recalibrated")
        passed = self.better.get(Candidate.RECALIBRATED, False)
        version = a_version("recalibrated").version if passed else None
        return TriedOut(candidate=Candidate.RECALIBRATED, version=version, comparison=a_comparison(passed))

    def retrained(
        self, product: Any, champion: ModelRecord, challenger: ModelRecord, labels: LabelSource, now: datetime
    ) -> TriedOut:
        self._asked("retrained")
        passed = self.better.get(Candidate.RETRAINED, False)
        told = {"version": challenger.version, "model_id": challenger.id}
        return TriedOut(candidate=Candidate.RETRAINED, comparison=a_comparison(passed), **told)

    def _asked(self, what: str) -> None:
        self.asked[what] += 1
        if what in self.defects:
            raise ZeroDivisionError
        if what in self.breaks_once:
            self.breaks_once.discard(what)
            raise SystemError("the worker is gone")


@dataclass
class School:
    """A hall where versions are trained, and the contest that judges them."""

    hall: Hall
    contest: FakeContest

    @property
    def house(self) -> House:
        return self.hall.house

    async def with_champion(self, labels_known: int = 500) -> ModelRecord:
        """One that learnt a year ago from so many labels."""
        manifest = a_version("champion").manifest | {"data": {"rows": labels_known, "labels_known": labels_known}}
        ada, bob = await self.house.somebody(Role.MODEL_OWNER), await self.house.somebody(Role.MODEL_APPROVER)
        registry, said = self.house.ports.registry, {"reason": "the first", "request": "req_1", "now": LAST_YEAR}
        version = a_version("champion", manifest=manifest)
        record = await registry.register(version, by=ada, request="req_1", now=LAST_YEAR)
        await registry.propose(record.id, by=ada, **said)
        await registry.approve(record.id, by=bob, **said)
        return await registry.set_role(record.id, RoleName.CHAMPION, share=0.0, by=ada, **said)

    async def asked(self, trigger: Trigger = Trigger.PERSON, by: Actor | None = None) -> RetrainingRun:
        ada = by or await self.house.somebody(Role.MODEL_OWNER)
        said = {"by": ada, "reason": "it is autumn", "request": "req_1", "now": datetime.now(UTC)}
        return await self.house.ports.retrainings.start(PRODUCT, TrainingPlan(), trigger, **said)

    async def started(self, run: RetrainingRun) -> WorkflowHandle:
        """Its run, as the API or the reconciler would start it."""
        assert self.house.client is not None
        handle = await ensure_run(self.house.client, OpenRun(kind="retraining", id=run.id, product=PRODUCT))
        return self.house.client.get_workflow_handle(handle.id, result_type=Retrained)

    async def ended(self, trigger: Trigger = Trigger.PERSON) -> tuple[RetrainingRun, WorkflowHandle]:
        """Asked for, run, and as it stands then."""
        async with self.hall.at_work():
            run = await self.asked(trigger)
            handle = await self.started(run)
            await handle.result()
        return await self.now(run), handle

    async def now(self, run: RetrainingRun) -> RetrainingRun:
        return await self.house.ports.retrainings.get(run.id)


def a_school(house: House) -> School:
    """Every training in it gives the version called `successor`."""
    hall, contest = a_hall(house), FakeContest()
    hall.workshop.gives = "successor"
    for name in ("successor", "recalibrated"):
        hall.shelf.put(a_version(name))
    ports = dataclasses.replace(hall.house.ports, contest=contest)  # type: ignore[arg-type]
    return School(dataclasses.replace(hall, house=dataclasses.replace(hall.house, ports=ports)), contest)


def ref(run: RetrainingRun) -> RetrainingRef:
    return RetrainingRef(retraining=run.id, product=run.product)
