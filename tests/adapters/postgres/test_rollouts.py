"""Roll-outs on real Postgres: each move changes the row, the roles and the ledger together, or nothing."""

from datetime import timedelta

import pytest

from plimsoll.domain.access import Role
from plimsoll.domain.errors import Conflict, NotFound
from plimsoll.domain.models.registry import NotApproved, RoleName
from plimsoll.domain.models.rollout import Judgement, Move, RolloutState, RolloutView, usual_plan
from tests.builders import NOW
from tests.house import House
from tests.releases import a_champion, a_version, approved

PLAN = usual_plan()
LATER = NOW + timedelta(hours=30)


async def a_rollout(house: House) -> str:
    """Under way since NOW, against a champion."""
    await a_champion(house)
    return await started(house, (await approved(house, a_version("second"))).id)


async def started(house: House, model: str) -> str:
    return await house.ports.rollouts.start(model, PLAN, **await said(house))


async def said(house: House, reason: str = "better by 0.02") -> dict:
    return {"by": await house.somebody(Role.MODEL_OWNER), "reason": reason, "request": "req_1", "now": NOW}


async def applied(house: House, rollout: str, move: Move, phase: int = 0) -> RolloutView:
    judgement = Judgement(move=move, reason="as the gates say")
    return await house.ports.rollouts.apply(rollout, phase, judgement, [], LATER)


async def roles(house: House) -> dict[str, str]:
    """role -> version"""
    rows = await house.rows(
        "select r.role, r.share, m.version from model_role r join model m on m.id = r.model_id where r.name = %(name)s",
        name="consumer-credit",
    )
    return {row["role"]: f"{row['version']} {row['share']:g}".removesuffix(" 0") for row in rows}


async def test_it_begins_in_the_shadow_and_decides_nobody(house: House):
    rollout = await a_rollout(house)
    view = await house.ports.rollouts.view(rollout)
    assert (view.state, view.now_in.name, view.deadline) == (RolloutState.RUNNING, "shadow", NOW + timedelta(hours=24))
    assert await roles(house) == {"champion": "first", "shadow": "second"}
    await house.must_verify()


async def test_each_phase_shares_out_more_applicants(house: House):
    rollout = await a_rollout(house)
    await applied(house, rollout, Move.ADVANCE)
    assert await roles(house) == {"champion": "first", "challenger": "second 0.1"}
    view = await applied(house, rollout, Move.ADVANCE, phase=1)
    assert await roles(house) == {"champion": "first", "challenger": "second 0.25"}
    assert view.deadline == LATER + timedelta(hours=24)
    await house.must_verify()


async def test_a_growing_share_keeps_who_was_in(house: House):
    rollout = await a_rollout(house)
    await applied(house, rollout, Move.ADVANCE)
    before = await house.row("select salt from model_role where role = 'challenger'")
    await applied(house, rollout, Move.ADVANCE, phase=1)
    assert await house.row("select salt from model_role where role = 'challenger'") == before


async def test_a_breach_takes_it_back_and_it_is_over(house: House):
    rollout = await a_rollout(house)
    await applied(house, rollout, Move.ADVANCE)
    view = await applied(house, rollout, Move.ROLL_BACK, phase=1)
    assert (view.state, view.ended) == (RolloutState.ROLLED_BACK, True)
    assert await roles(house) == {"champion": "first"}
    await house.must_verify()


async def test_after_the_last_phase_it_is_the_champion_and_the_old_one_is_kept_a_week(house: House):
    rollout = await a_rollout(house)
    for phase in range(4):
        view = await applied(house, rollout, Move.ADVANCE, phase=phase)
    assert (view.state, view.ended, view.deadline) == (RolloutState.PROMOTED, False, LATER + timedelta(days=7))
    assert await roles(house) == {"champion": "second"}
    assert (await house.ports.rollouts.let_go(rollout, LATER + timedelta(days=7))).ended


async def test_while_the_old_one_is_kept_it_can_be_had_back(house: House):
    rollout = await a_rollout(house)
    await house.ports.rollouts.promote(rollout, **await said(house))
    view = await house.ports.rollouts.roll_back(rollout, **await said(house, "complaints"))
    assert view.ended
    assert await roles(house) == {"champion": "first"}
    with pytest.raises(Conflict, match="is rolled back and over"):
        await house.ports.rollouts.promote(rollout, **await said(house))


async def test_a_paused_one_does_not_advance_but_still_goes_back(house: House):
    rollout = await a_rollout(house)
    await house.ports.rollouts.pause(rollout, **await said(house))
    assert (await applied(house, rollout, Move.ADVANCE)).phase == 0
    assert (await applied(house, rollout, Move.ROLL_BACK)).state is RolloutState.ROLLED_BACK


async def test_numbers_that_never_come_are_left_to_a_person(house: House):
    rollout = await a_rollout(house)
    assert (await applied(house, rollout, Move.ASK_A_PERSON)).state is RolloutState.PAUSED
    resumed = await house.ports.rollouts.resume(rollout, **await said(house, "volume is low in August"))
    assert resumed.state is RolloutState.RUNNING


async def test_an_evaluation_of_a_phase_that_is_over_changes_nothing(house: House):
    rollout = await a_rollout(house)
    await applied(house, rollout, Move.ADVANCE)
    assert (await applied(house, rollout, Move.ADVANCE, phase=0)).phase == 1
    assert len(await house.ports.rollouts.evaluations(rollout)) == 1


async def test_two_at_once_are_refused(house: House):
    await a_rollout(house)
    third = await approved(house, a_version("third"))
    with pytest.raises(Conflict, match="Another roll-out of this model is under way"):
        await started(house, third.id)
    assert await roles(house) == {"champion": "first", "shadow": "second"}


async def test_a_version_nobody_approved_is_refused_and_nothing_is_half_done(house: House):
    await a_champion(house)
    candidate = await house.ports.registry.register(a_version("second"), **await registering(house))
    with pytest.raises(NotApproved):
        await started(house, candidate.id)
    assert await house.ports.rollouts.newest(product=None, after=None, limit=10) == []


async def registering(house: House) -> dict:
    return {"by": await house.somebody(Role.MODEL_OWNER), "request": "req_1", "now": NOW}


async def test_without_a_champion_there_is_nothing_to_roll_out_against(house: House):
    first = await approved(house, a_version("first"))
    with pytest.raises(Conflict, match="no champion to compare with"):
        await started(house, first.id)


async def test_a_new_release_ends_the_keeping_of_the_last_one(house: House):
    rollout = await a_rollout(house)
    await house.ports.rollouts.promote(rollout, **await said(house))
    await started(house, (await approved(house, a_version("third"))).id)
    assert (await house.ports.rollouts.view(rollout)).ended


async def test_an_alarm_takes_back_what_is_under_way(house: House):
    rollout = await a_rollout(house)
    taken = {"reason": "AUC fell by 0.06", "request": "drf_1", "now": LATER}
    assert await house.ports.rollouts.roll_back_under_way("consumer-credit", **taken) == rollout
    assert await house.ports.rollouts.roll_back_under_way("consumer-credit", **taken) is None


async def test_what_is_not_there_is_said_in_a_sentence(house: House):
    with pytest.raises(NotFound, match="There is no roll-out rol_0"):
        await house.ports.rollouts.view("rol_0")


async def test_the_role_of_a_running_rollout_is_the_shadow_first(house: House):
    await a_rollout(house)
    record = await house.ports.registry.find("consumer-credit@second")
    assert [held.role for held in record.roles] == [RoleName.SHADOW]
