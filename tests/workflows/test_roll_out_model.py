"""A release over its two weeks: the real server skips the time, real Postgres moves the roles, arms are given."""

from datetime import timedelta

import pytest

from activities.releases import RolloutRef, Seen
from plimsoll.domain.models.rollout import RolloutState
from tests.house import House
from tests.releases import PLAN, a_release, a_slow_arm
from workflows.roll_out_model import RollOutModel


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
        release.arms.of[view.new_digest] = a_slow_arm()
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
