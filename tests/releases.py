"""Versions of models as a registry knows them, without files, and releases of them with arms as a test says."""

import hashlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from temporalio.client import WorkflowHandle
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.worker import Worker

from activities.releases import Releases, RolloutRef
from plimsoll.domain.access import Role
from plimsoll.domain.models.gates import Arm
from plimsoll.domain.models.registry import ModelRecord, Registration, RoleName
from plimsoll.domain.models.rollout import RolloutState, RolloutView, usual_plan
from tests.builders import NOW
from tests.house import House, until
from workflows.roll_out_model import RollOutModel

MODEL = "consumer-credit"
PLAN = usual_plan().model_copy(update={"evaluate_every": timedelta(hours=12)})


def a_version(version: str, model: str = MODEL) -> Registration:
    digest = hashlib.sha256(f"{model}@{version}".encode()).hexdigest()
    return Registration(
        name=model,
        version=version,
        digest=digest,
        product=model,
        algorithm="a test's",
        manifest={"files": {"model.cbm": digest}},
        report_digest=digest,
    )


async def approved(house: House, version: Registration) -> ModelRecord:
    """Registered, proposed by one person and approved by another."""
    owner, approver = await house.somebody(Role.MODEL_OWNER), await house.somebody(Role.MODEL_APPROVER)
    given = {"request": "req_test", "now": NOW}
    record = await house.ports.registry.register(version, by=owner, **given)
    await house.ports.registry.propose(record.id, by=owner, reason="trained", **given)
    return await house.ports.registry.approve(record.id, by=approver, reason="looked at", **given)


async def a_champion(house: House, version: Registration | None = None) -> ModelRecord:
    record = await approved(house, version or a_version("first"))
    owner = await house.somebody(Role.MODEL_OWNER)
    return await house.ports.registry.set_role(
        record.id, RoleName.CHAMPION, by=owner, reason="the first", request="req_test", now=NOW
    )


# A release under way ------------------------------------------------------------------------


def a_good_arm(seed: int) -> Arm:
    random = np.random.default_rng(seed)
    return Arm(
        durations=random.gamma(4.0, 1.0, 3000),
        scored=3000,
        failed=3,
        probabilities=random.beta(2, 38, 3000),
        reasons={"term": 1500, "amount": 1000, "savings": 500},
        approvals={"up to 25": (400, 500), "older than 25": (2050, 2500)},
    )


def a_slow_arm() -> Arm:
    arm = a_good_arm(7)
    return replace(arm, durations=arm.durations * 2)


@dataclass
class GivenArms:
    """What each model did, as the test says it."""

    of: dict[str, Arm] = field(default_factory=dict)

    async def live(self, product: str, digest: str, since: datetime, now: datetime) -> Arm:
        return self.of.setdefault(digest, a_good_arm(len(self.of)))

    shadow = live


@dataclass
class Release:
    """One roll-out under way, its run, and what its arms do."""

    house: House
    rollout: str
    arms: GivenArms
    handle: WorkflowHandle
    skipper: TimeSkipper

    async def let_pass(self, duration: timedelta) -> None:
        await self.skipper.fast_forward(self.handle, duration)

    async def view(self) -> RolloutView:
        return await self.house.ports.rollouts.view(self.rollout)

    async def until(self, state: RolloutState, phase: str | None = None) -> RolloutView:
        async def there() -> bool:
            view = await self.view()
            return view.state is state and phase in (None, view.now_in.name)

        await until(there, what=f"the roll-out to be {state}, {phase or 'in any phase'}")
        return await self.view()

    async def said(self, reason: str = "as agreed") -> dict[str, Any]:
        by = await self.house.somebody(Role.MODEL_OWNER)
        return {"by": by, "reason": reason, "request": "req_test", "now": datetime.now(UTC)}

    async def champion(self) -> str:
        row = await self.house.row(
            "select m.version from model_role r join model m on m.id = r.model_id where r.name = %(name)s "
            "and r.role = 'champion'",
            name=self.model,
        )
        return row["version"]

    @property
    def model(self) -> str:
        return self.handle.id.removeprefix("test-")


@asynccontextmanager
async def a_release(house: House) -> AsyncIterator[Release]:
    assert house.client is not None
    name = f"model-{uuid.uuid4().hex[:8]}"
    owner = await house.somebody(Role.MODEL_OWNER)
    said = {"by": owner, "reason": "better", "request": "req_test", "now": datetime.now(UTC)}
    await a_champion(house, a_version("first", name))
    new = await approved(house, a_version("second", name))
    rollout = await house.ports.rollouts.start(new.id, PLAN, **said)
    arms = GivenArms()
    skipper = TimeSkipper(house.client, config=TimeSkippingConfig())
    async with Worker(
        house.client,
        task_queue=name,
        workflows=[RollOutModel],
        activities=[Releases(house.ports.rollouts, arms).look],
    ):
        ref = RolloutRef(rollout=rollout, product=name)
        handle = await skipper.client.start_workflow(RollOutModel.run, ref, id=f"test-{name}", task_queue=name)
        release = Release(house, rollout, arms, handle, skipper)
        yield release
        if not (await release.view()).ended:
            await release.handle.terminate("the test is over")
