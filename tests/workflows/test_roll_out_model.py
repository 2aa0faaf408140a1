"""A release over its two weeks: the real server skips the time, real Postgres moves the roles, arms are given."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from temporalio.client import WorkflowHandle
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.worker import Worker

from activities.releases import Releases, RolloutRef, Seen
from plimsoll.domain.access import Role
from plimsoll.domain.gates import Arm
from plimsoll.domain.rollout import RolloutState, RolloutView, usual_plan
from tests.house import House, until
from tests.releases import a_champion, a_version, approved
from workflows.roll_out_model import RollOutModel

PLAN = usual_plan().model_copy(update={"evaluate_every": timedelta(hours=12)})


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


async def test_a_good_model_goes_from_its_shadow_to_everybody_in_five_days(running_house: House):
    async with a_release(running_house) as release:
        assert (await release.view()).now_in.name == "shadow"
        for hours, phase in ((24, "10 %"), (48, "25 %"), (24, "50 %")):
            await release.let_pass(timedelta(hours=hours, minutes=1))
            await release.until(RolloutState.RUNNING, phase)
        await release.let_pass(timedelta(hours=24, minutes=1))
        await release.until(RolloutState.PROMOTED)
        assert await release.champion() == "second"

        await release.let_pass(timedelta(days=7, minutes=1))
        seen: Seen = await release.handle.result()
        assert (seen.state, seen.over) == (RolloutState.PROMOTED, True)
    await running_house.must_verify()


async def test_a_model_that_turns_slow_is_taken_back_within_one_evaluation(running_house: House):
    async with a_release(running_house) as release:
        await release.let_pass(timedelta(hours=24, minutes=1))
        view = await release.until(RolloutState.RUNNING, "10 %")
        release.arms.of[view.new_digest] = replace(a_good_arm(7), durations=a_good_arm(7).durations * 2)
        await release.let_pass(PLAN.evaluate_every)
        await release.until(RolloutState.ROLLED_BACK)
        assert await release.champion() == "first"
        assert (await release.handle.result()).over
        row = await running_house.ports.rollouts.get(release.rollout)
        assert row["reason"].startswith("latency ")


async def test_a_paused_release_waits_for_a_person_however_long(running_house: House):
    async with a_release(running_house) as release:
        await running_house.ports.rollouts.pause(release.rollout, **await release.said("holiday"))
        await release.let_pass(timedelta(days=3))
        assert (await release.view()).now_in.name == "shadow"
        await running_house.ports.rollouts.resume(release.rollout, **await release.said())
        await release.handle.signal(RollOutModel.told)
        await release.until(RolloutState.RUNNING, "10 %")


@pytest.mark.parametrize(("verb", "champion"), [("promote", "second"), ("roll_back", "first")])
async def test_a_person_may_end_it_at_once(running_house: House, verb: str, champion: str):
    async with a_release(running_house) as release:
        await getattr(running_house.ports.rollouts, verb)(release.rollout, **await release.said())
        await release.handle.signal(RollOutModel.told)
        assert await release.champion() == champion


async def test_a_terminated_run_goes_on_from_the_row(running_house: House):
    async with a_release(running_house) as release:
        await release.let_pass(timedelta(hours=24, minutes=1))
        await release.until(RolloutState.RUNNING, "10 %")
        await release.handle.terminate("an operator's mistake")

        ref = RolloutRef(rollout=release.rollout, product=release.model)
        client = release.skipper.client
        again = await client.start_workflow(RollOutModel.run, ref, id=release.handle.id, task_queue=release.model)
        release.handle = client.get_workflow_handle(again.id)
        assert (await release.view()).now_in.name == "10 %"
        await release.let_pass(timedelta(hours=73))
        await release.until(RolloutState.RUNNING, "25 %")
